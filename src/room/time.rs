//! The time of a room, as its commands carry it.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment in the time of a room: the time since a beginning that the caller chose. All
/// commands of one room count from the same beginning. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Duration);

impl Time {
    /// The beginning.
    pub const BEGINNING: Self = Self(Duration::ZERO);

    /// The moment that is this long after the beginning.
    #[must_use]
    pub const fn after(beginning: Duration) -> Self {
        Self(beginning)
    }

    /// The time since the beginning.
    #[must_use]
    pub const fn since_beginning(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// The time between the two; zero if `earlier` is the later one.
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
