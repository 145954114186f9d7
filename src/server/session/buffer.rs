//! Bytes that wait.

use std::ops::{Deref, DerefMut};

/// A vector of bytes that takes 8 bytes while it has none, where a vector takes 24: a server
/// has thousands of sessions, and nothing waits in most of them.
#[derive(Debug, Default)]
pub struct Buffer(
    // The vector itself may have to grow, so this is not a boxed slice.
    #[expect(clippy::box_collection)] Option<Box<Vec<u8>>>,
);

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        const EMPTY: &Vec<u8> = &Vec::new();
        self.0.as_deref().unwrap_or(EMPTY)
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        self.0.get_or_insert_default()
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self((bytes.capacity() > 0).then(|| Box::new(bytes)))
    }
}

impl Buffer {
    /// No bytes, and no memory for them.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Removes all bytes, and frees their memory.
    pub fn release(&mut self) {
        self.0 = None;
    }

    /// The number of bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |bytes| bytes.capacity())
    }
}
