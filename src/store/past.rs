//! What a store has when it is opened.

use crate::room::{Entry, MemberId, TokenHash};

/// A member who may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The member's id.
    pub id: MemberId,
    /// The member's name.
    pub name: Box<str>,
    /// Whether the member hosts the room.
    pub host: bool,
    /// The hash of the member's resume token.
    pub token: TokenHash,
    /// The ids of the member's last messages, at most [`RECENT_IDS`](super::RECENT_IDS), with their `seq`s, in
    /// order.
    pub said: Vec<(Box<str>, u64)>,
}

/// The contents of a store when it was opened.
#[derive(Clone, Debug)]
pub struct Past {
    /// Distinguishes this log from every other: 32 hexadecimal digits.
    pub epoch: String,
    /// The `seq` that the next entry gets.
    pub next_seq: u64,
    /// The `seq` of the oldest stored entry, or of the next one if none is stored.
    pub oldest_seq: u64,
    /// The last id that the room gave to a member; 0 if there was no member.
    pub last_member: u64,
    /// All members who have a session.
    pub sessions: Vec<StoredSession>,
    /// The newest entries, in order.
    pub entries: Vec<Entry<'static>>,
}
