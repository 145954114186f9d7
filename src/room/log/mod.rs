//! The log: what happened in the room, encoded once per door, and the cursors
//! that read it.
//!
//! Entries are gathered in an open block until someone reads; then the block is
//! sealed and its bytes are shared by all readers. So everything that happens in
//! one turn of the server stands side by side in memory, and a reader is sent it
//! in one write, without a copy of its own.
//!
//! A log that is [held back](Log::hold_back) is one that is stored as well: what
//! is appended can be read only once it is [published](Log::publish), which is
//! when it is on disk.

mod block;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::MemberId;

pub use self::block::Slice;
use self::block::{Block, Mark};

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

impl Cursor {
    /// The `seq` of the next message to read.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether there is something between this place and the `other`, which is
    /// behind it.
    #[must_use]
    pub const fn is_before(self, other: Self) -> bool {
        self.position < other.position
    }
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

/// The append-only log of one room.
#[derive(Debug)]
pub struct Log {
    retention: Retention,
    /// What can be read.
    blocks: VecDeque<Arc<Block>>,
    /// Of all `blocks`, in bytes.
    weight: usize,
    /// Whether what is appended waits to be published.
    held_back: bool,
    /// Sealed, and waits to be published.
    staged: VecDeque<Arc<Block>>,
    /// Of all `staged`, in bytes.
    staged_weight: usize,
    open: Open,
    /// The oldest entry held.
    tail: Cursor,
    /// Where the next entry goes.
    head: Cursor,
    /// Up to where the log can be read, where it is held back.
    published: Cursor,
}

/// The block that is being written.
#[derive(Debug)]
struct Open {
    start: Cursor,
    native: Vec<u8>,
    text: Vec<u8>,
    marks: Vec<Mark>,
}

/// How many positions are left free before each block of a log that is held back, for
/// what has to be [read before it](Log::slip_in).
const FREE: u64 = 1_024;

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
        Self::starting_at(1, retention)
    }

    /// An empty log whose first message gets this `seq`.
    #[must_use]
    pub const fn starting_at(seq: u64, retention: Retention) -> Self {
        let start = Cursor { position: 0, seq };
        Self {
            retention,
            blocks: VecDeque::new(),
            weight: 0,
            held_back: false,
            staged: VecDeque::new(),
            staged_weight: 0,
            open: Open {
                start,
                native: Vec::new(),
                text: Vec::new(),
                marks: Vec::new(),
            },
            tail: start,
            head: start,
            published: start,
        }
    }

    /// Lets be read what is in the log; all that comes waits to be published.
    pub fn hold_back(&mut self) {
        self.seal();
        self.held_back = true;
        self.published = self.head;
    }

    /// Closes what waits to be published; returns where it ends. `None` if there
    /// is nothing.
    pub fn stage(&mut self) -> Option<Cursor> {
        self.seal();
        self.staged.back().map(|block| block.end)
    }

    /// Lets be read what was staged up to `end`.
    pub fn publish(&mut self, end: Cursor) {
        while let Some(block) = self.staged.front()
            && block.end.position <= end.position
        {
            let weight = block.weight();
            self.published = block.end;
            self.staged_weight -= weight;
            self.weight += weight;
            self.blocks.extend(self.staged.pop_front());
        }
        self.trim();
    }

    /// Lets an entry be read before all that waits to be published: one that is no
    /// message, and that nobody has to store. Says whether that was possible: before
    /// each block there is place for [`FREE`] of them.
    pub fn slip_in(&mut self, native: Vec<u8>, text: Vec<u8>) -> bool {
        let start = self.readable();
        let mut end = start;
        end.position += 1;
        let waits = match (self.staged.front(), self.open.marks.first()) {
            (Some(block), _) => Some(block.start),
            (None, Some(_)) => Some(self.open.start),
            (None, None) => None,
        };
        if waits.is_some_and(|waits| waits.position < end.position) {
            return false;
        }
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let block = Block {
            start,
            end,
            marks: [Mark {
                native_end: length(&native),
                text_end: length(&text),
                from: None,
            }]
            .into(),
            native: native.into(),
            text: text.into(),
        };
        self.weight += block.weight();
        self.blocks.push_back(Arc::new(block));
        self.published = end;
        if waits.is_none() {
            self.head = end;
        }
        self.trim();
        true
    }

    /// Drops what was not published; nobody will ever read it. What is appended
    /// from now on can be read at once.
    pub fn drop_staged(&mut self) {
        self.seal();
        self.staged.clear();
        self.staged_weight = 0;
        self.held_back = false;
    }

    /// How many bytes wait to be published.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.staged_weight + self.open.native.len() + self.open.text.len()
    }

    /// Up to where the log can be read.
    #[must_use]
    pub const fn readable(&self) -> Cursor {
        if self.held_back {
            self.published
        } else {
            self.head
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

    /// The `seq` of the next message that can be read, now or later.
    #[must_use]
    pub const fn readable_seq(&self) -> u64 {
        self.readable().seq
    }

    /// The `seq` of the oldest message held, or of the next one if none is.
    #[must_use]
    pub const fn oldest_seq(&self) -> u64 {
        self.tail.seq
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
        if open.marks.is_empty() {
            if self.held_back {
                self.head.position += FREE;
            }
            open.start = self.head;
        }
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
        let weight = block.weight();
        if self.held_back {
            self.staged_weight += weight;
            self.staged.push_back(Arc::new(block));
        } else {
            self.weight += weight;
            self.blocks.push_back(Arc::new(block));
            self.trim();
        }
    }

    /// Seals what is new, if it may be read.
    fn seal_to_read(&mut self) {
        if !self.held_back {
            self.seal();
        }
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
                self.tail = block.end;
            }
        }
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
        self.seal_to_read();
        let tail = self.tail;
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
            // Blocks are far smaller than the address space. What stood between the
            // cursor and the block was dropped if they do not meet.
            let start = cursor.position.saturating_sub(block.start.position);
            let start = usize::try_from(start).unwrap_or(0);
            let slice = Slice::new(Arc::clone(block), start..block.marks.len(), encoding);
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
        self.seal_to_read();
        let mut found: Vec<Slice> = Vec::new();
        let mut given = 0;
        let mut next = seq.max(self.tail.seq);
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
                let slice = Slice::new(Arc::clone(block), index..index + 1, Encoding::Native);
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
