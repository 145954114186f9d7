//! Invisible characters that a name needs to read correctly: joiners, and selectors
//! between the forms of a character.

use icu_properties::props::{
    CanonicalCombiningClass, Emoji, EmojiModifier, EmojiModifierBase, ExtendedPictographic,
    JoiningType, Script, UnifiedIdeograph,
};
use icu_properties::{CodePointMapData, CodePointSetData};

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const MONGOLIAN_VOWEL_SEPARATOR: char = '\u{180e}';
const TEXT_STYLE: char = '\u{fe0e}';
const PICTURE_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_END: char = '\u{e007f}';

/// The most tags between the black flag and their end: the number of letters in a region
/// code of Unicode Technical Standard 35.
const TAGS: usize = 6;

/// Whether writing needs this invisible character in some place.
pub(super) fn may_be_needed(c: char) -> bool {
    matches!(
        c,
        ZERO_WIDTH_NON_JOINER
            | ZERO_WIDTH_JOINER
            | MONGOLIAN_VOWEL_SEPARATOR
            | TEXT_STYLE
            | PICTURE_STYLE
            | TAG_END
    ) || is_ideographic_variant(c)
        || is_mongolian_variant(c)
        || is_tag(c)
}

/// Whether writing needs this invisible character at `at` in `text`.
pub(super) fn is_needed(text: &[char], at: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + 1..]);
    match text[at] {
        // RFC 5892, appendix A.1.
        ZERO_WIDTH_NON_JOINER => follows_virama(before) || parts_joined(before, after),
        // RFC 5892, appendix A.2, and pictures that form one emoji together (Unicode
        // Technical Standard 51, ED-16).
        ZERO_WIDTH_JOINER => follows_virama(before) || joins_pictures(before, after),
        // UTS 51, ED-8a, ED-9a and, for digits, ED-14c.
        TEXT_STYLE => before.last().is_some_and(|c| is_emoji(*c) && !c.is_ascii()),
        PICTURE_STYLE => before
            .last()
            .is_some_and(|c| is_emoji(*c) && (!c.is_ascii() || after.first() == Some(&KEYCAP))),
        MONGOLIAN_VOWEL_SEPARATOR => is_mongolian(before.last()) && is_mongolian(after.first()),
        c if is_ideographic_variant(c) => before
            .last()
            .is_some_and(|c| CodePointSetData::new::<UnifiedIdeograph>().contains(*c)),
        c if is_mongolian_variant(c) => {
            is_mongolian(before.last()) && !before.last().copied().is_some_and(is_mongolian_variant)
        }
        c if is_tag(c) || c == TAG_END => is_flag(text, at),
        _ => false,
    }
}

/// Whether `before` ends with a virama, the sign that removes the vowel of a letter in an
/// Indian script.
fn follows_virama(before: &[char]) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new();
    before
        .last()
        .is_some_and(|c| class.get(*c) == CanonicalCombiningClass::Virama)
}

/// Whether the letters on both sides would be written as one.
fn parts_joined(before: &[char], after: &[char]) -> bool {
    use JoiningType as Type;
    let joining = CodePointMapData::<Type>::new();
    let is_letter = |kind: &Type| *kind != Type::Transparent;
    let left = before.iter().rev().map(|c| joining.get(*c)).find(is_letter);
    let right = after.iter().map(|c| joining.get(*c)).find(is_letter);
    matches!(left, Some(Type::LeftJoining | Type::DualJoining))
        && matches!(right, Some(Type::RightJoining | Type::DualJoining))
}

/// Whether an emoji stands on both sides, the first one perhaps with a skin tone or an
/// emoji selector.
fn joins_pictures(before: &[char], after: &[char]) -> bool {
    let is_picture = |c: &char| CodePointSetData::new::<ExtendedPictographic>().contains(*c);
    let left = match before {
        [.., picture, PICTURE_STYLE] => is_picture(picture),
        [.., person, skin] if CodePointSetData::new::<EmojiModifier>().contains(*skin) => {
            CodePointSetData::new::<EmojiModifierBase>().contains(*person)
        }
        [.., picture] => is_picture(picture),
        [] => false,
    };
    left && after.first().is_some_and(is_picture)
}

fn is_emoji(c: char) -> bool {
    CodePointSetData::new::<Emoji>().contains(c)
}

/// A selector of a variant of an ideograph, as in the names of people and places (Unicode
/// Technical Standard 37), and of compatibility ideographs.
const fn is_ideographic_variant(c: char) -> bool {
    matches!(c, '\u{e0100}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe02}')
}

const fn is_mongolian_variant(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}')
}

fn is_mongolian(c: Option<&char>) -> bool {
    let script = CodePointMapData::<Script>::new();
    c.is_some_and(|c| script.get(*c) == Script::Mongolian)
}

/// A letter or a digit in the region of a flag.
const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

/// Whether the character at `at` belongs to a black flag, the tags with its region, and
/// their end (UTS 51, ED-14a).
fn is_flag(text: &[char], at: usize) -> bool {
    let tags_before = text[..at].iter().rev().take_while(|c| is_tag(**c)).count();
    let tags = &text[at - tags_before..];
    let count = tags.iter().take_while(|c| is_tag(**c)).count();
    (1..=TAGS).contains(&count)
        && tags.get(count) == Some(&TAG_END)
        && text[..at - tags_before].last() == Some(&BLACK_FLAG)
}
