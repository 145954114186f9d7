//! The records of a durable room. Each must be on disk before anyone learns of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::event::MemberId;
use super::sessions::SessionKey;

/// One event to store. The store writes records in the order of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A member sent a message.
    Message {
        /// Its place among the messages: 1, 2, 3, … without a hole.
        seq: u64,
        /// When the room accepted it.
        at: Timestamp,
        /// The sender.
        from: MemberId,
        /// The sender's name at that time.
        name: Arc<str>,
        /// The sender's own id for the message.
        id: Option<Box<str>>,
        /// The cleaned text.
        text: Box<str>,
    },
    /// A member joined.
    Entered {
        /// The member.
        id: MemberId,
        /// The name that the room gave it.
        name: Arc<str>,
        /// Whether this member hosts the room.
        host: bool,
        /// The session by which it can come back, if it has one.
        session: Option<SessionKey>,
    },
    /// A member left: its session is over, and the room never uses its id again.
    Left {
        /// The member.
        id: MemberId,
    },
    /// The room was closed for good: all sessions are over.
    Closed,
}
