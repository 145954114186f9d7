//! The log: the events of the room, encoded once for each [encoding](Encodings) that
//! members read, and the cursors that read them.
//!
//! The log collects entries in an open block until someone reads. Then it seals the
//! block, and all readers share its bytes. So all events of one turn of the server lie
//! side by side in memory, and the server sends them to a reader in one write, without a
//! copy.
//!
//! The log of a durable room is [held back](Log::hold_back): readers see an entry only
//! after it is [published](Log::publish), that is, when it is on disk.

mod block;
mod encoding;
#[cfg(test)]
mod erasing;
mod open;
mod split;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::Entry;
use super::event::Event;

pub use self::block::Slice;
pub use self::encoding::{Decoder, Encoder, EncodingId, Encodings};
pub use self::split::split;

use self::block::Block;
use self::encoding::EncodingSet;
use self::open::Open;

/// How much history the log holds. It drops the rest, oldest first, by whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most lasting entries.
    pub entries: u64,
    /// The most bytes, for all encodings and the index together.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 32 << 20,
        }
    }
}

/// A reader's position in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The position of the next entry to read.
    position: u64,
    /// The `seq` of the next lasting entry to read.
    seq: u64,
}

impl Cursor {
    /// The `seq` of the next lasting entry to read.
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

/// Lasting entries that a reader missed because the log no longer holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The `seq` of the first one missed.
    pub from: u64,
    /// The `seq` of the last one missed. It is less than `from` if the reader missed no
    /// lasting entry, but only joins and leaves.
    pub to: u64,
}

/// The append-only log of one room.
#[derive(Debug)]
pub struct Log {
    retention: Retention,
    encodings: Encodings,
    /// How many members read each encoding.
    readers: [usize; EncodingId::LIMIT],
    /// The encodings to make: those with readers, and that of the history.
    wanted: EncodingSet,
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
    pub fn new(encodings: Encodings, retention: Retention) -> Self {
        Self::starting_at(1, encodings, retention)
    }

    /// An empty log whose first lasting entry gets this `seq`.
    #[must_use]
    pub fn starting_at(seq: u64, encodings: Encodings, retention: Retention) -> Self {
        let start = Cursor { position: 0, seq };
        let mut wanted = EncodingSet::default();
        wanted.insert(encodings.history());
        Self {
            retention,
            encodings,
            readers: [0; EncodingId::LIMIT],
            wanted,
            blocks: VecDeque::new(),
            weight: 0,
            held_back: false,
            staged: VecDeque::new(),
            staged_weight: 0,
            open: Open::new(start),
            tail: start,
            head: start,
            published: start,
        }
    }

    /// The encodings of the log.
    #[must_use]
    pub const fn encodings(&self) -> &Encodings {
        &self.encodings
    }

    /// Counts a member that reads an encoding.
    pub const fn add_reader(&mut self, id: EncodingId) {
        self.readers[id.index()] += 1;
        self.wanted.insert(id);
    }

    /// Counts a member that no longer reads an encoding.
    pub fn remove_reader(&mut self, id: EncodingId) {
        let readers = &mut self.readers[id.index()];
        *readers = readers.saturating_sub(1);
        if *readers == 0 && id != self.encodings.history() {
            self.wanted.remove(id);
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
    /// must not be lasting, and nobody has to store it. Returns whether that was
    /// possible: before each block there is room for [`FREE`] such entries.
    pub fn slip_in(&mut self, event: &Event<'_>) -> bool {
        let start = self.readable();
        let mut end = start;
        end.position += 1;
        let waits = match self.staged.front() {
            Some(block) => Some(block.start),
            None if !self.open.is_empty() => Some(self.open.start),
            None => None,
        };
        if event.entry().is_some() || waits.is_some_and(|waits| waits.position < end.position) {
            return false;
        }
        let mut alone = Open::new(start);
        alone.append(event, &self.encodings, self.wanted);
        let block = alone.seal(end);
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
        self.staged_weight + self.open.bytes()
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

    /// The `seq` of the next lasting entry.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.head.seq
    }

    /// The `seq` of the next lasting entry that becomes readable.
    #[must_use]
    pub const fn readable_seq(&self) -> u64 {
        self.readable().seq
    }

    /// The `seq` of the oldest lasting entry held, or of the next one if the log holds none.
    #[must_use]
    pub const fn oldest_seq(&self) -> u64 {
        self.tail.seq
    }

    /// Appends an entry, in the encodings that have readers.
    pub fn append(&mut self, event: &Event<'_>) {
        if self.open.is_empty() {
            if self.held_back {
                self.head.position += FREE;
            }
            self.open.start = self.head;
        }
        self.open.append(event, &self.encodings, self.wanted);
        self.head.position += 1;
        self.head.seq += u64::from(event.entry().is_some());
        if self.open.bytes() >= BLOCK_BYTES {
            self.seal();
        }
    }

    /// Seals the open block.
    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let block = self.open.seal(self.head);
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
            let entries = self.head.seq - self.blocks[0].start.seq;
            if self.weight <= self.retention.bytes && entries <= self.retention.entries {
                return;
            }
            if let Some(block) = self.blocks.pop_front() {
                self.weight -= block.weight();
                self.tail = block.end;
            }
        }
    }

    /// The readable lasting entry with this `seq`, if the log holds it.
    pub fn entry(&mut self, seq: u64) -> Option<Entry<'static>> {
        let (block, index) = self.find(seq)?;
        let block = Arc::clone(self.blocks.get(block)?);
        let slice = Slice::new(block, index..index + 1, self.encodings.history());
        let entry = self.encodings.decode(slice.bytes())?;
        Some(entry.into_owned())
    }

    /// Puts this entry in the place of the readable one with the same `seq`, in every
    /// encoding that has it. Readers who were given the old one finish with that. Costs as
    /// much as one block.
    pub fn replace(&mut self, entry: &Entry<'_>) {
        let Some((block, index)) = self.find(entry.seq) else {
            return;
        };
        let Some(block) = self.blocks.get_mut(block) else {
            return;
        };
        let event = Event::Entry(entry.as_borrowed());
        let new = block.replacing(index, &event, &self.encodings);
        self.weight = self.weight - block.weight() + new.weight();
        *block = Arc::new(new);
        self.trim();
    }

    /// Where the readable lasting entry with this `seq` is: its block among all, and its
    /// index in that.
    fn find(&mut self, seq: u64) -> Option<(usize, usize)> {
        self.seal_to_read();
        let block = self.blocks.partition_point(|block| block.end.seq <= seq);
        let index = self.blocks.get(block)?.index_of(seq)?;
        Some((block, index))
    }

    /// Reads the entries at `cursor` into `into`, and moves the cursor past them. Reads at
    /// most some hundred kilobytes at once.
    ///
    /// If the cursor has fallen out of the log, this moves it to the oldest entry held, reads
    /// nothing, and returns the gap.
    pub fn read(
        &mut self,
        cursor: &mut Cursor,
        encoding: EncodingId,
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

    /// The lasting entries from `seq` on and below `end`, in the encoding of the history,
    /// each in a slice of its own, and the `seq` after the last one. Returns as many of
    /// them as the log holds, at most `bytes` bytes, but at least one if there is one.
    pub fn lasting(&mut self, seq: u64, end: u64, bytes: usize) -> (Vec<Slice>, u64) {
        self.seal_to_read();
        let encoding = self.encodings.history();
        let mut found: Vec<Slice> = Vec::new();
        let mut given = 0;
        let mut next = seq.max(self.tail.seq);
        let first = self.blocks.partition_point(|block| block.end.seq <= next);
        for block in self.blocks.range(first..) {
            let lasting = (0..block.marks.len()).filter(|&i| block.marks.is_lasting(i));
            for (at, index) in (block.start.seq..).zip(lasting) {
                if at >= end {
                    return (found, next);
                }
                if at < next {
                    continue;
                }
                let slice = Slice::new(Arc::clone(block), index..index + 1, encoding);
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
