//! How fast this side speaks.

use std::time::{Duration, Instant};

use crate::wire::frame::Limits;

/// How fast the server lets this side speak, as [`room::Pace`](crate::room::Pace),
/// and how much of that is used.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The time that one message takes up; none without a limit.
    interval: Option<Duration>,
    /// The time that may be used up at once.
    burst: Duration,
    /// When the messages so far will have been paid for.
    paid_at: Option<Instant>,
}

impl Pace {
    /// Takes over what the server told.
    pub fn limit(&mut self, limits: &Limits) {
        self.interval = limits
            .per_second
            .map(|number| Duration::from_secs(1) / number.max(1));
        let at_once = limits.burst.or(limits.per_second).unwrap_or(1);
        // One less: what was sent in time may arrive closer together. Another one
        // less: the first does not wait for itself.
        self.burst = self.interval.unwrap_or_default() * at_once.saturating_sub(2);
    }

    /// A message was sent.
    pub fn count(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            self.paid_at = Some(self.paid_at.map_or(now, |at| at.max(now)) + interval);
        }
    }

    /// None before `until`, and then one.
    pub fn use_up(&mut self, until: Instant) {
        self.paid_at = Some(until + self.burst);
    }

    /// When the next one may be sent, if not at once.
    pub fn ready(&self) -> Option<Instant> {
        self.interval?;
        self.paid_at?.checked_sub(self.burst)
    }
}
