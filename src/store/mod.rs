//! A room on disk: its entries, the members who may come back, and the ids of messages.
//!
//! A [`Journal`] takes [`Record`]s. When [`Journal::append`] returns, they are on disk, and
//! survive the end of the process and the loss of power. A [`History`] reads old entries
//! beside it. Both block: call them on threads that nobody waits for. [`Store`] and
//! [`Reader`] are both of them in one `SQLite` file, with the feature `store`; without it, no
//! store can be opened.
//!
//! A store knows nothing of connections, and time comes in as an argument.

// Without the feature `store`, nobody counts time or looks at the disk.
#[cfg_attr(not(feature = "store"), allow(dead_code))]
mod age;
#[cfg_attr(not(feature = "store"), allow(dead_code))]
mod disk;
mod error;
mod past;
#[cfg(feature = "store")]
mod sqlite;
#[cfg(not(feature = "store"))]
mod without;

use std::fmt::Debug;
use std::io;
use std::ops::Range;

pub use self::age::{ClockDoubt, Reading};
pub use self::disk::{DiskSpace, SpaceWatch};
pub use self::error::{OpenError, ReadError, WriteError};
pub use self::past::{Past, StoredBan, StoredSession};
#[cfg(feature = "store")]
pub use self::sqlite::{Reader, Store};
#[cfg(not(feature = "store"))]
pub use self::without::{Reader, Store};

use crate::room::{self, Entry, Record};

/// Where a room writes what must not be lost.
pub trait Journal: Debug + Send {
    /// Writes a batch: all of it or nothing. `now` is what the clocks show.
    ///
    /// # Errors
    /// If the batch is not known to be on disk. After an
    /// [obstacle](WriteError::obstacle) nothing of it is, and it can be tried again; after
    /// any other error the journal takes nothing more.
    fn append(&mut self, batch: &[Record], now: Reading) -> Result<(), WriteError>;

    /// Deletes some of the entries that are too old or too many. Returns whether there is
    /// more to do.
    ///
    /// # Errors
    /// As those of [`Journal::append`].
    fn trim(&mut self, now: Reading) -> Result<bool, WriteError>;

    /// The `seq` of the oldest entry on disk, or of the next one if there is none.
    fn oldest_seq(&self) -> u64;

    /// News about the clock that nobody has been told of yet.
    fn take_clock_doubt(&mut self) -> Option<ClockDoubt>;

    /// The space on the disk.
    ///
    /// # Errors
    /// If the system does not report it.
    fn space(&self) -> io::Result<DiskSpace>;

    /// Ends the journal in good order.
    ///
    /// # Errors
    /// If something cannot be tidied up. Nothing is lost.
    fn close(self: Box<Self>) -> Result<(), WriteError>;
}

/// Where the entries are read that the log in memory no longer holds. A search over them
/// will be a method of this.
pub trait History: Debug + Send {
    /// The entries with these numbers in order, up to and including the one with which
    /// they take `bytes` of memory. If the first of them are gone, the answer begins with
    /// the oldest one that is there.
    ///
    /// # Errors
    /// If they cannot be read.
    fn entries(&mut self, seqs: Range<u64>, bytes: usize)
    -> Result<Vec<Entry<'static>>, ReadError>;
}

/// How many message ids the store keeps for each session.
pub const RECENT_IDS: u64 = room::RECENT_IDS as u64;

/// The most messages that are deleted in one step.
pub const TRIM_STEP: u64 = 1_000;

/// How many of the newest messages the limit by [size](Keep::bytes) never deletes.
pub const SIZE_LEAVES: u64 = 100;

/// How much of the history the store keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The most messages; no limit if `None`.
    pub messages: Option<u64>,
    /// The most days of 24 hours; no limit if `None`. Days count while the clock of the
    /// computer is plausible: a wrong clock deletes nothing.
    pub days: Option<u32>,
    /// The most bytes of the file that are in use; the newest [`SIZE_LEAVES`] messages
    /// stay in any case. No limit if `None`. The file itself does not shrink: the store
    /// uses free space in it again.
    pub bytes: Option<u64>,
}

/// How much of the history a store reads when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// The most entries.
    pub entries: u64,
    /// The most bytes of memory that they take.
    pub bytes: usize,
}
