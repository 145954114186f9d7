//! What a store has when it is opened.

use std::time::Duration;

use jiff::Timestamp;

use crate::room::{Entry, Keys, MemberId, Network, TokenHash};

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
    /// For how long the member is still muted, if it is.
    pub muted: Option<Duration>,
    /// The ids of the member's last messages, at most [`RECENT_IDS`](super::RECENT_IDS), with their `seq`s, in
    /// order.
    pub said: Vec<(Box<str>, u64)>,
}

/// A ban that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBan {
    /// The addresses.
    pub network: Option<Network>,
    /// The hash of a resume token.
    pub token: Option<TokenHash>,
    /// The name of the member that was removed.
    pub name: Option<Box<str>>,
    /// The end, as it was foreseen.
    pub until: Timestamp,
    /// For how long the ban still holds. The store counts this itself, because clocks are
    /// wrong at times.
    pub remaining: Duration,
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
    /// The keys of the room.
    pub keys: Keys,
    /// The least time between two messages of a member who is no host; zero without slow
    /// mode.
    pub slow: Duration,
    /// The bans that have not ended, at most [`BANS_LIMIT`](crate::room::BANS_LIMIT), in the
    /// order in which they were made.
    pub bans: Vec<StoredBan>,
    /// All members who have a session.
    pub sessions: Vec<StoredSession>,
    /// The newest entries, in order.
    pub entries: Vec<Entry<'static>>,
}
