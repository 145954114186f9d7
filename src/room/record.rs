//! Records: everything that a durable room must have on disk before anyone is told of
//! it.

use std::sync::Arc;

use jiff::Timestamp;

use super::event::MemberId;
use super::sessions::SessionKey;

/// One thing to be stored, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A member said something.
    Message {
        /// Its place among the messages: 1, 2, 3, … without a hole.
        seq: u64,
        /// When the room took it.
        at: Timestamp,
        /// The sender.
        from: MemberId,
        /// The name of who said it, at that time.
        name: Arc<str>,
        /// The id that its sender gave to it.
        id: Option<Box<str>>,
        /// The text.
        text: Box<str>,
    },
    /// A member came in.
    Entered {
        /// Who.
        id: MemberId,
        /// The name it got.
        name: Arc<str>,
        /// Whether the room is hosted by it.
        host: bool,
        /// The session it can come back to, if there is one.
        session: Option<SessionKey>,
    },
    /// A member left: its session is over, and its id never returns.
    Left {
        /// Who.
        id: MemberId,
    },
    /// The room was closed for good: no session is worth coming back to.
    Closed,
}
