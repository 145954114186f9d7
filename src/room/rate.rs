//! The rate limit of messages and of new connections.

use std::ops::{Add, Sub};
use std::time::Duration;

use super::time::Time;

/// A rate limit: a burst, and a rate in the long run. A room limits the messages of each
/// member by it, and the server the new connections of each address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Messages (or connections) at once, after a pause.
    pub burst: u32,
    /// Messages (or connections) per second in the long run; 0 lifts the limit.
    pub per_second: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::per_second(5)
    }
}

impl RateLimit {
    /// `per_second` messages in the long run, and four times as many at once.
    #[must_use]
    pub const fn per_second(per_second: u32) -> Self {
        Self {
            burst: per_second.saturating_mul(4),
            per_second,
        }
    }

    /// The time that so many messages take up.
    fn time_for(self, count: u32) -> Duration {
        let nanos = u64::from(count) * 1_000_000_000;
        Duration::from_nanos(nanos / u64::from(self.per_second.max(1)))
    }
}

/// Counts messages against a [`RateLimit`], by the generic cell rate algorithm (GCRA,
/// ITU-T I.371), whose state is a point in time.
///
/// After a member goes over the limit, the meter rejects all its messages until the
/// announced waiting time is over. So the room never accepts a later message before an
/// earlier one.
///
/// `T` is the kind of time: the room counts in its own, the server in
/// [`Instant`](std::time::Instant)s.
#[derive(Clone, Copy, Debug)]
pub struct Meter<T = Time> {
    /// When the messages so far stop counting against the limit.
    paid_at: Option<T>,
    /// Until when the meter rejects everything.
    refused_until: Option<T>,
}

impl<T> Default for Meter<T> {
    fn default() -> Self {
        Self {
            paid_at: None,
            refused_until: None,
        }
    }
}

impl<T: Copy + Ord + Add<Duration, Output = T> + Sub<Output = Duration>> Meter<T> {
    /// Counts a message sent at `now`.
    ///
    /// # Errors
    /// The time to wait, if the message comes too fast; the meter does not count it then.
    pub fn count(&mut self, limit: RateLimit, now: T) -> Result<(), Duration> {
        self.count_many(limit, 1, now)
    }

    /// Counts `count` messages sent at `now`, or as many bytes if the limit is one of
    /// bytes.
    ///
    /// # Errors
    /// The time to wait, if they come too fast; the meter does not count them then.
    pub fn count_many(&mut self, limit: RateLimit, count: u32, now: T) -> Result<(), Duration> {
        if limit.per_second == 0 {
            return Ok(());
        }
        if let Some(until) = self.refused_until {
            if now < until {
                return Err(until - now);
            }
            self.refused_until = None;
        }
        let paid_at = self.paid_at.map_or(now, |at| at.max(now)) + limit.time_for(count);
        if paid_at - now > limit.time_for(limit.burst) {
            // After this wait, the messages of one second fit within the limit.
            let wait = Duration::from_secs(1);
            self.refused_until = Some(now + wait);
            return Err(wait);
        }
        self.paid_at = Some(paid_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn twenty_at_once_and_then_five_a_second() {
        let pace = RateLimit::default();
        let mut meter = Meter::default();
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(meter.count(pace, start), Ok(()));
        }
        let wait = meter.count(pace, start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        // Rejected until the announced wait is over, though the rate would allow it.
        let half = start + Duration::from_millis(500);
        assert_eq!(meter.count(pace, half), Err(Duration::from_millis(500)));
        let later = start + wait;
        for _ in 0..5 {
            assert_eq!(meter.count(pace, later), Ok(()));
        }
        assert!(meter.count(pace, later).is_err());
    }

    #[test]
    fn a_steady_talker_within_the_limit_is_never_refused() {
        let pace = RateLimit::default();
        let mut meter = Meter::default();
        let start = Instant::now();
        for n in 0..10_000 {
            assert_eq!(
                meter.count(pace, start + Duration::from_millis(200) * n),
                Ok(())
            );
        }
    }

    #[test]
    fn no_limit_is_no_limit() {
        let mut meter = Meter::default();
        let now = Instant::now();
        assert!((0..100_000).all(|_| meter.count(RateLimit::per_second(0), now).is_ok()));
    }
}
