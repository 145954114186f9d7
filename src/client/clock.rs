//! Notices that the computer slept.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::time::sleep;

/// How often this compares the clocks.
const TICK: Duration = Duration::from_secs(5);

/// A sleep longer than this counts as a lost connection: nobody knows its state, and
/// finding out would take longer than to connect again.
const LONG: Duration = Duration::from_secs(5);

/// The time since the computer was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    /// With sleep.
    pub with_sleep: Duration,
    /// Without sleep.
    pub without_sleep: Duration,
}

impl Clocks {
    fn now() -> Self {
        Self {
            with_sleep: duration(clock_gettime(ClockId::Boottime)),
            without_sleep: duration(clock_gettime(ClockId::Monotonic)),
        }
    }

    /// Whether the computer slept for long since `before`.
    pub fn slept_since(self, before: Self) -> bool {
        let passed = self.with_sleep.saturating_sub(before.with_sleep);
        let awake = self.without_sleep.saturating_sub(before.without_sleep);
        passed.saturating_sub(awake) > LONG
    }
}

fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

/// Waits until the computer wakes from a long sleep.
pub(super) async fn slept() {
    let mut before = Clocks::now();
    loop {
        // This wait does not count sleep either, so it ends soon after the sleep.
        sleep(TICK).await;
        let now = Clocks::now();
        if now.slept_since(before) {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(with_sleep: u64, without_sleep: u64) -> Clocks {
        Clocks {
            with_sleep: Duration::from_secs(with_sleep),
            without_sleep: Duration::from_secs(without_sleep),
        }
    }

    #[test]
    fn only_a_long_sleep_is_one() {
        let start = clocks(1_000, 900);
        // A computer that is awake, and one that did not run the program.
        assert!(!clocks(1_005, 905).slept_since(start));
        assert!(!clocks(4_600, 4_500).slept_since(start));
        assert!(!clocks(1_010, 905).slept_since(start));
        assert!(clocks(1_011, 905).slept_since(start));
        assert!(clocks(40_000, 905).slept_since(start));
        // Clocks that go backwards are no sleep.
        assert!(!clocks(10, 905).slept_since(start));
    }

    #[test]
    fn the_clocks_of_this_computer_go() {
        assert!(!Clocks::now().without_sleep.is_zero());
        assert!(!Clocks::now().slept_since(Clocks::now()));
    }
}
