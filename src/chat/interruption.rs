//! A lost connection that the client is restoring: since when, and the next try.

use std::time::{Duration, Instant};

use crate::client::{End, Loss};

/// A lost connection that the client is restoring.
#[derive(Clone, Debug)]
pub struct Interruption {
    /// How the connection was lost.
    end: End,
    /// When the last bytes came from the server.
    since: Instant,
}

/// A lost connection at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The server said that it stops; else the connection broke.
    pub stopping: bool,
    /// For how long there has been no connection.
    pub lost_for: Duration,
    /// The time until the next try; `None` while the client tries.
    pub wait: Option<Duration>,
}

impl Interruption {
    /// A connection that was lost now, or when the server's silence began.
    #[must_use]
    pub fn new(end: End, now: Instant) -> Self {
        let silence = match end {
            End::Lost(Loss::Silence(silence)) => silence,
            _ => Duration::ZERO,
        };
        let since = now.checked_sub(silence).unwrap_or(now);
        Self { end, since }
    }

    /// The outage at `now`, if the next try is at `next_try`.
    #[must_use]
    pub fn outage(&self, next_try: Option<Instant>, now: Instant) -> Outage {
        Outage {
            stopping: matches!(self.end, End::ServiceStopping { .. }),
            lost_for: now.duration_since(self.since),
            wait: next_try.and_then(|at| at.checked_duration_since(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_connection_is_lost_counts_from_the_last_word_of_the_server() {
        let now = Instant::now() + Duration::from_mins(10);
        let second = Duration::from_secs(1);
        let lost = Interruption::new(End::Lost(Loss::Silence(10 * second)), now);
        let outage = Outage {
            stopping: false,
            lost_for: 10 * second,
            wait: Some(8 * second),
        };
        assert_eq!(lost.outage(Some(now + 8 * second), now), outage);
        let later = now + 55 * second;
        let trying = Outage {
            lost_for: 65 * second,
            wait: None,
            ..outage
        };
        assert_eq!(lost.outage(None, later), trying);
        // The time of the try has come.
        assert_eq!(lost.outage(Some(now), later), trying);
        let stopping = Interruption::new(End::ServiceStopping { retry: None }, now);
        let outage = stopping.outage(None, now);
        assert!(outage.stopping && outage.lost_for.is_zero());
    }
}
