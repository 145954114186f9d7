//! The links that follow the log, of one thread.

use std::io;
use std::task::Waker;
use std::time::Duration;

use crate::room::{Cursor, Lease};

use super::super::link::Link;

/// The precision of alarms.
pub const TICK: Duration = Duration::from_millis(100);

/// The followers of one thread.
#[derive(Debug, Default)]
pub struct Followers {
    pub slots: Vec<Option<Follower>>,
    pub free: Vec<usize>,
    /// The time of the next alarm, if one is set.
    pub next_alarm: Option<Tick>,
    /// The room's count of revocations when the last round began, and when the current one
    /// did.
    pub revocations: (u64, u64),
    /// A follower got only part of the new entries in this round, because one write has a
    /// limit, and needs more.
    pub any_behind: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Follower {
    pub link: Link,
    pub at: At,
    /// The time at which to wake its task.
    pub alarm: Tick,
    /// Wakes its task.
    pub waker: Waker,
}

/// A point in time, rounded to a [`TICK`]. A timer for each connection would take more
/// memory, and more time for each heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u32);

impl Tick {
    pub const NEVER: Self = Self(u32::MAX);
}

/// The owner of a follower's link.
#[derive(Debug)]
pub enum At {
    /// Its task, which does other things.
    Task,
    /// The fan-out: this member has read the log up to the cursor.
    Log(Cursor, Lease),
    /// Its task again, which was woken to take it.
    Back(Box<GivenBack>),
}

/// A follower whose link goes back to its task.
#[derive(Debug)]
pub struct GivenBack {
    /// The position in the log after `rest` is written too.
    pub cursor: Cursor,
    /// The rest of an entry that was written in part, or the error that makes further
    /// writes impossible.
    pub rest: io::Result<Vec<u8>>,
}

impl Follower {
    /// Returns the link to the task.
    pub fn give_back(&mut self, cursor: Cursor, rest: io::Result<Vec<u8>>) {
        self.at = At::Back(Box::new(GivenBack { cursor, rest }));
        self.waker.wake_by_ref();
    }
}
