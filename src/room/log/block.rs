//! Blocks of entries that were sealed together, and the slices of them that readers share.

use std::ops::Range;
use std::sync::Arc;

use super::super::event::MemberId;
use super::{Cursor, Encoding};

/// The end of one entry in its block, and its sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub native_end: u32,
    pub text_end: u32,
    /// The sender, if the entry is a message.
    pub from: Option<MemberId>,
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
pub(super) struct Block {
    pub start: Cursor,
    pub end: Cursor,
    pub native: Box<[u8]>,
    pub text: Box<[u8]>,
    pub marks: Box<[Mark]>,
}

impl Block {
    fn bytes(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Native => &self.native,
            Encoding::Text => &self.text,
        }
    }

    /// The byte at which the entry at `index` starts; after the last entry, the end.
    fn offset(&self, index: usize, encoding: Encoding) -> usize {
        index
            .checked_sub(1)
            .map_or(0, |before| self.marks[before].end(encoding))
    }

    /// The cursor before the entry at `index`.
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

    /// The memory that the block takes, in bytes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.native.len() + self.text.len() + size_of_val(&*self.marks)
    }
}

/// Neighbouring entries of a block, which readers share.
#[derive(Clone, Debug)]
pub struct Slice {
    block: Arc<Block>,
    /// The indices of the entries in the block.
    entries: Range<usize>,
    encoding: Encoding,
}

impl Slice {
    /// A slice of these `entries` of a block.
    pub(super) const fn new(block: Arc<Block>, entries: Range<usize>, encoding: Encoding) -> Self {
        Self {
            block,
            entries,
            encoding,
        }
    }

    /// The encodings of all entries, one after the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.block.bytes(self.encoding)
            [self.offset(self.entries.start)..self.offset(self.entries.end)]
    }

    /// The entries, each with its sender (if it is a message) and its bytes.
    pub fn entries(&self) -> impl Iterator<Item = (Option<MemberId>, &[u8])> {
        self.entries.clone().map(|index| {
            let range = self.offset(index)..self.offset(index + 1);
            (
                self.block.marks[index].from,
                &self.block.bytes(self.encoding)[range],
            )
        })
    }

    /// The state of a reader who took the first `taken` bytes: the cursor after the entry
    /// in which they end, and the rest of that entry.
    #[must_use]
    pub fn split(&self, taken: usize) -> (Cursor, &[u8]) {
        let taken = self.offset(self.entries.start) + taken;
        let marks = &self.block.marks;
        let index = self.entries.start
            + marks[self.entries.clone()].partition_point(|mark| mark.end(self.encoding) < taken);
        // `taken` at the very start is not the end of an entry.
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
