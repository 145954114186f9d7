//! The state of a reader who took only part of what it was given.

use super::Cursor;
use super::block::Slice;

/// The state of a reader who accepted the first `count` bytes of `slices`: the cursor
/// after the entry that they end in, and the rest of that entry; `None` if it accepted
/// all.
#[must_use]
pub fn split(slices: &[Slice], mut count: usize) -> Option<(Cursor, Vec<u8>)> {
    for slice in slices {
        let length = slice.bytes().len();
        if count < length {
            let (cursor, rest) = slice.split(count);
            return Some((cursor, rest.to_vec()));
        }
        count -= length;
    }
    None
}
