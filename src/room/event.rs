//! The events of a room, in the order in which everyone sees them.

use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, MemberId};
use super::rate::RateLimit;

/// The reason why a member left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// The member sent a goodbye, or closed its sending half.
    Quit,
    /// The connection broke.
    Lost,
    /// The server heard nothing from the member for too long.
    Timeout,
    /// The member broke the protocol, and the server ended its connection.
    Protocol,
    /// A host or the administrator removed the member.
    Removed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How the server closed a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// For good: no room is left to come back to.
    ForGood,
    /// The service stops and may start again: coming back is worth a try.
    Service {
        /// How long a client should wait before its first try, in milliseconds.
        retry_ms: u64,
    },
    /// The server can no longer store messages. It ends and may start again: coming back
    /// is worth a try.
    StoreFailed {
        /// How long a client should wait before its first try, in milliseconds.
        retry_ms: u64,
    },
}

/// One entry of the log, before it is encoded.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A lasting entry.
    Entry(Entry<'a>),
    /// A lasting entry by which a message was erased a moment ago.
    Erased {
        /// The entry; its body is a [`Body::Erased`](super::Body::Erased).
        entry: Entry<'a>,
        /// The name of the message's sender.
        sender: &'a str,
    },
    /// A member joined.
    Joined {
        /// The member.
        id: MemberId,
        /// Its name, as the room gave it.
        name: &'a str,
        /// Whether this member hosts the room.
        host: bool,
        /// The number of members in the room now, including those who are away.
        count: usize,
    },
    /// A member left.
    Left {
        /// The member.
        id: MemberId,
        /// Its name, as the room gave it.
        name: &'a str,
        /// The reason.
        why: Why,
        /// The number of members in the room now, including those who are away.
        count: usize,
    },
    /// A member's connection was lost; it may come back.
    Away {
        /// The member.
        id: MemberId,
        /// Its name, as the room gave it.
        name: &'a str,
    },
    /// An absent member is back.
    Back {
        /// The member.
        id: MemberId,
        /// Its name, as the room gave it.
        name: &'a str,
    },
    /// A member became a host of the room.
    Host {
        /// The member.
        id: MemberId,
        /// Its name.
        name: &'a str,
        /// The member who handed the role over, and no longer has it. `None` if nobody
        /// gave it up.
        from: Option<MemberId>,
    },
    /// Other limits hold from now on.
    Limits {
        /// The rate limit of messages for each member.
        rate_limit: RateLimit,
        /// The least time between two messages of a member who is no host; zero without
        /// slow mode.
        every: Duration,
    },
    /// A sentence of the server itself for everyone.
    Notice {
        /// Its kind, for programs.
        code: &'static str,
        /// The sentence.
        text: &'a str,
    },
    /// Nothing happened for long: the server pings native clients, and shows them that it
    /// is there.
    Alive,
    /// Members joined, left, went away or came back, collected because the room is big.
    Presence(&'a PresenceBatch),
    /// The room was closed; nothing follows.
    Closed(Closing),
}

impl Event<'_> {
    /// The lasting entry, if it is one.
    #[must_use]
    pub const fn entry(&self) -> Option<&Entry<'_>> {
        match self {
            Self::Entry(entry) | Self::Erased { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

/// Joins and leaves of a big room, collected over a quarter of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceBatch {
    /// The number of members in the room now.
    pub count: usize,
    /// The names of the first members who joined, at most [`Self::NAMES`].
    pub joined: Vec<Arc<str>>,
    /// How many others joined.
    pub joined_more: usize,
    /// The names of the first members who left, at most [`Self::NAMES`].
    pub left: Vec<Arc<str>>,
    /// How many others left.
    pub left_more: usize,
    /// The number of members in the room who are away.
    pub away: usize,
}

impl PresenceBatch {
    /// The most names listed of each kind.
    pub const NAMES: usize = 20;

    /// Adds a member who joined.
    pub(super) fn join(&mut self, name: Arc<str>) {
        add(&mut self.joined, &mut self.joined_more, name);
    }

    /// Adds a member who left.
    pub(super) fn leave(&mut self, name: Arc<str>) {
        add(&mut self.left, &mut self.left_more, name);
    }
}

fn add(names: &mut Vec<Arc<str>>, more: &mut usize, name: Arc<str>) {
    if names.len() < PresenceBatch::NAMES {
        names.push(name);
    } else {
        *more += 1;
    }
}
