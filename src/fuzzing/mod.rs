//! What the fuzz targets in `fuzz/` call: a function for each place where bytes come
//! in from outside, which asserts what must hold whatever they are.
//!
//! The corpora in `fuzz/corpus` are replayed by a plain test as well, so nothing that
//! was found once comes back.

mod files;
mod hearing;
mod names;
mod wire;

#[cfg(test)]
mod corpus;

use crate::server::fuzzing::session;
use crate::terminal::fuzzing::journal;

/// Asserts what must hold of these bytes.
pub type Check = fn(&[u8]);

/// The targets by name. Each has a file in `fuzz/fuzz_targets`, and a corpus.
pub const TARGETS: [(&str, Check); 12] = [
    ("address", wire::address),
    ("config", files::config),
    ("door", wire::door),
    ("frames", wire::frames),
    ("inbox", hearing::inbox),
    ("journal", journal),
    ("lines", wire::lines),
    ("names", names::names),
    ("saved_state", files::saved_state),
    ("session", session),
    ("store", files::store),
    ("text", wire::text),
];

/// Hands `data` to the target of this name.
///
/// # Panics
/// If there is no such target, or something does not hold that must.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.unwrap_or_else(|| panic!("there is no target {target:?}"));
    check(data);
}

/// Whether a character acts on a terminal or turns the order of a line around: C0 and
/// C1 controls, and bidirectional embeddings, overrides and isolates. Written down here
/// once more, so that a mistake in the one place is found by the other.
fn acts(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Asserts that a terminal can be shown this: nothing in it acts, but line breaks and
/// tabs.
pub(crate) fn assert_harmless(text: &str) {
    let found = text.chars().find(|c| acts(*c) && !matches!(c, '\n' | '\t'));
    assert_eq!(found, None, "in {text:?}");
}

/// As [`assert_harmless`], for what is one line.
pub(crate) fn assert_harmless_line(text: &str) {
    let found = text.chars().find(|c| acts(*c));
    assert_eq!(found, None, "in {text:?}");
}

/// As [`assert_harmless`], for bytes.
pub(crate) fn assert_harmless_bytes(bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => assert_harmless(text),
        Err(error) => panic!("{error} in {bytes:?}"),
    }
}

/// Cuts `bytes` into pieces whose lengths follow from `seed`: what comes of a stream
/// must not depend on how it was cut.
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
