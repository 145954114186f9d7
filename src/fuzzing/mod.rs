//! The functions that the fuzz targets in `fuzz/` call: one for each place at which bytes
//! come in from outside. Each asserts what must hold for any bytes.
//!
//! A plain test replays the corpora in `fuzz/corpus` as well, so no fault that was found
//! once comes back.

#[cfg(all(feature = "cli", feature = "store"))]
mod files;
#[cfg(feature = "cli")]
mod hearing;
mod names;
mod protocol;

#[cfg(all(test, feature = "cli", feature = "store"))]
mod corpus;

use crate::server::fuzzing::session;
#[cfg(feature = "cli")]
use crate::terminal::fuzzing::journal;

/// A function that asserts what must hold for these bytes.
pub type Check = fn(&[u8]);

/// The targets by name. Each has a file in `fuzz/fuzz_targets`, and a corpus.
pub const TARGETS: &[(&str, Check)] = &[
    ("address", protocol::address),
    #[cfg(all(feature = "cli", feature = "store"))]
    ("config", files::config),
    ("door", protocol::door),
    ("frames", protocol::frames),
    #[cfg(feature = "cli")]
    ("inbox", hearing::inbox),
    #[cfg(feature = "cli")]
    ("journal", journal),
    ("lines", protocol::lines),
    ("names", names::names),
    #[cfg(all(feature = "cli", feature = "store"))]
    ("saved_state", files::saved_state),
    ("session", session),
    #[cfg(all(feature = "cli", feature = "store"))]
    ("store", files::store),
    ("text", protocol::text),
];

/// Passes `data` to the target with this name.
///
/// # Panics
/// If there is no such target, or an assertion fails.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.unwrap_or_else(|| panic!("there is no target {target:?}"));
    check(data);
}

/// Cuts `bytes` into pieces whose lengths follow from `seed`: the result of reading a
/// stream must not depend on how it was cut.
pub(crate) fn pieces(bytes: &[u8], seed: usize) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut seed) = (bytes, seed as u64);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // A linear congruential generator (Knuth, MMIX): any spread will do.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let length = usize::try_from(seed >> 59).unwrap_or(0) + 1;
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        Some(piece)
    })
}
