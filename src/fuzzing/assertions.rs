//! What must hold for any bytes, and a way to cut them: for the targets and for the parts of
//! the program that they call.

/// Whether a character acts on a terminal or reverses the order of a line: C0 and C1
/// controls, and bidirectional embeddings, overrides and isolates. This list repeats the
/// one in the program, so that a mistake in one shows in the other.
fn acts(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Asserts that this is harmless on a terminal: no character acts on it except line
/// breaks and tabs.
pub(crate) fn assert_harmless(text: &str) {
    let found = text.chars().find(|c| acts(*c) && !matches!(c, '\n' | '\t'));
    assert_eq!(found, None, "in {text:?}");
}

/// As [`assert_harmless`], for a single line.
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
