//! Wraps lines to the width of a terminal.
//!
//! A terminal continues a long line at the start of its next row, where spaces in the
//! text can make the rest look like a line of its own. This module wraps the lines
//! itself, and indents the continuation.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// The indent of the continuation of a wrapped line.
const INDENT: &str = "    ";

/// A terminal that is narrower than this many columns, or does not report its width, gets
/// lines unchanged.
const NARROW: usize = 20;

/// The columns between two tabulator stops.
const TAB: usize = 8;

/// Begins a part of a line that is not wrapped: a link, which people copy. Text from others
/// has no such character.
pub(super) const UNBROKEN: char = '\u{1e}';

/// Wraps every line of `lines` to `columns`, and replaces tabs with spaces.
pub(super) fn wrap(lines: &str, columns: usize) -> String {
    if columns < NARROW {
        return lines.replace(UNBROKEN, "");
    }
    let mut out = String::with_capacity(lines.len());
    let mut column = 0;
    let mut chars = lines.chars();
    while let Some(c) = chars.next() {
        // A change of colour, which is ours: text from others has no such character.
        if c == '\u{1b}' {
            out.push(c);
            for c in chars.by_ref() {
                out.push(c);
                if c == 'm' {
                    break;
                }
            }
            continue;
        }
        if c == UNBROKEN {
            let rest = chars.as_str();
            let (unbroken, rest) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
            out.push_str(unbroken);
            chars = rest.chars();
            continue;
        }
        if c == '\n' {
            out.push(c);
            column = 0;
            continue;
        }
        let (c, times) = match c {
            '\t' => (' ', TAB - column % TAB),
            c => (c, 1),
        };
        for _ in 0..times {
            let width = width(c);
            if column + width > columns {
                out.push('\n');
                out.push_str(INDENT);
                column = INDENT.len();
            }
            out.push(c);
            column += width;
        }
    }
    out
}

/// The most columns that a terminal may use for a character. Terminals disagree; to wrap
/// a line too early does no harm.
fn width(c: char) -> usize {
    match c.width().unwrap_or(0) {
        // Selects the wide form of the character before it.
        _ if c == '\u{fe0f}' => 1,
        0 if !is_mark(c) => 1,
        width => width,
    }
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_take_no_columns() {
        let line = format!("\u{1b}[32m{}\u{1b}[0m\n", "x".repeat(20));
        assert_eq!(wrap(&line, 20), line);
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(wrap("a\n\nbc\n", 20), "a\n\nbc\n");
        let full = "x".repeat(20) + "\n";
        assert_eq!(wrap(&full, 20), full);
        assert_eq!(wrap(&full, 0), full);
    }

    #[test]
    fn nothing_begins_a_row_but_the_start_of_a_line() {
        let forged = format!("eve: {}SERVER: closed\n", " ".repeat(15));
        assert_eq!(
            wrap(&forged, 20),
            format!("eve: {}\n    SERVER: closed\n", " ".repeat(15))
        );
        assert_eq!(
            wrap("eve:\t\t\tSERVER: bye\n", 20),
            format!("eve: {}\n        SERVER: bye\n", " ".repeat(15))
        );
    }

    #[test]
    fn characters_take_the_room_that_they_need() {
        assert_eq!(wrap(&"語".repeat(11), 20), "語".repeat(10) + "\n    語");
        // Of a decomposed letter only the base takes a column.
        assert_eq!(wrap(&"e\u{301}".repeat(20), 20), "e\u{301}".repeat(20));
        assert_eq!(
            wrap(&"\u{2764}\u{fe0f}".repeat(11), 20),
            "\u{2764}\u{fe0f}".repeat(10) + "\n    \u{2764}\u{fe0f}"
        );
    }

    proptest! {
        #[test]
        fn no_row_is_too_wide_and_nothing_is_lost(
            text in "[a\t é語\u{301}\u{ad}\u{200d}👩❤\u{fe0f}\n]{0,200}",
            columns in 20_usize..40,
        ) {
            let wrapped = wrap(&text, columns);
            for row in wrapped.split('\n') {
                prop_assert!(row.chars().map(width).sum::<usize>() <= columns);
            }
            let solid = |text: &str| -> String {
                text.chars().filter(|c| !c.is_whitespace()).collect()
            };
            prop_assert_eq!(solid(&wrapped), solid(&text));
        }
    }
}
