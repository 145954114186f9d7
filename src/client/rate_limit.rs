//! The rate at which the client sends.

use std::time::{Duration, Instant};

use crate::protocol::native::frame::Limits;

/// The rate that the server allows, as [`room::RateLimit`](crate::room::RateLimit), and how much of
/// it the client has used.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    /// The time that one message uses; `None` without a limit.
    interval: Option<Duration>,
    /// The time that the client may use at once.
    burst: Duration,
    /// When the time that the messages so far used is over.
    paid_at: Option<Instant>,
}

impl RateLimit {
    /// Takes over the limits of the server.
    pub fn limit(&mut self, limits: &Limits) {
        self.interval = limits
            .per_second
            .map(|number| Duration::from_secs(1) / number.max(1));
        let at_once = limits.burst.or(limits.per_second).unwrap_or(1);
        // One message less, because messages can arrive closer together than they were
        // sent. Another one less, because the first does not wait for itself.
        self.burst = self.interval.unwrap_or_default() * at_once.saturating_sub(2);
    }

    /// The client sent a message.
    pub fn count(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            self.paid_at = Some(self.paid_at.map_or(now, |at| at.max(now)) + interval);
        }
    }

    /// Allows no message before `until`, and then one.
    pub fn use_up(&mut self, until: Instant) {
        self.paid_at = Some(until + self.burst);
    }

    /// When the client may send the next message, if not at once.
    pub fn ready(&self) -> Option<Instant> {
        self.interval?;
        self.paid_at?.checked_sub(self.burst)
    }
}
