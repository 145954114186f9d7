//! Signs of life: what a running server can tell of itself.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::event::Refusal;

/// A server at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vitals {
    /// The version of the program.
    pub version: String,
    /// The name of the room.
    pub room: String,
    /// The TCP port.
    pub port: u16,
    /// Whether what is said is kept on disk.
    pub durable: bool,
    /// For how long it serves, in seconds.
    pub uptime_seconds: u64,
    /// How many members are in the room, those who are away included.
    pub members: usize,
    /// How many of them lost their connection and may come back.
    pub away: usize,
    /// How many open connections are at the door, giving no name yet.
    pub at_the_door: usize,
    /// How many messages were said since it serves.
    pub messages: u64,
    /// How often one of them was sent to someone.
    pub deliveries: u64,
    /// How many connections take nothing at the moment of what waits for them.
    pub slow_readers: u64,
    /// How often a reader was so slow that the log no longer had what it missed.
    pub fell_behind: u64,
    /// How many were not let in, by cause.
    pub refused: Refused,
    /// How much memory the program takes, in bytes.
    pub memory_bytes: u64,
    /// Where others can join, the likeliest first. A server of an earlier version does
    /// not tell.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// How many were not let in, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// As many as may be were in the room.
    pub room_full: u64,
    /// Too many connections came from their address.
    pub too_many_connections: u64,
    /// They came by a door that is not served.
    pub closed_door: u64,
}

/// What is counted while serving. Numbers that nothing waits for: each is read at
/// some moment, and not together with the others.
#[derive(Debug)]
pub(super) struct Counters {
    since: Instant,
    deliveries: AtomicU64,
    slow_readers: AtomicU64,
    fell_behind: AtomicU64,
    room_full: AtomicU64,
    too_many_connections: AtomicU64,
    closed_door: AtomicU64,
}

impl Counters {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            since: Instant::now(),
            deliveries: zero(),
            slow_readers: zero(),
            fell_behind: zero(),
            room_full: zero(),
            too_many_connections: zero(),
            closed_door: zero(),
        }
    }

    /// For how long this is counted.
    pub(super) fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// Readers were given so many messages; counted once for each write, or for
    /// many of them.
    pub(super) fn delivered(&self, count: u64) {
        self.deliveries.fetch_add(count, Ordering::Relaxed);
    }

    /// The last ones of those were not written after all.
    pub(super) fn took_back(&self, count: u64) {
        self.deliveries.fetch_sub(count, Ordering::Relaxed);
    }

    pub(super) fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// One more connection waits for its reader, or one less.
    pub(super) fn count_slow(&self, slow: bool) {
        if slow {
            self.slow_readers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.slow_readers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(super) fn slow_readers(&self) -> u64 {
        self.slow_readers.load(Ordering::Relaxed)
    }

    pub(super) fn fell_behind(&self) -> u64 {
        self.fell_behind.load(Ordering::Relaxed)
    }

    pub(super) fn count_fall(&self) {
        self.fell_behind.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refusal(&self, why: Refusal) {
        let counter = match why {
            Refusal::RoomFull => &self.room_full,
            Refusal::TooManyConnections => &self.too_many_connections,
            Refusal::ClosedDoor(_) => &self.closed_door,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> Refused {
        Refused {
            room_full: self.room_full.load(Ordering::Relaxed),
            too_many_connections: self.too_many_connections.load(Ordering::Relaxed),
            closed_door: self.closed_door.load(Ordering::Relaxed),
        }
    }
}

/// What is called from the loop that serves the members, at once and then again
/// and again: while it is, they are served.
pub(super) struct Pulse {
    pub(super) every: Duration,
    pub(super) beat: Box<dyn FnMut() + Send>,
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pulse").field(&self.every).finish()
    }
}

/// How much memory this program takes, in bytes; 0 where the system does not tell.
pub(super) fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|told| told.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_takes_memory() {
        assert!(memory() > 100_000);
    }
}
