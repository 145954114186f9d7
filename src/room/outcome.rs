//! The outcomes of commands, for whoever asked.

use std::sync::Arc;
use std::time::Duration;

use super::attachment::Lease;
use super::entry::MemberId;
use super::event::{Closing, Why};
use super::log::Cursor;

/// The reason why someone could not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEntered {
    /// The number of members has reached its limit.
    #[error("the room is full")]
    Full,
    /// The room was closed.
    #[error("the room is closed")]
    Closed(Closing),
}

/// The reason why the room rejected a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// Its sender sends too fast.
    #[error("too fast")]
    TooFast {
        /// The time for which the room will reject all messages of this sender.
        retry: Duration,
    },
    /// It has more than [`TEXT_LIMIT`](super::TEXT_LIMIT) characters or [`LINES_LIMIT`](super::LINES_LIMIT) lines.
    #[error("too long")]
    TooLong,
    /// It has no visible characters.
    #[error("empty")]
    Empty,
    /// Its id is empty or longer than [`MESSAGE_ID_LIMIT`](super::MESSAGE_ID_LIMIT) bytes.
    #[error("unusable id")]
    BadId,
    /// The room was closed.
    #[error("closed")]
    Closed,
    /// The sender has left or was removed, or another connection has taken the member
    /// over.
    #[error("the lease is over")]
    LeaseOver,
    /// A host has muted the sender.
    #[error("muted")]
    Muted {
        /// The time after which the sender may send again.
        retry: Duration,
    },
}

/// The result for an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The room sent it, with this `seq`.
    New(u64),
    /// Its sender has already sent it, with the same id and this `seq`; the room does not
    /// send it again.
    Before(u64),
}

/// The starting state of a connection that has joined or resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its right to act for the member, and the member's id.
    pub lease: Lease,
    /// The member's name.
    pub name: Arc<str>,
    /// Whether this member hosts the room.
    pub host: bool,
    /// How it joined.
    pub coming: Coming,
    /// The cursor where it begins to read: after its own join or return.
    pub cursor: Cursor,
    /// The `seq` of the next lasting entry.
    pub next_seq: u64,
    /// The number of members in the room, including itself.
    pub count: usize,
}

/// How a connection joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coming {
    /// As a new member.
    New,
    /// As a member that was away.
    Back,
    /// By taking a member over from another connection, whose lease is over.
    Instead,
}

/// The state of a member after its connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The member left.
    Left {
        /// The number of members that remain.
        count: usize,
    },
    /// The member is away, and may come back.
    Away,
}

/// The reason why a connection could not resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotResumed {
    /// The room does not know the token, or is closed.
    Unknown,
    /// A connection that was opened later has the member, or had it last.
    Late,
}

/// A member that did not come back in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    pub name: Arc<str>,
    /// The reason why its connection ended.
    pub why: Why,
    /// The number of members that remain.
    pub count: usize,
}
