//! The encodings of a room's events, as a set.

use super::super::entry::Entry;
use super::super::event::Event;

/// Appends an event in one encoding: exactly one entry of the log, which may be empty.
pub type Encoder = fn(&Event<'_>, &mut Vec<u8>);

/// Reads a lasting entry back from what an [`Encoder`] made of it, with the precision of the
/// encoding; `None` if it was none.
pub type Decoder = fn(&[u8]) -> Option<Entry<'_>>;

/// The number of one encoding in the set of a room, below [`EncodingId::LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EncodingId(u8);

impl EncodingId {
    /// The most encodings of a room.
    pub const LIMIT: usize = 8;

    /// The encoding with this number.
    ///
    /// # Panics
    /// If it is not below [`EncodingId::LIMIT`]. Use this in constants.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < Self::LIMIT, "there are 8 encodings");
        Self(number)
    }

    /// The encoding's place in arrays by encoding.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The encodings that a room makes of its events. It makes an encoding only while a
/// member reads it; but the first one always, because history is answered from it.
#[derive(Clone, Copy, Debug)]
pub struct Encodings {
    history: EncodingId,
    /// Reads entries in the encoding of the history.
    decoder: Decoder,
    encoders: [Option<Encoder>; EncodingId::LIMIT],
}

impl Encodings {
    /// The encoding from which history is answered. It can be read as well, because an
    /// entry whose text is erased is made anew from it.
    #[must_use]
    pub const fn new(history: EncodingId, encoder: Encoder, decoder: Decoder) -> Self {
        let all = Self {
            history,
            decoder,
            encoders: [None; EncodingId::LIMIT],
        };
        all.with(history, encoder)
    }

    /// With one more encoding; an id that is in the set already gets this encoder.
    #[must_use]
    pub const fn with(mut self, id: EncodingId, encoder: Encoder) -> Self {
        self.encoders[id.index()] = Some(encoder);
        self
    }

    /// The encoding from which history is answered.
    #[must_use]
    pub const fn history(&self) -> EncodingId {
        self.history
    }

    /// The entry of these bytes, in the encoding of the history.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Entry<'_>> {
        (self.decoder)(bytes)
    }

    /// The encoder of an encoding. `None` if the set does not have it: then its readers
    /// read nothing.
    pub(super) const fn encoder(&self, id: EncodingId) -> Option<Encoder> {
        self.encoders[id.index()]
    }
}

/// A set of encodings, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncodingSet(u8);

impl EncodingSet {
    pub const fn insert(&mut self, id: EncodingId) {
        self.0 |= 1 << id.0;
    }

    pub const fn remove(&mut self, id: EncodingId) {
        self.0 &= !(1 << id.0);
    }

    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The number of encodings in the set before this one; `None` if it is not in it.
    pub const fn rank(self, id: EncodingId) -> Option<usize> {
        let bit = 1 << id.0;
        if self.0 & bit == 0 {
            return None;
        }
        Some((self.0 & (bit - 1)).count_ones() as usize)
    }

    /// The encodings in order.
    pub fn iter(self) -> impl Iterator<Item = EncodingId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = u8::try_from(rest.trailing_zeros()).ok()?;
            // Clears the lowest bit.
            rest &= rest.checked_sub(1)?;
            Some(EncodingId(next))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_encodings_is_in_the_order_of_their_numbers() {
        let mut set = EncodingSet::default();
        assert_eq!((set.len(), set.iter().count()), (0, 0));
        for number in [7, 0, 3] {
            set.insert(EncodingId::new(number));
        }
        let numbers: Vec<u8> = set.iter().map(|id| id.0).collect();
        assert_eq!(numbers, [0, 3, 7]);
        assert_eq!(set.rank(EncodingId::new(7)), Some(2));
        assert_eq!(set.rank(EncodingId::new(4)), None);
        set.remove(EncodingId::new(0));
        assert_eq!((set.rank(EncodingId::new(3)), set.len()), (Some(0), 2));
    }
}
