//! Messages that only the store holds, and that a session waits for.

use std::ops::Range;
use std::time::Instant;

/// Messages that only the store holds.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Their `seq` numbers.
    pub range: Range<u64>,
    /// The most bytes of memory that they may take, and one message more.
    pub bytes: usize,
    /// Their purpose.
    pub purpose: Purpose,
}

/// The purpose of messages from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The member missed them.
    Replay,
    /// The member asked for them.
    Page,
    /// The member wanted to erase the one of them, at this time.
    Erase(Instant),
}
