//! The bound on the text in the composer.
//!
//! GTK lays a line out as a whole, in a time that grows with the square of its length:
//! 60,000 letters without a break would block the window for seconds, and so would every
//! key pressed in them. So the composer holds a little more than a message may have,
//! enough for cutting a text down in it, and no more than that.

use crate::room::{LINES_LIMIT, TEXT_LIMIT, clean_text};

/// The most characters (Unicode scalar values) in the composer.
pub const MOST_CHARACTERS: usize = TEXT_LIMIT + TEXT_LIMIT / 4;

/// The most lines in the composer.
pub const MOST_LINES: usize = LINES_LIMIT + LINES_LIMIT / 4;

/// The size of a text, in characters and in line breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub characters: usize,
    pub breaks: usize,
}

impl Size {
    /// The size of `text`.
    pub fn of(text: &str) -> Self {
        text.chars().fold(Self::default(), |size, c| Self {
            characters: size.characters + 1,
            breaks: size.breaks + usize::from(is_break(c)),
        })
    }

    /// Whether the composer holds this and `more`.
    pub fn has_room_for(self, more: Self) -> bool {
        self.characters.saturating_add(more.characters) <= MOST_CHARACTERS
            && self.breaks.saturating_add(more.breaks) < MOST_LINES
    }

    /// The size without a part of the text.
    pub fn without(self, part: Self) -> Self {
        Self {
            characters: self.characters.saturating_sub(part.characters),
            breaks: self.breaks.saturating_sub(part.breaks),
        }
    }
}

/// Whether GTK begins a line after this character; both halves of a `\r\n` count.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2029}')
}

/// By how much a text is too long for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The number of characters over the limit.
    Characters(usize),
    /// The number of lines over the limit.
    Lines(usize),
}

/// By how much `text` is too long, if a message has at most `limit` characters.
pub fn excess(text: &str, limit: usize) -> Option<Excess> {
    let size = Size::of(&clean_text(text));
    let characters = size.characters.saturating_sub(limit);
    let lines = (size.breaks + 1).saturating_sub(LINES_LIMIT);
    match (characters, lines) {
        (0, 0) => None,
        (0, lines) => Some(Excess::Lines(lines)),
        (characters, _) => Some(Excess::Characters(characters)),
    }
}

/// Splits a draft into the part that the composer shows and the part that follows when
/// the first one is sent. A draft can be longer than the composer, because it also has
/// the messages that were unsent when the app ended. The split is at the end of a line,
/// if there is one, else at a space.
pub fn parted(draft: &str) -> (&str, &str) {
    if Size::default().has_room_for(Size::of(draft)) {
        return (draft, "");
    }
    let mut breaks = 0;
    let mut end = draft.len();
    for (number, (place, c)) in draft.char_indices().enumerate() {
        breaks += usize::from(is_break(c));
        if number == TEXT_LIMIT || breaks == LINES_LIMIT {
            end = place;
            break;
        }
    }
    let first = &draft[..end];
    let line_end = draft[end..].starts_with('\n').then_some(end);
    let place = line_end
        .or_else(|| first.rfind('\n'))
        .or_else(|| first.rfind(' '))
        .filter(|place| *place > 0);
    match place {
        Some(place) => (&draft[..place], &draft[place + 1..]),
        None => draft.split_at(end),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(characters: usize, breaks: usize) -> Size {
        Size { characters, breaks }
    }

    #[test]
    fn the_composer_holds_a_little_more_than_a_message() {
        let full = size(TEXT_LIMIT, LINES_LIMIT - 1);
        assert!(full.has_room_for(Size::of("a few words too many\n")));
        assert!(!full.has_room_for(size(TEXT_LIMIT, 0)));
        assert!(!full.has_room_for(size(0, LINES_LIMIT)));
        assert!(!Size::default().has_room_for(size(60_000, 0)));
        assert!(size(MOST_CHARACTERS - 1, 0).has_room_for(Size::of("é")));
        assert!(!size(MOST_CHARACTERS, 0).has_room_for(Size::of("é")));
        assert!(!size(0, usize::MAX).has_room_for(size(usize::MAX, 1)));
    }

    #[test]
    fn a_text_too_long_says_by_how_much() {
        assert_eq!(excess(&"é".repeat(4_000), 4_000), None);
        assert_eq!(
            excess(&"é".repeat(4_003), 4_000),
            Some(Excess::Characters(3))
        );
        assert_eq!(excess(&"\n".repeat(200), 4_000), None);
        assert_eq!(
            excess(&"a\n".repeat(101), 4_000),
            Some(Excess::Lines(1)),
            "empty lines at the end do not count"
        );
        assert_eq!(excess("four", 3), Some(Excess::Characters(1)));
    }

    #[test]
    fn a_long_draft_is_parted_where_a_line_ends() {
        assert_eq!(parted("short"), ("short", ""));
        let (a, b) = ("a".repeat(3_000), "b".repeat(3_000));
        assert_eq!(parted(&format!("{a}\n{b}")), (&*a, &*b));
        assert_eq!(parted(&format!("{a} {b}")), (&*a, &*b));
        let draft = "é".repeat(9_000);
        let (first, rest) = parted(&draft);
        assert_eq!(first.chars().count(), TEXT_LIMIT);
        assert_eq!(rest.chars().count(), 5_000);
        let whole = "c".repeat(TEXT_LIMIT);
        let draft = [&*whole; 3].join("\n");
        let (first, rest) = parted(&draft);
        assert_eq!(first, whole);
        assert_eq!(parted(rest).0, whole);
    }

    proptest! {
        #[test]
        fn no_part_of_a_draft_is_lost(lines in prop::collection::vec("[a-é \n]{0,900}", 0..20)) {
            let draft = lines.join("\n");
            let (mut rest, mut parts) = (&*draft, Vec::new());
            while !rest.is_empty() {
                let (first, next) = parted(rest);
                prop_assert!(Size::default().has_room_for(Size::of(first)));
                prop_assert!(next.len() < rest.len());
                parts.push(first);
                rest = next;
            }
            // A line break or a space is between two parts; everything else is in one.
            let letters = |text: &str| text.replace(['\n', ' '], "");
            prop_assert_eq!(letters(&parts.concat()), letters(&draft));
        }
    }
}
