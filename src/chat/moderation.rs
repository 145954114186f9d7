//! What a host has set, as far as it concerns the user, and the answers to a user who is
//! the host.

use std::time::{Duration, Instant};

use crate::protocol::invitation::Invitation;
use crate::protocol::native::frame::Code;

/// The user's part in the moderation of a room.
#[derive(Debug, Default)]
pub struct Moderation {
    /// Whether the user is the host.
    pub hosts: bool,
    /// Until when the user cannot send messages.
    pub muted_until: Option<Instant>,
}

impl Moderation {
    /// The user cannot send messages for this long from `now`; zero lifts that.
    pub fn mute(&mut self, time: Duration, now: Instant) {
        self.muted_until = now.checked_add(time).filter(|_| !time.is_zero());
    }

    /// The server has accepted a message of the user.
    pub fn unmute(&mut self) {
        self.muted_until = None;
    }

    /// For how much longer the user cannot send messages.
    pub fn muted_for(&self, now: Instant) -> Option<Duration> {
        let left = self.muted_until?.checked_duration_since(now)?;
        (!left.is_zero()).then_some(left)
    }
}

/// An answer of the server to something that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A member was removed.
    Removed {
        /// The member's name.
        name: String,
        /// For how long nobody may join from the member's address.
        ban: Option<Duration>,
        /// The number of other members with the same address.
        shared: usize,
    },
    /// The messages of a member are rejected.
    Muted {
        /// The member's name.
        name: String,
        /// For how long; zero if they are accepted again.
        time: Duration,
    },
    /// The invitation to the room; a secret if the room is private.
    Invitation(Box<Invitation>),
    /// The server refused.
    Refused(Refusal),
}

/// Why the server refused something that only some may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The user is not the host any more.
    NotHost,
    /// The member has left.
    NoSuchMember,
    /// The message is no longer held.
    NoSuchMessage,
    /// An administrator has chosen the key of the room.
    KeyFixed,
}

impl Refusal {
    /// The refusal that an error of the server stands for.
    #[must_use]
    pub fn of(code: &Code) -> Option<Self> {
        Some(match code {
            Code::NotHost => Self::NotHost,
            Code::NoSuchMember => Self::NoSuchMember,
            Code::NoSuchMessage => Self::NoSuchMessage,
            Code::KeyFixed => Self::KeyFixed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_ends_by_itself_or_when_it_is_lifted() {
        let (now, minute) = (Instant::now(), Duration::from_mins(1));
        let mut moderation = Moderation::default();
        assert_eq!(moderation.muted_for(now), None);
        moderation.mute(minute, now);
        assert_eq!(moderation.muted_for(now), Some(minute));
        assert_eq!(moderation.muted_for(now + minute / 2), Some(minute / 2));
        assert_eq!(moderation.muted_for(now + minute), None);
        moderation.mute(Duration::ZERO, now);
        assert_eq!(moderation.muted_for(now), None);
        // A server that knows no end.
        moderation.mute(Duration::MAX, now);
        assert_eq!(moderation.muted_for(now), None);
    }
}
