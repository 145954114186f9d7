//! The log: what happened in the room, encoded once per door, and the cursors
//! that read it.
//!
//! Entries are gathered in an open block until someone reads; then the block is
//! sealed and its bytes are shared by all readers. So everything that happens in
//! one turn of the server stands side by side in memory, and a reader is sent it
//! in one write, without a copy of its own.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::event::MemberId;

/// How much of the past the log holds. What is over it goes, oldest first, by
/// whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most messages.
    pub messages: u64,
    /// The most bytes, of all doors' encodings and the index together.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            messages: 10_000,
            bytes: 32 << 20,
        }
    }
}

/// How a door's entries are laid out in a block. The text door's are encoded
/// only while someone reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Of the native door.
    Native,
    /// Of the text door.
    Text,
}

/// A reader's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The position of the next entry to read.
    position: u64,
    /// The `seq` of the next message to read.
    seq: u64,
}

/// Messages that a reader missed because the log no longer holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The `seq` of the first one missed.
    pub from: u64,
    /// The `seq` of the last one missed. Before `from` if no message was missed,
    /// but only joins and leaves.
    pub to: u64,
}

/// Where one entry ends in its block, and what it is.
#[derive(Clone, Copy, Debug)]
struct Mark {
    native_end: u32,
    text_end: u32,
    /// Who said it, if it is a message.
    from: Option<MemberId>,
}

impl Mark {
    const fn end(&self, encoding: Encoding) -> usize {
        match encoding {
            Encoding::Native => self.native_end as usize,
            Encoding::Text => self.text_end as usize,
        }
    }
}

/// Entries that were sealed together.
#[derive(Debug)]
struct Block {
    start: Cursor,
    end: Cursor,
    native: Box<[u8]>,
    text: Box<[u8]>,
    marks: Box<[Mark]>,
}

impl Block {
    fn bytes(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Native => &self.native,
            Encoding::Text => &self.text,
        }
    }

    /// Where the entry at `index` starts, or the block ends.
    fn offset(&self, index: usize, encoding: Encoding) -> usize {
        index
            .checked_sub(1)
            .map_or(0, |before| self.marks[before].end(encoding))
    }

    /// The cursor in front of the entry at `index`.
    fn cursor(&self, index: usize) -> Cursor {
        let messages = self.marks[..index]
            .iter()
            .filter(|mark| mark.from.is_some())
            .count();
        Cursor {
            position: self.start.position + index as u64,
            seq: self.start.seq + messages as u64,
        }
    }

    /// What the block takes of memory, in bytes.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.native.len() + self.text.len() + size_of_val(&*self.marks)
    }
}

/// Entries that stand side by side in memory, as readers share them.
#[derive(Clone, Debug)]
pub struct Slice {
    block: Arc<Block>,
    /// Which of the block's entries.
    entries: Range<usize>,
    encoding: Encoding,
}

impl Slice {
    /// The encodings of all of them, one after the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.block.bytes(self.encoding)
            [self.offset(self.entries.start)..self.offset(self.entries.end)]
    }

    /// Each entry by itself: who said it (if it is a message), and its bytes.
    pub fn entries(&self) -> impl Iterator<Item = (Option<MemberId>, &[u8])> {
        self.entries.clone().map(|index| {
            let range = self.offset(index)..self.offset(index + 1);
            (
                self.block.marks[index].from,
                &self.block.bytes(self.encoding)[range],
            )
        })
    }

    /// Where a reader stands who took the first `taken` bytes: behind the entry
    /// that they end in, and what is left of that entry.
    #[must_use]
    pub fn split(&self, taken: usize) -> (Cursor, &[u8]) {
        let taken = self.offset(self.entries.start) + taken;
        let marks = &self.block.marks;
        let index = self.entries.start
            + marks[self.entries.clone()].partition_point(|mark| mark.end(self.encoding) < taken);
        // `taken` at the very start is the end of nothing.
        let index = if taken == self.offset(self.entries.start) {
            index
        } else {
            index + 1
        };
        let index = index.min(self.entries.end);
        let rest = &self.block.bytes(self.encoding)[taken..self.offset(index).max(taken)];
        (self.block.cursor(index), rest)
    }

    fn offset(&self, index: usize) -> usize {
        self.block.offset(index, self.encoding)
    }
}

/// The append-only log of one room.
#[derive(Debug)]
pub struct Log {
    retention: Retention,
    blocks: VecDeque<Arc<Block>>,
    /// Of all `blocks`, in bytes.
    weight: usize,
    open: Open,
    /// Where the next entry goes.
    head: Cursor,
}

/// The block that is being written.
#[derive(Debug)]
struct Open {
    start: Cursor,
    native: Vec<u8>,
    text: Vec<u8>,
    marks: Vec<Mark>,
}

/// An open block is sealed when it has this many bytes, read or not.
const BLOCK_BYTES: usize = 256 << 10;

/// One [`Log::read`] stops behind the block with which it has given this many
/// bytes.
const READ_BYTES: usize = 256 << 10;

/// The most slices that one [`Log::read`] gives.
const READ_SLICES: usize = 64;

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        let start = Cursor {
            position: 0,
            seq: 1,
        };
        Self {
            retention,
            blocks: VecDeque::new(),
            weight: 0,
            open: Open {
                start,
                native: Vec::new(),
                text: Vec::new(),
                marks: Vec::new(),
            },
            head: start,
        }
    }

    /// The end of the log: the cursor of a reader who has read everything.
    #[must_use]
    pub const fn head(&self) -> Cursor {
        self.head
    }

    /// The `seq` that the next message gets.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.head.seq
    }

    /// The `seq` of the oldest message held, or of the next one if none is.
    #[must_use]
    pub fn oldest_seq(&self) -> u64 {
        self.tail().seq
    }

    /// Appends an entry: a message if it is `from` someone. The two functions
    /// write its encodings.
    pub fn append(
        &mut self,
        from: Option<MemberId>,
        native: impl FnOnce(&mut Vec<u8>),
        text: Option<impl FnOnce(&mut Vec<u8>)>,
    ) {
        let open = &mut self.open;
        native(&mut open.native);
        if let Some(text) = text {
            text(&mut open.text);
        }
        // Blocks are sealed long before their ends leave 32 bits.
        let end = |bytes: &Vec<u8>| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        open.marks.push(Mark {
            native_end: end(&open.native),
            text_end: end(&open.text),
            from,
        });
        self.head.position += 1;
        self.head.seq += u64::from(from.is_some());
        if open.native.len() + open.text.len() >= BLOCK_BYTES {
            self.seal();
        }
    }

    /// Makes the open block one that can be read.
    fn seal(&mut self) {
        let open = &mut self.open;
        if open.marks.is_empty() {
            return;
        }
        // Copied into allocations of their exact size, for they stay long.
        let block = Block {
            start: open.start,
            end: self.head,
            native: open.native.as_slice().into(),
            text: open.text.as_slice().into(),
            marks: open.marks.as_slice().into(),
        };
        open.native.clear();
        open.text.clear();
        open.marks.clear();
        open.start = self.head;
        self.weight += block.weight();
        self.blocks.push_back(Arc::new(block));
        self.trim();
    }

    /// Lets go of what is over the retention; the newest block always stays.
    fn trim(&mut self) {
        while self.blocks.len() > 1 {
            let messages = self.head.seq - self.blocks[0].start.seq;
            if self.weight <= self.retention.bytes && messages <= self.retention.messages {
                return;
            }
            if let Some(block) = self.blocks.pop_front() {
                self.weight -= block.weight();
            }
        }
    }

    /// The cursor of the oldest entry held.
    fn tail(&self) -> Cursor {
        self.blocks
            .front()
            .map_or(self.open.start, |block| block.start)
    }

    /// Gives what there is to read at `cursor` to `into`, and moves the cursor
    /// behind it. At most some hundred kilobytes at once.
    ///
    /// A cursor that fell out of the log is moved to the oldest entry held, and
    /// what it missed is returned; nothing is read then.
    pub fn read(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        into: &mut Vec<Slice>,
    ) -> Option<Gap> {
        self.seal();
        let tail = self.tail();
        if cursor.position < tail.position {
            let gap = Gap {
                from: cursor.seq,
                to: tail.seq - 1,
            };
            *cursor = tail;
            return Some(gap);
        }
        let mut given = 0;
        // Nearly every reader stands in front of the last block.
        let first = match self.blocks.back() {
            Some(last) if last.start == *cursor => self.blocks.len() - 1,
            _ => self
                .blocks
                .partition_point(|block| block.end.position <= cursor.position),
        };
        for block in self.blocks.range(first..).take(READ_SLICES) {
            // Blocks are far smaller than the address space.
            let start = usize::try_from(cursor.position - block.start.position).unwrap_or(0);
            let slice = Slice {
                block: Arc::clone(block),
                entries: start..block.marks.len(),
                encoding,
            };
            given += slice.bytes().len();
            into.push(slice);
            *cursor = block.end;
            if given >= READ_BYTES {
                break;
            }
        }
        None
    }

    /// The native encodings of the messages from `seq` on and below `end`, each
    /// in a slice of its own, and the `seq` after the last one: as many as the
    /// log holds of them, at most `bytes` bytes, and at least one if there is
    /// one.
    pub fn messages(&mut self, seq: u64, end: u64, bytes: usize) -> (Vec<Slice>, u64) {
        self.seal();
        let mut found: Vec<Slice> = Vec::new();
        let mut given = 0;
        let mut next = seq.max(self.tail().seq);
        let first = self.blocks.partition_point(|block| block.end.seq <= next);
        for block in self.blocks.range(first..) {
            let messages = (0..block.marks.len()).filter(|&i| block.marks[i].from.is_some());
            for (at, index) in (block.start.seq..).zip(messages) {
                if at >= end {
                    return (found, next);
                }
                if at < next {
                    continue;
                }
                let slice = Slice {
                    block: Arc::clone(block),
                    entries: index..index + 1,
                    encoding: Encoding::Native,
                };
                given += slice.bytes().len();
                if given > bytes && !found.is_empty() {
                    return (found, next);
                }
                found.push(slice);
                next = at + 1;
            }
        }
        (found, next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn say(log: &mut Log, text: &str) {
        log.append(
            MemberId::new(1),
            |native| native.extend_from_slice(text.as_bytes()),
            Some(|bytes: &mut Vec<u8>| bytes.extend_from_slice(text.as_bytes())),
        );
    }

    fn join(log: &mut Log) {
        log.append(None, |native| native.push(b'+'), None::<fn(&mut Vec<u8>)>);
    }

    fn read(log: &mut Log, cursor: &mut Cursor) -> String {
        let mut slices = Vec::new();
        assert_eq!(log.read(cursor, Encoding::Native, &mut slices), None);
        slices
            .iter()
            .map(|slice| String::from_utf8_lossy(slice.bytes()).into_owned())
            .collect()
    }

    #[test]
    fn every_reader_sees_the_same_order_from_its_own_place() {
        let mut log = Log::new(Retention::default());
        let mut early = log.head();
        say(&mut log, "a");
        say(&mut log, "b");
        let mut late = log.head();
        assert_eq!(read(&mut log, &mut early), "ab");
        join(&mut log);
        say(&mut log, "c");
        assert_eq!(read(&mut log, &mut early), "+c");
        assert_eq!(read(&mut log, &mut late), "+c");
        assert_eq!(read(&mut log, &mut late), "");
        assert_eq!(log.next_seq(), 4);
    }

    #[test]
    fn a_reader_may_stand_in_the_middle_of_a_block() {
        let mut log = Log::new(Retention::default());
        say(&mut log, "aa");
        let mut middle = log.head();
        say(&mut log, "bb");
        let mut start = Cursor {
            position: 0,
            seq: 1,
        };
        assert_eq!(read(&mut log, &mut start), "aabb");
        assert_eq!(read(&mut log, &mut middle), "bb");
    }

    #[test]
    fn what_was_taken_of_a_slice_tells_the_cursor() {
        let mut log = Log::new(Retention::default());
        let mut cursor = log.head();
        say(&mut log, "aaa");
        join(&mut log);
        say(&mut log, "bbb");
        let mut slices = Vec::new();
        log.read(&mut cursor, Encoding::Native, &mut slices);
        let at = |position, seq| Cursor { position, seq };
        assert_eq!(slices[0].split(0), (at(0, 1), &b""[..]));
        assert_eq!(slices[0].split(1), (at(1, 2), &b"aa"[..]));
        assert_eq!(slices[0].split(3), (at(1, 2), &b""[..]));
        assert_eq!(slices[0].split(4), (at(2, 2), &b""[..]));
        assert_eq!(slices[0].split(5), (at(3, 3), &b"bb"[..]));
        assert_eq!(slices[0].split(7), (cursor, &b""[..]));
    }

    #[test]
    fn the_log_keeps_to_its_bounds_and_says_what_a_reader_missed() {
        let mut log = Log::new(Retention {
            messages: 10,
            bytes: 1 << 20,
        });
        let mut cursor = log.head();
        for n in 0..25 {
            say(&mut log, &n.to_string());
            log.seal();
        }
        assert_eq!(log.oldest_seq(), 16);
        let mut slices = Vec::new();
        let gap = log.read(&mut cursor, Encoding::Native, &mut slices);
        assert_eq!(gap, Some(Gap { from: 1, to: 15 }));
        assert!(slices.is_empty());
        assert_eq!(read(&mut log, &mut cursor), "15161718192021222324");

        let mut log = Log::new(Retention {
            messages: 1_000_000,
            bytes: 1 << 20,
        });
        for _ in 0..5_000 {
            say(&mut log, &"x".repeat(1_000));
            assert!(log.weight <= (1 << 20) + BLOCK_BYTES);
        }
    }

    #[test]
    fn past_messages_are_found_by_their_seq_without_what_lies_between() {
        let mut log = Log::new(Retention::default());
        for n in 1..=9 {
            say(&mut log, &n.to_string());
            join(&mut log);
            if n % 4 == 0 {
                log.seal();
            }
        }
        let text = |(slices, next): (Vec<Slice>, u64)| {
            let bytes: Vec<u8> = slices
                .iter()
                .flat_map(|slice| slice.bytes().to_vec())
                .collect();
            (String::from_utf8(bytes).unwrap(), next)
        };
        assert_eq!(text(log.messages(1, 10, 1_000)), ("123456789".into(), 10));
        assert_eq!(text(log.messages(4, 7, 1_000)), ("456".into(), 7));
        assert_eq!(text(log.messages(4, 99, 2)), ("45".into(), 6));
        assert_eq!(text(log.messages(4, 99, 0)), ("4".into(), 5));
        assert_eq!(text(log.messages(10, 99, 9)), (String::new(), 10));
    }

    proptest! {
        /// However messages, joins, seals and reads of any size are mixed, a
        /// reader that takes its bytes in pieces gets all of them, once.
        #[test]
        fn any_reader_gets_every_byte_once(
            steps in proptest::collection::vec((0_u8..4, 1_usize..50), 1..200),
        ) {
            let mut log = Log::new(Retention::default());
            let mut cursor = log.head();
            let (mut all, mut got) = (Vec::new(), Vec::new());
            for (step, size) in steps {
                match step {
                    0 => {
                        let text = "m".repeat(size);
                        all.extend_from_slice(text.as_bytes());
                        say(&mut log, &text);
                    }
                    1 => {
                        all.push(b'+');
                        join(&mut log);
                    }
                    2 => log.seal(),
                    _ => {
                        let mut slices = Vec::new();
                        let mut ahead = cursor;
                        log.read(&mut ahead, Encoding::Native, &mut slices);
                        if let Some(slice) = slices.first() {
                            let taken = size.min(slice.bytes().len());
                            let (next, rest) = slice.split(taken);
                            got.extend_from_slice(&slice.bytes()[..taken]);
                            got.extend_from_slice(rest);
                            cursor = next;
                        }
                    }
                }
            }
            let mut slices = Vec::new();
            log.read(&mut cursor, Encoding::Native, &mut slices);
            for slice in &slices {
                got.extend_from_slice(slice.bytes());
            }
            prop_assert_eq!(cursor, log.head());
            prop_assert_eq!(got, all);
        }
    }
}
