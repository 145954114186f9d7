//! The rules and limits of a room.

use std::time::Duration;

use super::log::Retention;
use super::rate::RateLimit;

/// Up to this many members, the room announces each join and leave separately; above, it
/// collects them.
pub const SMALL_ROOM: usize = 100;

/// The time for which a big room collects joins and leaves before it announces them.
pub const GATHER_TIME: Duration = Duration::from_millis(250);

/// The most bytes of the id that a sender gives to its message.
pub const MESSAGE_ID_LIMIT: usize = 64;

/// The default time that a member whose connection was lost has to come back (see
/// [`Rules::grace`]).
pub const GRACE: Duration = Duration::from_mins(1);

/// The rules of a room for its members.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The most members at a time.
    pub max_members: usize,
    /// The rate limit of messages for each member.
    pub rate_limit: RateLimit,
    /// The limits of the history in memory.
    pub retention: Retention,
    /// The time that a member whose connection was lost has to come back; with zero, it
    /// leaves at once.
    pub grace: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_members: 10_000,
            rate_limit: RateLimit::default(),
            retention: Retention::default(),
            grace: GRACE,
        }
    }
}
