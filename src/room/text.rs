//! Cleans the texts of messages, and checks their limits.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::character::{Marks, is_visible};

/// The most characters (Unicode scalar values) in a text.
pub const TEXT_LIMIT: usize = 4_000;

/// The most lines in a text. The text door writes the sender's name before each.
pub const LINES_LIMIT: usize = 100;

/// The most bytes a text within [`TEXT_LIMIT`] can take in UTF-8.
pub const TEXT_LIMIT_BYTES: usize = TEXT_LIMIT * 4;

/// The most marks that a text keeps in a row on one character. The highest stacks of
/// letters in real writing, Sanskrit in Tibetan letters, have eight; more would paint
/// over the lines around them.
const MARKS_LIMIT: usize = 8;

/// `said` without control characters (other than line breaks and tabs), bidirectional
/// overrides, and marks beyond eight in a row.
///
/// Line breaks of every kind (`\r\n`, `\r`, U+2028, U+2029) become `\n`, and this removes
/// those at the end. A text with nothing left is empty.
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
    let mut marks = Marks::default();
    let mut characters = said.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    text.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' => text.push('\n'),
            c if is_unwelcome(c) || !marks.keeps(c, MARKS_LIMIT) => {}
            c => text.push(c),
        }
    }
    let end = text.trim_end_matches('\n').len();
    text.truncate(end);
    Cow::Owned(text)
}

/// Whether a clean text contains nothing but white space and invisible characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Whether a clean text keeps to [`TEXT_LIMIT`] and [`LINES_LIMIT`].
#[must_use]
pub fn fits(text: &str) -> bool {
    // A character takes a byte at least: counting is needed only for longer texts.
    (text.len() <= TEXT_LIMIT || text.chars().count() <= TEXT_LIMIT)
        && (text.len() < LINES_LIMIT || memchr_iter(b'\n', text.as_bytes()).count() < LINES_LIMIT)
}

/// Whether a character could act on a terminal or reverse the order of a line: C0 and C1
/// controls and bidirectional embeddings, overrides and isolates.
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

    #[test]
    fn a_heap_of_marks_is_cut_and_writing_is_not() {
        let heap = format!("a{}b", "\u{301}\u{200b}".repeat(100));
        let kept = clean_text(&heap).matches('\u{301}').count();
        assert_eq!(kept, 8);
        // Hebrew with points and accents, Vietnamese, and the highest real stack.
        for written in ["בְּרֵאשִׁ֖ית", "ti\u{302}\u{301}ng", "ཧྐྵྨླྺྼྻྂ"]
        {
            assert_eq!(clean_text(written), written);
        }
    }

    #[test]
    fn a_text_keeps_to_its_limits_in_characters_and_in_lines() {
        assert!(fits(&"é".repeat(4_000)) && !fits(&"é".repeat(4_001)));
        assert!(fits(&"x\n".repeat(99)) && !fits(&"x\n".repeat(100)));
    }

    #[test]
    fn a_text_of_nothing_that_can_be_seen_is_blank() {
        assert!(is_blank("") && is_blank(" \n\t") && is_blank("\u{200b}\u{200d}\u{a0}"));
        assert!(!is_blank(".") && !is_blank("\u{200b}é") && !is_blank("😀"));
    }

    #[test]
    fn a_text_of_what_only_its_sender_can_see_is_not_blank() {
        // Private use, an unassigned emoji, and a mark alone.
        assert!(!is_blank("\u{e000}") && !is_blank("\u{1fafd}") && !is_blank("\u{301}"));
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
