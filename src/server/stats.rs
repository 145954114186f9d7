//! The statistics of a running server.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::event::Refusal;

/// The statistics of a server at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The version of the program.
    pub version: String,
    /// The name of the room.
    pub room: String,
    /// The TCP port.
    pub port: u16,
    /// Whether messages are saved on disk.
    pub durable: bool,
    /// The time for which it has been serving, in seconds.
    pub uptime_seconds: u64,
    /// The number of members in the room, including absent ones.
    pub members: usize,
    /// The number of members who lost their connection and may come back.
    pub away: usize,
    /// Whether only those may join who prove that they know the room's key. A server of an
    /// earlier version sends neither this nor the next two.
    #[serde(default)]
    pub private: bool,
    /// The number of members whose connection is encrypted.
    #[serde(default)]
    pub tls_members: usize,
    /// The number of bans.
    #[serde(default)]
    pub bans: usize,
    /// The number of open connections that have given no name yet.
    pub at_the_door: usize,
    /// The number of messages sent since it started.
    pub messages: u64,
    /// The number of times it delivered one of them to a member.
    pub deliveries: u64,
    /// The number of connections that currently do not accept the data that waits for
    /// them.
    pub slow_readers: u64,
    /// The number of times a reader was so slow that the log no longer held what it
    /// missed.
    pub fell_behind: u64,
    /// The number of refused connections, by cause.
    pub refused: Refused,
    /// The memory that the program takes, in bytes.
    pub memory_bytes: u64,
    /// The addresses where others can join, the likeliest first. A server of an earlier
    /// version does not send them.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// The number of refused connections, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The room was full.
    pub room_full: u64,
    /// Too many connections came from their address.
    pub too_many_connections: u64,
    /// They came by a door that the server does not support.
    pub closed_door: u64,
    /// The room is private, and they gave no key. A server of an earlier version sends
    /// neither this nor the next three.
    #[serde(default)]
    pub key_needed: u64,
    /// Their key, or their proof of one, was wrong.
    #[serde(default)]
    pub key_wrong: u64,
    /// They were not encrypted, and had to be.
    #[serde(default)]
    pub tls_needed: u64,
    /// Their address is banned.
    #[serde(default)]
    pub banned: u64,
}

/// The counters of a running server. Nothing waits for these numbers: each is read at
/// some moment, independently of the others.
#[derive(Debug)]
pub struct Counters {
    since: Instant,
    deliveries: AtomicU64,
    slow_readers: AtomicU64,
    fell_behind: AtomicU64,
    tls_members: AtomicUsize,
    room_full: AtomicU64,
    too_many_connections: AtomicU64,
    closed_door: AtomicU64,
    key_needed: AtomicU64,
    key_wrong: AtomicU64,
    tls_needed: AtomicU64,
    banned: AtomicU64,
}

impl Counters {
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            since: Instant::now(),
            deliveries: zero(),
            slow_readers: zero(),
            fell_behind: zero(),
            tls_members: AtomicUsize::new(0),
            room_full: zero(),
            too_many_connections: zero(),
            closed_door: zero(),
            key_needed: zero(),
            key_wrong: zero(),
            tls_needed: zero(),
            banned: zero(),
        }
    }

    /// The time since the counters started.
    pub fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// Counts messages that were delivered to readers; one call for each write, or for
    /// many writes.
    pub fn delivered(&self, count: u64) {
        self.deliveries.fetch_add(count, Ordering::Relaxed);
    }

    /// Subtracts the last ones of those, which were not written after all.
    pub fn took_back(&self, count: u64) {
        self.deliveries.fetch_sub(count, Ordering::Relaxed);
    }

    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Counts one more connection that waits for its reader, or one less.
    pub fn count_slow(&self, slow: bool) {
        if slow {
            self.slow_readers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.slow_readers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub fn slow_readers(&self) -> u64 {
        self.slow_readers.load(Ordering::Relaxed)
    }

    pub fn fell_behind(&self) -> u64 {
        self.fell_behind.load(Ordering::Relaxed)
    }

    pub fn count_fall(&self) {
        self.fell_behind.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one more member whose connection is encrypted, or one less.
    pub fn count_tls(&self, more: bool) {
        if more {
            self.tls_members.fetch_add(1, Ordering::Relaxed);
        } else {
            self.tls_members.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub fn tls_members(&self) -> usize {
        self.tls_members.load(Ordering::Relaxed)
    }

    pub fn count_refusal(&self, why: Refusal) {
        let counter = match why {
            Refusal::RoomFull => &self.room_full,
            Refusal::TooManyConnections => &self.too_many_connections,
            Refusal::ClosedDoor(_) => &self.closed_door,
            Refusal::KeyNeeded => &self.key_needed,
            Refusal::KeyWrong => &self.key_wrong,
            Refusal::TlsNeeded => &self.tls_needed,
            Refusal::Banned => &self.banned,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self) -> Refused {
        Refused {
            room_full: self.room_full.load(Ordering::Relaxed),
            too_many_connections: self.too_many_connections.load(Ordering::Relaxed),
            closed_door: self.closed_door.load(Ordering::Relaxed),
            key_needed: self.key_needed.load(Ordering::Relaxed),
            key_wrong: self.key_wrong.load(Ordering::Relaxed),
            tls_needed: self.tls_needed.load(Ordering::Relaxed),
            banned: self.banned.load(Ordering::Relaxed),
        }
    }
}

/// The memory that this program takes, in bytes; 0 where the system does not report it.
pub fn memory() -> u64 {
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
