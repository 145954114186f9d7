//! Buffers that all connections of a thread share: an idle connection needs none of its
//! own.

use std::cell::RefCell;

use super::super::session::Slices;

/// The most bytes that one connection reads before the others get their turn.
pub const READ_BYTES: usize = 16 << 10;

/// The buffers of one thread.
pub struct Scratch {
    pub read: Box<[u8]>,
    pub slices: Slices,
}

thread_local! {
    pub static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        read: vec![0; READ_BYTES].into(),
        slices: Slices::new(),
    });
}
