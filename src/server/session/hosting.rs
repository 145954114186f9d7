//! What a session has that hosts use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::address::Address;
use crate::room::{Meter, RateLimit};

/// The rate of a host's requests. Everyone is told of most of them.
const REQUESTS: RateLimit = RateLimit {
    burst: 40,
    per_second: 2,
};

/// What a session has that hosts use: only few members are.
#[derive(Debug, Default)]
pub struct Hosting {
    /// The addresses of which the host was notified last; `None` for other members.
    pub told_addresses: Option<Arc<Vec<Address>>>,
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
