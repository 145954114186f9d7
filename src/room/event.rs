//! What happens in a room, in the order in which everyone is told.

use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells one member from all others that the room ever had; it never changes
/// or returns. Counted from 1.
pub type MemberId = NonZeroU64;

/// Why a member left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// It said so, or closed its sending half.
    Quit,
    /// Its connection broke.
    Lost,
    /// Nothing was heard of it for too long.
    Timeout,
    /// It broke the protocol, and the server ended its connection.
    Protocol,
    /// For a reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How a room was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// For good: there is nothing to come back to.
    ForGood,
    /// The service stops, perhaps to start again: coming back is worth a try.
    Service {
        /// How long to wait before the first try, in milliseconds.
        retry_ms: u64,
    },
    /// What is said can no longer be stored. The service ends, perhaps to start
    /// again: coming back is worth a try.
    StoreFailed {
        /// How long to wait before the first try, in milliseconds.
        retry_ms: u64,
    },
}

/// One entry of the log, before it is encoded for the doors.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A member said something.
    Message {
        /// Its place among the messages: 1, 2, 3, … without a hole.
        seq: u64,
        /// When the room took it.
        at: Timestamp,
        /// Who said it.
        from: MemberId,
        /// The name of who said it, at that time.
        name: &'a str,
        /// The id that its sender gave to it.
        id: Option<&'a str>,
        /// What was said.
        text: &'a str,
    },
    /// A member came in.
    Joined {
        /// Who.
        id: MemberId,
        /// Its name.
        name: &'a str,
        /// Whether the room is hosted by it.
        host: bool,
        /// How many are in the room now.
        count: usize,
    },
    /// A member left.
    Left {
        /// Who.
        id: MemberId,
        /// Its name.
        name: &'a str,
        /// Why.
        why: Why,
        /// How many are in the room now.
        count: usize,
    },
    /// A member's connection was lost; it may come back.
    Away {
        /// Who.
        id: MemberId,
        /// Its name.
        name: &'a str,
    },
    /// A member that was away is back.
    Back {
        /// Who.
        id: MemberId,
        /// Its name.
        name: &'a str,
    },
    /// The server itself has something to say to everyone.
    Notice {
        /// What it is about, for programs.
        code: &'static str,
        /// In words.
        text: &'a str,
    },
    /// Nothing happened, for long: native clients are asked whether they are there, and
    /// see that the server is.
    Alive,
    /// Members came, left, or were away, gathered because the room is big.
    Presence(&'a Gathered),
    /// The room was closed; nothing follows.
    Closed(Closing),
}

/// Joins and leaves of a big room, gathered over a short time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// How many are in the room now.
    pub count: usize,
    /// The names of the first who joined.
    pub joined: Vec<Arc<str>>,
    /// How many more joined.
    pub joined_more: usize,
    /// The names of the first who left.
    pub left: Vec<Arc<str>>,
    /// How many more left.
    pub left_more: usize,
    /// How many of those in the room are away.
    pub away: usize,
}

impl Gathered {
    /// The most names a gathering lists of each kind.
    pub const NAMES: usize = 20;

    /// Adds one who joined.
    pub(super) fn join(&mut self, name: Arc<str>) {
        add(&mut self.joined, &mut self.joined_more, name);
    }

    /// Adds one who left.
    pub(super) fn leave(&mut self, name: Arc<str>) {
        add(&mut self.left, &mut self.left_more, name);
    }
}

fn add(names: &mut Vec<Arc<str>>, more: &mut usize, name: Arc<str>) {
    if names.len() < Gathered::NAMES {
        names.push(name);
    } else {
        *more += 1;
    }
}
