//! Buffers that all connections of a thread share: an idle connection needs none of its
//! own.

use std::cell::RefCell;

use super::super::session::Slices;

/// The most bytes that one connection reads before the others get their turn.
const READ_BYTES: usize = 16 << 10;

/// The buffers of one thread.
pub struct Scratch {
    pub read: Box<[u8]>,
    /// What was decrypted of that, and of a record that was not whole before.
    pub plain: Vec<u8>,
    pub slices: Slices,
}

thread_local! {
    pub static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        read: vec![0; READ_BYTES].into(),
        plain: Vec::new(),
        slices: Slices::new(),
    });
}
