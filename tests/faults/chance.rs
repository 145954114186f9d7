//! Random numbers that a seed reproduces, and the amount of work in a test.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A random number generator (`SplitMix64`): the same seed gives the same numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, but not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % end as u64).unwrap()
    }

    /// A time of up to this many milliseconds.
    pub fn pause(&mut self, most: usize) -> Duration {
        Duration::from_micros(self.below(most * 1_000) as u64)
    }

    /// Another, independent generator.
    pub fn another(&mut self) -> Self {
        Self(self.bits())
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

/// The generator of a test, with the seed in `CHATROOM_SEED`, or a new seed each time.
/// This prints the seed, so that it is in the output of a failure.
pub fn chance() -> Chance {
    let seed = env::var("CHATROOM_SEED").map_or_else(
        |_| RandomState::new().hash_one(0),
        |seed| seed.parse().unwrap(),
    );
    println!("CHATROOM_SEED={seed}");
    Chance(seed)
}

/// The amount of work: less in a test than in a soak.
pub fn amount(test: u64, soak: u64) -> u64 {
    if is_soak() { soak } else { test }
}

pub fn is_soak() -> bool {
    env::var_os("CHATROOM_SOAK").is_some()
}
