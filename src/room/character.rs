//! Properties of characters that names and texts need: whether one can be seen, and
//! whether it is drawn over its neighbours.

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether a character can be seen.
///
/// Characters of private use, and those newer than the tables of this program, count as
/// visible: their sender sees something there. White space does not.
pub(super) fn is_visible(c: char) -> bool {
    use GeneralCategory as Category;
    // Symbols that look like nothing: the blank Braille pattern, the object replacement
    // character, the null notehead, a Khitan filler.
    const BLANK: [char; 4] = ['\u{2800}', '\u{fffc}', '\u{1d159}', '\u{16fe4}'];
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    if c.is_whitespace()
        || BLANK.contains(&c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
    {
        return false;
    }
    match category(c) {
        Category::Control | Category::LineSeparator | Category::ParagraphSeparator => false,
        // The number signs of Arabic and others are drawn.
        Category::Format => CodePointSetData::new::<PrependedConcatenationMark>().contains(c),
        _ => true,
    }
}

/// The general category of a character (Unicode Standard, section 4.5).
pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Whether a mark can be among the characters around `c`: none is in Latin 1, among
/// ideographs and Korean syllables, or beside U+FFFD. So most texts need no table lookup.
const fn may_be_mark(c: char) -> bool {
    !matches!(
        c,
        ..'\u{300}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{fff0}'..='\u{ffff}'
    )
}

/// Counts the marks on one character, so that many of them do not paint over the lines
/// around it.
#[derive(Debug, Default)]
pub(super) struct Marks(usize);

impl Marks {
    /// Whether to keep `c`, the next character, if a row may have at most `limit` marks.
    /// An invisible character between marks does not end their row.
    pub(super) fn keeps(&mut self, c: char, limit: usize) -> bool {
        use GeneralCategory as Category;
        let is_mark = may_be_mark(c)
            && matches!(
                category(c),
                Category::NonspacingMark | Category::EnclosingMark
            )
            && is_visible(c);
        if is_mark {
            self.0 += 1;
            return self.0 <= limit;
        }
        if self.0 > 0 && (c.is_whitespace() || is_visible(c)) {
            self.0 = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_is_taken_for_none() {
        let marks = ('\0'..=char::MAX).filter(|c| {
            use GeneralCategory as Category;
            matches!(
                category(*c),
                Category::NonspacingMark | Category::EnclosingMark
            )
        });
        assert!(marks.into_iter().all(may_be_mark));
    }

    #[test]
    fn new_and_private_characters_are_seen() {
        // Private use in all three planes, and code points reserved for a future emoji
        // and ideograph.
        for c in [
            '\u{e000}',
            '\u{f8ff}',
            '\u{f0000}',
            '\u{10fffd}',
            '\u{1fafd}',
            '\u{3fffd}',
        ] {
            assert!(is_visible(c), "{c:?}");
        }
        // Arabic number sign, Syriac abbreviation mark.
        assert!(is_visible('\u{600}') && is_visible('\u{70f}'));
    }

    #[test]
    fn characters_that_look_like_nothing_are_not_seen() {
        for c in [
            ' ',
            '\t',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200f}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2065}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fdd0}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{fffc}',
            '\u{ffff}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0020}',
            '\u{e0100}',
            '\u{e0fff}',
            '\u{10ffff}',
        ] {
            assert!(!is_visible(c), "{c:?}");
        }
    }
}
