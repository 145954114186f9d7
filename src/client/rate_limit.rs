//! The rate at which the client sends.

use std::time::{Duration, Instant};

use crate::protocol::native::frame::Limits;

/// The most seconds between two messages that a server can ask for: a day. A longer time
/// would be no rate, and could not be added to the time of day.
pub(super) const LONGEST_INTERVAL_S: u64 = 24 * 60 * 60;

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
        let mut at_once = limits.burst.or(limits.per_second).unwrap_or(1);
        if let Some(every) = limits.every_s.filter(|it| *it > 0) {
            let every = Duration::from_secs(every.min(LONGEST_INTERVAL_S));
            self.interval = Some(self.interval.map_or(every, |it| it.max(every)));
            at_once = 1;
        }
        // One message less, because messages can arrive closer together than they were
        // sent. Another one less, because the first does not wait for itself.
        self.burst = self.interval.unwrap_or_default() * at_once.saturating_sub(2);
    }

    /// Forgets what the messages so far used.
    pub fn begin_again(&mut self) {
        self.paid_at = None;
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
