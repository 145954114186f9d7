//! Blocks of entries that were sealed together, and the slices of them that readers share.

use std::ops::Range;
use std::sync::Arc;

use super::super::entry::MemberId;
use super::super::event::Event;
use super::Cursor;
use super::encoding::{EncodingId, EncodingSet, Encodings};

/// Where the entries of a block end in each encoding, their authors, and which of them
/// are lasting.
///
/// All of it is in one allocation: for each entry two words for the author, and one word
/// for each encoding with the end of the entry among all bytes of the block. So an entry
/// takes 12 bytes, and 4 for each further encoding.
#[derive(Debug)]
pub(super) struct Marks {
    words: Vec<u32>,
    /// The encodings that the block has.
    made: EncodingSet,
}

/// The words for an author.
const AUTHOR: usize = 2;

/// In the higher word of an author: the entry is lasting. Member ids count from 1 and
/// never reach this bit.
const LASTING: u32 = 1 << 31;

impl Marks {
    pub fn with_capacity(entries: usize, made: EncodingSet) -> Self {
        let words = Vec::with_capacity(entries * (AUTHOR + made.len()));
        Self { words, made }
    }

    /// Begins the next entry; its ends follow.
    #[expect(clippy::cast_possible_truncation)] // The two halves.
    pub fn push_author(&mut self, author: Option<MemberId>, is_lasting: bool) {
        let id = author.map_or(0, MemberId::get);
        let lasting = if is_lasting { LASTING } else { 0 };
        self.words.push(id as u32);
        self.words.push((id >> 32) as u32 & !LASTING | lasting);
    }

    /// The end of the entry in the next encoding.
    pub fn push_end(&mut self, end: u32) {
        self.words.push(end);
    }

    /// The number of words for an entry.
    const fn stride(&self) -> usize {
        AUTHOR + self.made.len()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.words.len() / self.stride()
    }

    fn author(&self, index: usize) -> Option<MemberId> {
        let at = index * self.stride();
        let (low, high) = (self.words[at], self.words[at + 1] & !LASTING);
        MemberId::new(u64::from(high) << 32 | u64::from(low))
    }

    /// Whether the entry is a lasting one.
    pub fn is_lasting(&self, index: usize) -> bool {
        self.words[index * self.stride() + 1] & LASTING != 0
    }

    /// The end of the entry in the encoding with this rank, among all bytes.
    fn end(&self, rank: usize, index: usize) -> usize {
        self.words[index * self.stride() + AUTHOR + rank] as usize
    }

    /// The start of the entry in the encoding with this rank, among all bytes; after the
    /// last entry, the end of that one.
    fn start(&self, rank: usize, index: usize) -> usize {
        match (index, rank) {
            (0, 0) => 0,
            // After the last entry in the encoding before.
            (0, _) => self.end(rank - 1, self.len() - 1),
            _ => self.end(rank, index - 1),
        }
    }
}

/// Entries that were sealed together. The contents of a block never change, because readers
/// share it; a block in which an entry is other than before [takes its
/// place](Block::replacing).
#[derive(Debug)]
pub(super) struct Block {
    pub start: Cursor,
    pub end: Cursor,
    /// All entries in one encoding after the other.
    pub bytes: Box<[u8]>,
    pub marks: Marks,
}

impl Block {
    /// The cursor before the entry at `index`.
    fn cursor(&self, index: usize) -> Cursor {
        let lasting = (0..index).filter(|&index| self.marks.is_lasting(index));
        Cursor {
            position: self.start.position + index as u64,
            seq: self.start.seq + lasting.count() as u64,
        }
    }

    /// The index of the lasting entry with this `seq`.
    pub fn index_of(&self, seq: u64) -> Option<usize> {
        let place = usize::try_from(seq.checked_sub(self.start.seq)?).ok()?;
        let mut lasting = (0..self.marks.len()).filter(|&index| self.marks.is_lasting(index));
        lasting.nth(place)
    }

    /// The same block with another event in the place of the entry at `index`. An encoding
    /// that has nothing of the entry, because nobody read it then, has nothing afterwards.
    pub fn replacing(&self, index: usize, event: &Event<'_>, encodings: &Encodings) -> Self {
        let (count, made) = (self.marks.len(), self.marks.made);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        // The ends of all entries, for each encoding.
        let mut ends: Vec<Vec<u32>> = Vec::with_capacity(made.len());
        for (rank, id) in made.iter().enumerate() {
            let (start, end) = (self.marks.start(rank, index), self.marks.end(rank, index));
            let last = self.marks.start(rank, count);
            let before = self.marks.start(rank, 0);
            let begin = bytes.len();
            bytes.extend_from_slice(&self.bytes[before..start]);
            if start < end
                && let Some(encode) = encodings.encoder(id)
            {
                encode(event, &mut bytes);
            }
            let now = bytes.len();
            bytes.extend_from_slice(&self.bytes[end..last]);
            let moved = |entry: usize| {
                let old = self.marks.end(rank, entry);
                let new = if entry < index {
                    begin + (old - before)
                } else {
                    now + (old - end)
                };
                // A block is sealed long before its end exceeds 32 bits.
                u32::try_from(new).unwrap_or(u32::MAX)
            };
            ends.push((0..count).map(moved).collect());
        }
        let mut marks = Marks::with_capacity(count, made);
        for entry in 0..count {
            marks.push_author(self.marks.author(entry), self.marks.is_lasting(entry));
            for ends in &ends {
                marks.push_end(ends[entry]);
            }
        }
        Self {
            start: self.start,
            end: self.end,
            bytes: bytes.into(),
            marks,
        }
    }

    /// The memory that the block takes, in bytes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.marks.words)
    }
}

/// Neighbouring entries of a block, which readers share.
#[derive(Clone, Debug)]
pub struct Slice {
    block: Arc<Block>,
    /// The indices of the entries in the block.
    entries: Range<usize>,
    encoding: EncodingId,
}

impl Slice {
    /// A slice of these `entries` of a block.
    pub(super) const fn new(
        block: Arc<Block>,
        entries: Range<usize>,
        encoding: EncodingId,
    ) -> Self {
        Self {
            block,
            entries,
            encoding,
        }
    }

    /// The encodings of all entries, one after the other. Empty if the block was made
    /// while nobody read this encoding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.between(self.entries.start, self.entries.end)
    }

    /// The entries, each with its author (if it is a lasting one) and its bytes.
    pub fn entries(&self) -> impl Iterator<Item = (Option<MemberId>, &[u8])> {
        self.entries.clone().map(|index| {
            let bytes = self.between(index, index + 1);
            (self.block.marks.author(index), bytes)
        })
    }

    /// The state of a reader who took the first `taken` bytes: the cursor after the entry
    /// in which they end, and the rest of that entry.
    #[must_use]
    pub fn split(&self, taken: usize) -> (Cursor, &[u8]) {
        let (block, entries) = (&self.block, &self.entries);
        let Some(rank) = block.marks.made.rank(self.encoding) else {
            return (block.cursor(entries.start), &[]);
        };
        let start = block.marks.start(rank, entries.start);
        let taken = start + taken;
        // `taken` at the very start is not the end of an entry.
        let index = if taken == start {
            entries.start
        } else {
            // The first entry that ends at `taken` or after it.
            let (mut low, mut high) = (entries.start, entries.end);
            while low < high {
                let middle = usize::midpoint(low, high);
                if block.marks.end(rank, middle) < taken {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low + 1
        };
        let index = index.min(entries.end);
        let end = block.marks.start(rank, index).max(taken);
        (block.cursor(index), &block.bytes[taken..end])
    }

    /// The bytes of the entries from `start` to before `end`.
    fn between(&self, start: usize, end: usize) -> &[u8] {
        let marks = &self.block.marks;
        let Some(rank) = marks.made.rank(self.encoding) else {
            return &[];
        };
        &self.block.bytes[marks.start(rank, start)..marks.start(rank, end)]
    }
}
