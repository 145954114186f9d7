//! Buffers for one record, which all connections of a thread share.

use std::cell::RefCell;

/// The most bytes of plaintext in one record (RFC 8446, section 5.1).
pub const RECORD_BYTES: usize = 1 << 14;

/// The most bytes by which a record is longer than its plaintext, and those of messages of
/// TLS itself that may have to go before it.
pub const OVERHEAD: usize = 512;

/// One record.
pub struct Record {
    /// Its plaintext, where that comes from several slices.
    pub plain: Vec<u8>,
    pub cipher: Box<[u8]>,
}

thread_local! {
    pub static RECORD: RefCell<Record> = RefCell::new(Record {
        plain: Vec::with_capacity(RECORD_BYTES),
        cipher: vec![0; RECORD_BYTES + OVERHEAD].into(),
    });
}

/// Cuts plaintext into pieces for records: as few as possible, and copied only where a
/// record takes bytes from several parts.
pub struct Pieces<'a, 'b, I: Iterator<Item = &'a [u8]>> {
    parts: I,
    /// What is left of the current part.
    rest: &'a [u8],
    joined: &'b mut Vec<u8>,
}

impl<'a, 'b, I: Iterator<Item = &'a [u8]>> Pieces<'a, 'b, I> {
    /// These parts, one after the other; `joined` is for pieces of several.
    pub const fn new(parts: I, joined: &'b mut Vec<u8>) -> Self {
        let rest = &[];
        Self {
            parts,
            rest,
            joined,
        }
    }

    /// The next piece, of at most [`RECORD_BYTES`].
    pub fn next(&mut self) -> Option<&[u8]> {
        while self.rest.is_empty() {
            self.rest = self.parts.next()?;
        }
        if self.rest.len() >= RECORD_BYTES {
            let (piece, rest) = self.rest.split_at(RECORD_BYTES);
            self.rest = rest;
            return Some(piece);
        }
        let first = std::mem::take(&mut self.rest);
        let Some(second) = self.parts.find(|part| !part.is_empty()) else {
            return Some(first);
        };
        self.rest = second;
        self.joined.clear();
        self.joined.extend_from_slice(first);
        while self.joined.len() < RECORD_BYTES {
            if self.rest.is_empty() {
                let Some(part) = self.parts.next() else { break };
                self.rest = part;
            }
            let room = RECORD_BYTES - self.joined.len();
            let (piece, rest) = self.rest.split_at(self.rest.len().min(room));
            self.joined.extend_from_slice(piece);
            self.rest = rest;
        }
        Some(self.joined)
    }
}
