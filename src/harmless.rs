//! Text that does nothing on a terminal, for tests and the fuzz targets.

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
#[cfg(feature = "cli")]
pub(crate) fn assert_harmless_bytes(bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => assert_harmless(text),
        Err(error) => panic!("{error} in {bytes:?}"),
    }
}
