//! The records of a durable room. Each must be on disk before anyone learns of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::attachment::TokenHash;
use super::bans::Ban;
use super::entry::Entry;
use super::entry::MemberId;
use super::keys::Keys;

/// One event to store. The store writes records in the order of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A lasting entry. With a [`Body::Erased`](super::Body::Erased), the text of the
    /// erased message goes in the same step.
    Entry(Entry<'static>),
    /// A member joined.
    Entered {
        /// The member.
        id: MemberId,
        /// The name that the room gave it.
        name: Arc<str>,
        /// Whether this member hosts the room.
        host: bool,
        /// The hash of the token by which it can come back, if it has one.
        token: Option<TokenHash>,
    },
    /// A member left: its session is over, and the room never uses its id again.
    Left {
        /// The member.
        id: MemberId,
    },
    /// The room was closed for good: all sessions are over.
    Closed,
    /// A member is muted until then, or no longer with `None`.
    Muted {
        /// The member.
        id: MemberId,
        /// The end.
        until: Option<Timestamp>,
    },
    /// Another least time holds between two messages of a member; zero without slow mode.
    Slow {
        /// The time.
        every: Duration,
    },
    /// A member became a host.
    Host {
        /// The member who handed the role over, and no longer has it.
        from: Option<MemberId>,
        /// The new host.
        to: MemberId,
    },
    /// Other keys hold from now on.
    Keys(Keys),
    /// Someone is kept out.
    Banned(Ban),
    /// A ban was lifted, or gave way to another.
    Unbanned(Ban),
}
