//! The block that the log is writing.

use super::super::entry::MemberId;
use super::super::event::Event;
use super::Cursor;
use super::block::{Block, Marks};
use super::encoding::{EncodingId, EncodingSet, Encodings};

/// Entries that are not sealed yet. The buffers stay for the next block.
#[derive(Debug)]
pub(super) struct Open {
    pub start: Cursor,
    /// For each entry its author, and whether it is lasting.
    authors: Vec<(Option<MemberId>, bool)>,
    stretches: [Stretch; EncodingId::LIMIT],
    /// The encodings that have a stretch.
    made: EncodingSet,
    /// The bytes in all stretches.
    bytes: usize,
}

/// The entries in one encoding.
#[derive(Debug, Default)]
struct Stretch {
    bytes: Vec<u8>,
    /// Where each entry ends. It lacks the last entries if nobody read the encoding any
    /// more; they are empty.
    ends: Vec<u32>,
}

impl Stretch {
    /// Makes the first `count` entries that are not in it empty.
    fn fill(&mut self, count: usize) {
        let end = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(count, end);
    }
}

impl Open {
    pub fn new(start: Cursor) -> Self {
        Self {
            start,
            authors: Vec::new(),
            stretches: std::array::from_fn(|_| Stretch::default()),
            made: EncodingSet::default(),
            bytes: 0,
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.authors.is_empty()
    }

    /// The number of bytes of the entries, in all encodings.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends an entry in the `wanted` encodings.
    pub fn append(&mut self, event: &Event<'_>, encodings: &Encodings, wanted: EncodingSet) {
        for id in wanted.iter() {
            let Some(encode) = encodings.encoder(id) else {
                continue;
            };
            let stretch = &mut self.stretches[id.index()];
            let before = stretch.bytes.len();
            stretch.fill(self.authors.len());
            encode(event, &mut stretch.bytes);
            self.bytes += stretch.bytes.len() - before;
            // The log seals a block long before its end exceeds 32 bits.
            let end = u32::try_from(stretch.bytes.len()).unwrap_or(u32::MAX);
            stretch.ends.push(end);
            self.made.insert(id);
        }
        let entry = event.entry();
        let author = entry.and_then(|entry| entry.author.id);
        self.authors.push((author, entry.is_some()));
    }

    /// All bytes that it holds.
    #[cfg(test)]
    pub fn held(&self) -> Vec<u8> {
        let stretches = self.stretches.iter();
        stretches.flat_map(|it| it.bytes.iter().copied()).collect()
    }

    /// The block of all entries, which end at `end`; afterwards there are none.
    pub fn seal(&mut self, end: Cursor) -> Block {
        let count = self.authors.len();
        // Of the exact sizes, because blocks live long.
        let mut bytes = Vec::with_capacity(self.bytes);
        let mut marks = Marks::with_capacity(count, self.made);
        for id in self.made.iter() {
            let stretch = &mut self.stretches[id.index()];
            stretch.fill(count);
            bytes.extend_from_slice(&stretch.bytes);
        }
        for (index, (author, is_lasting)) in self.authors.iter().enumerate() {
            marks.push_author(*author, *is_lasting);
            let mut start = 0;
            for id in self.made.iter() {
                let stretch = &self.stretches[id.index()];
                marks.push_end(start + stretch.ends[index]);
                start += u32::try_from(stretch.bytes.len()).unwrap_or(u32::MAX);
            }
        }
        for id in self.made.iter() {
            let stretch = &mut self.stretches[id.index()];
            stretch.bytes.clear();
            stretch.ends.clear();
        }
        self.authors.clear();
        self.made = EncodingSet::default();
        self.bytes = 0;
        Block {
            start: self.start,
            end,
            bytes: bytes.into(),
            marks,
        }
    }
}
