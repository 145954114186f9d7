//! How long to wait between tries.

use std::time::Duration;

/// Waits that double from try to try, up to a longest. Each is drawn at random from its
/// upper half, so that the clients who lost the same server do not all come back at the
/// same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Waits from `first` up to `longest`; `seed` is the source of all randomness.
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            first,
            longest,
            next: first.min(longest),
            random: seed,
        }
    }

    /// The next wait.
    pub fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait / 2 + self.part(wait / 2)
    }

    /// The wait for a server that asked for `least`: longer by up to a half, and never
    /// shorter than the next wait. So the client does not ask a server that stops again
    /// and again too often.
    pub fn after(&mut self, least: Duration) -> Duration {
        let wait = least + self.part(least / 2);
        wait.max(self.next())
    }

    /// Begins again with the first wait.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.longest);
    }

    /// A connection that held for this long does not belong to the same outage.
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// A random part of `whole`.
    fn part(&mut self, whole: Duration) -> Duration {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.random;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^= it >> 31;
        // 16 bits are fine enough.
        whole / (1 << 16) * u32::from((it >> 48) as u16)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(15);

    proptest! {
        #[test]
        fn waits_double_up_to_the_longest_and_vary_by_half(seed in any::<u64>()) {
            let mut backoff = Backoff::new(FIRST, LONGEST, seed);
            for whole in [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] {
                let whole = Duration::from_millis(whole);
                let wait = backoff.next();
                prop_assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
            }
            backoff.reset();
            prop_assert!(backoff.next() <= FIRST);
        }

        #[test]
        fn no_one_comes_before_the_server_asked_for_it(seed in any::<u64>(), ms in 0..100_000_u64) {
            let least = Duration::from_millis(ms);
            let wait = Backoff::new(FIRST, LONGEST, seed).after(least);
            prop_assert!(wait >= least && wait <= FIRST.max(least * 3 / 2));
        }
    }

    #[test]
    fn a_server_that_always_stops_and_asks_for_no_wait_is_left_alone_ever_longer() {
        let mut backoff = Backoff::new(FIRST, LONGEST, 1);
        let last = (0..10).map(|_| backoff.after(Duration::ZERO)).last();
        assert!(last >= Some(LONGEST / 2), "{last:?}");
    }

    #[test]
    fn two_clients_do_not_wait_alike() {
        let wait = |seed| Backoff::new(FIRST, LONGEST, seed).next();
        let waits: std::collections::HashSet<_> = (0..100).map(wait).collect();
        assert!(waits.len() > 90);
    }
}
