//! What a session has for moderation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::address::Address;
use crate::room::{Meter, RateLimit};

/// The rate of a host's requests. Everyone is told of most of them.
const REQUESTS: RateLimit = RateLimit {
    burst: 40,
    per_second: 2,
};

/// What a session has for moderation: that of hosts, and of those who are muted, which are
/// few.
#[derive(Debug, Default)]
pub struct Hosting {
    /// The addresses of which the host was notified last; `None` for other members.
    pub told_addresses: Option<Arc<Vec<Address>>>,
    /// Whether the last thing that a native client heard of it is that it is muted.
    pub knows_muted: bool,
    /// Counts requests against [`REQUESTS`].
    requests: Meter<Instant>,
}

impl Hosting {
    /// Counts a request.
    ///
    /// # Errors
    /// The time to wait, if it comes too fast.
    pub fn count_request(&mut self, now: Instant) -> Result<(), Duration> {
        self.requests.count(REQUESTS, now)
    }
}
