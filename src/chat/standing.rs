//! Where the user stands in a room: whether they host it, what protects the connection,
//! what the host has set.

use std::time::{Duration, Instant};

use crate::client::Security;

use super::state::Chat;

/// Where the user stands in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the user is the host, and may moderate.
    pub hosts: bool,
    /// Whether only those may join who were invited.
    pub private: bool,
    /// How the latest connection is, or was, protected.
    pub security: Option<Security>,
    /// The time between two messages of each member; zero without such a limit.
    pub slow: Duration,
    /// Until when the user cannot send messages.
    pub muted_until: Option<Instant>,
}

impl Chat {
    /// Where the user stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            hosts: self.hosts(),
            private: self.is_private(),
            security: self.security(),
            slow: self.slow(),
            muted_until: self.muted_until(),
        }
    }
}
