//! The time of a room, as its commands carry it.

use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment in the time of a room: the time since a beginning that the caller chose, to the
/// nanosecond, 584 years at most. All commands of one room count from the same beginning.
/// It never goes back.
///
/// A member has several that may be missing, and `Option<Time>` takes no more memory than
/// this: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(
    /// One more than the number of nanoseconds.
    NonZeroU64,
);

impl Time {
    /// The beginning.
    pub const BEGINNING: Self = Self(NonZeroU64::MIN);

    /// The moment that is this long after the beginning.
    #[must_use]
    pub fn after(beginning: Duration) -> Self {
        Self::BEGINNING + beginning
    }

    /// The time since the beginning.
    #[must_use]
    pub const fn since_beginning(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::BEGINNING
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// The time between the two; zero if `earlier` is the later one.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_from_the_beginning_and_ends_somewhere() {
        let time = Time::after(Duration::from_millis(1_500));
        assert_eq!(time.since_beginning(), Duration::from_millis(1_500));
        assert_eq!(time - Time::BEGINNING, Duration::from_millis(1_500));
        assert_eq!(Time::BEGINNING - time, Duration::ZERO);
        let last = time + Duration::MAX;
        assert!(last > time && last + Duration::from_secs(1) == last);
        assert_eq!(size_of::<Option<Time>>(), 8);
    }
}
