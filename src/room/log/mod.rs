//! The log: the events of the room, encoded once per door, and the cursors that read
//! them.
//!
//! The log collects entries in an open block until someone reads. Then it seals the
//! block, and all readers share its bytes. So all events of one turn of the server lie
//! side by side in memory, and the server sends them to a reader in one write, without a
//! copy.
//!
//! The log of a durable room is [held back](Log::hold_back): readers see an entry only
//! after it is [published](Log::publish), that is, when it is on disk.

mod block;
mod split;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::MemberId;

pub use self::block::Slice;
use self::block::{Block, Mark};
pub use self::split::split;

/// How much history the log holds. It drops the rest, oldest first, by whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most messages.
    pub messages: u64,
    /// The most bytes, for the encodings of all doors and the index together.
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

/// The encoding of entries for a door. The log encodes entries for the text door only
/// while someone reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The frames of the native door.
    Native,
    /// The lines of the text door.
    Text,
}

/// A reader's position in the log.
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

    /// Whether this position comes before the `other`.
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
    /// The `seq` of the last one missed. It is less than `from` if the reader missed no
    /// message, but only joins and leaves.
    pub to: u64,
}

/// The append-only log of one room.
#[derive(Debug)]
pub struct Log {
    retention: Retention,
    /// The blocks that readers can read.
    blocks: VecDeque<Arc<Block>>,
    /// The weight of all `blocks`, in bytes.
    weight: usize,
    /// Whether new entries wait to be published.
    held_back: bool,
    /// Sealed blocks that wait to be published.
    staged: VecDeque<Arc<Block>>,
    /// The weight of all `staged`, in bytes.
    staged_weight: usize,
    open: Open,
    /// The position of the oldest entry held.
    tail: Cursor,
    /// The position of the next entry.
    head: Cursor,
    /// The end of the readable part, if the log is held back.
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

/// The number of positions left free before each block of a log that is held back, for
/// entries that must be [read before it](Log::slip_in).
const FREE: u64 = 1_024;

/// The log seals an open block when it has this many bytes, read or not.
const BLOCK_BYTES: usize = 256 << 10;

/// One [`Log::read`] stops after the block with which it reaches this many bytes.
const READ_BYTES: usize = 256 << 10;

/// The most slices that one [`Log::read`] returns.
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

    /// Makes everything in the log readable; all later entries wait to be published.
    pub fn hold_back(&mut self) {
        self.seal();
        self.held_back = true;
        self.published = self.head;
    }

    /// Seals the entries that wait to be published, and returns their end. `None` if
    /// there are none.
    pub fn stage(&mut self) -> Option<Cursor> {
        self.seal();
        self.staged.back().map(|block| block.end)
    }

    /// Makes the staged entries up to `end` readable.
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

    /// Adds an entry that readers get before everything that waits to be published. It
    /// must not be a message, and nobody has to store it. Returns whether that was
    /// possible: before each block there is room for [`FREE`] such entries.
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

    /// Drops the unpublished entries; nobody will ever read them. Later entries are
    /// readable at once.
    pub fn drop_staged(&mut self) {
        self.seal();
        self.staged.clear();
        self.staged_weight = 0;
        self.held_back = false;
    }

    /// The number of bytes that wait to be published.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.staged_weight + self.open.native.len() + self.open.text.len()
    }

    /// The end of the readable part of the log.
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

    /// The `seq` of the next message.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.head.seq
    }

    /// The `seq` of the next message that becomes readable.
    #[must_use]
    pub const fn readable_seq(&self) -> u64 {
        self.readable().seq
    }

    /// The `seq` of the oldest message held, or of the next one if the log holds none.
    #[must_use]
    pub const fn oldest_seq(&self) -> u64 {
        self.tail.seq
    }

    /// Appends an entry; with `from`, it is a message. The two functions write its
    /// encodings.
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
        // The log seals a block long before its end exceeds 32 bits.
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

    /// Seals the open block.
    fn seal(&mut self) {
        let open = &mut self.open;
        if open.marks.is_empty() {
            return;
        }
        // Copied into allocations of the exact size, because blocks live long.
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

    /// Seals new entries, if readers may see them.
    fn seal_to_read(&mut self) {
        if !self.held_back {
            self.seal();
        }
    }

    /// Drops the blocks over the retention; the newest block always stays.
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

    /// Reads the entries at `cursor` into `into`, and moves the cursor past them. Reads at
    /// most some hundred kilobytes at once.
    ///
    /// If the cursor has fallen out of the log, this moves it to the oldest entry held, reads
    /// nothing, and returns the gap.
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
        // Nearly every cursor is at the start of the last block.
        let first = match self.blocks.back() {
            Some(last) if last.start == *cursor => self.blocks.len() - 1,
            _ => self
                .blocks
                .partition_point(|block| block.end.position <= cursor.position),
        };
        for block in self.blocks.range(first..).take(READ_SLICES) {
            // A block is far smaller than the address space. If the cursor is before the
            // block, the entries between them were dropped.
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

    /// The native encodings of the messages from `seq` on and below `end`, each in a
    /// slice of its own, and the `seq` after the last one. Returns as many of them as the
    /// log holds, at most `bytes` bytes, but at least one if there is one.
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
