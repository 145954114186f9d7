//! What a server tells whoever runs it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::room::Why;
use crate::store::{ClockDoubt, DiskSpace};
use crate::wire::address::Address;
use crate::wire::door::Door;

/// Something that happened at a server. What was said is never told here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member came in.
    Joined {
        /// The name it got.
        name: Arc<str>,
        /// Where it comes from.
        address: SocketAddr,
        /// The door it came in by.
        door: Door,
        /// How many are in the room now.
        count: usize,
    },
    /// A member left.
    Left {
        /// Its name.
        name: Arc<str>,
        /// Where it came from, the last time.
        address: SocketAddr,
        /// The door it came in by.
        door: Door,
        /// Why.
        why: Why,
        /// How many are in the room now.
        count: usize,
    },
    /// A member's connection was lost; it may come back.
    Away {
        /// Its name.
        name: Arc<str>,
        /// Where it came from.
        address: SocketAddr,
        /// The door it came in by.
        door: Door,
    },
    /// A member that was away is back.
    Back {
        /// Its name.
        name: Arc<str>,
        /// Where it comes from now.
        address: SocketAddr,
        /// The door it comes by.
        door: Door,
    },
    /// Someone was not let in.
    Refused {
        /// Where it comes from.
        address: SocketAddr,
        /// Why.
        why: Refusal,
    },
    /// Several were not let in, within about a second.
    RefusedMany {
        /// Where they come from: an IPv4 address, or the first address of an IPv6
        /// network of 64 bits; none if from many other addresses.
        network: Option<IpAddr>,
        /// Why.
        why: Refusal,
        /// How many.
        count: u64,
    },
    /// A member read so slowly that the log no longer had all of what it missed.
    FellBehind {
        /// Its name.
        name: Arc<str>,
        /// Where it comes from.
        address: SocketAddr,
        /// The door it came in by.
        door: Door,
        /// How many messages it was not sent.
        missed: u64,
    },
    /// Others can join at these addresses from now on, the likeliest first.
    Addresses(Arc<Vec<Address>>),
    /// Something that is stored cannot be read, and why.
    Unread(String),
    /// Messages wait because nothing can be stored at the moment, and why.
    Delayed(String),
    /// Messages that waited are stored and sent again, after this time.
    Resumed(Duration),
    /// What the clock of the computer means for the messages that are kept.
    Clock(ClockDoubt),
    /// Little space is left on the disk of the store.
    DiskLow(DiskSpace),
    /// No connection can be accepted for the moment, and why.
    Stalled(String),
    /// This many events before the next one were dropped, because nobody took them in
    /// time, or because they came faster than they are told.
    Missed(u64),
}

/// Why someone was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// As many connections as may be are open.
    #[error("the room is full")]
    RoomFull,
    /// As many connections as may be come from its address.
    #[error("too many connections from this address")]
    TooManyConnections,
    /// It came by a door that is not served.
    #[error("it came by a door that is not served: {}", .0.name())]
    ClosedDoor(Door),
}
