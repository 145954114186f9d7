//! The records of a durable room. Each must be on disk before anyone learns of it.

use std::sync::Arc;

use super::attachment::TokenHash;
use super::entry::Entry;
use super::entry::MemberId;

/// One event to store. The store writes records in the order of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A lasting entry.
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
}
