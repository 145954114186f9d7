//! Texts: what is kept of what someone says.

use std::borrow::Cow;

/// The most characters (Unicode scalar values) a text has.
pub const TEXT_LIMIT: usize = 4_000;

/// The most bytes a text within [`TEXT_LIMIT`] can take in UTF-8.
pub const TEXT_LIMIT_BYTES: usize = TEXT_LIMIT * 4;

/// What is kept of a text: all of it but control characters, other than line
/// breaks and tabs, and bidirectional overrides.
///
/// Line breaks of every kind (`\r\n`, `\r`, U+2028, U+2029) become `\n`, and
/// those at the end go. A text with nothing left is empty.
#[must_use]
pub fn clean_text(said: &str) -> Cow<'_, str> {
    let said = said.trim_end_matches(['\n', '\r']);
    if said
        .bytes()
        .all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\n'))
    {
        return Cow::Borrowed(said);
    }
    let mut text = String::with_capacity(said.len());
    let mut characters = said.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    text.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' => text.push('\n'),
            c if is_unwelcome(c) => {}
            c => text.push(c),
        }
    }
    let end = text.trim_end_matches('\n').len();
    text.truncate(end);
    Cow::Owned(text)
}

/// Whether a character could act on a terminal or turn the order of a line
/// around: C0 and C1 controls and bidirectional embeddings, overrides and
/// isolates.
fn is_unwelcome(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_text_is_kept_as_it_is() {
        assert!(matches!(
            clean_text("hello\tthere\nyou"),
            Cow::Borrowed("hello\tthere\nyou")
        ));
        assert_eq!(clean_text("žluťoučký 👩‍👩‍👧 می‌خواهم"), "žluťoučký 👩‍👩‍👧 می‌خواهم");
    }

    #[test]
    fn line_breaks_become_one_kind_and_go_at_the_end() {
        assert_eq!(
            clean_text("a\r\nb\rc\u{2028}d\u{2029}é\r\n\r\n"),
            "a\nb\nc\nd\né"
        );
        assert_eq!(clean_text("\n\n"), "");
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_kept() {
        assert_eq!(
            clean_text("\u{1b}]52;c;aGk=\u{7}x\u{9b}31m\0\u{7f}"),
            "]52;c;aGk=x31m"
        );
        assert_eq!(clean_text("a\u{202e}b\u{2066}c"), "abc");
    }

    proptest! {
        #[test]
        fn any_text_is_clean_and_stays_so(said in any::<String>()) {
            let text = clean_text(&said).into_owned();
            prop_assert!(!text.chars().any(is_unwelcome));
            prop_assert!(!text.ends_with('\n'));
            prop_assert_eq!(clean_text(&text), text.as_str());
        }
    }
}
