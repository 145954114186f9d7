//! Cleans names, and compares them.

mod confusable;
mod delimiter;
mod joiner;
#[cfg(test)]
mod tests;

use icu_properties::props::GeneralCategoryGroup;
use unicode_normalization::UnicodeNormalization;

pub use self::confusable::ConfusableKey;

use self::delimiter::is_delimiter;
use super::character::{Marks, category, is_visible};

/// The most characters (Unicode scalar values) in a name.
pub const NAME_LIMIT: usize = 32;

/// The most characters (Unicode scalar values) in the name of a room.
pub const ROOM_NAME_LIMIT: usize = 64;

/// The name of a member who gave none.
pub const DEFAULT_NAME: &str = "USR";

/// The name under which the server itself speaks; no member can have it.
pub const SERVER_NAME: &str = "SERVER";

/// The most characters (Unicode scalar values) that cleaning reads of a wanted name, so
/// that a long one costs no more than a short one. It leaves room for dropped characters
/// beside the [`ROOM_NAME_LIMIT`] that stay.
const WANTED_LIMIT: usize = 256;

/// The most marks that a name keeps in a row on one character: no writing has more than
/// four (Unicode Technical Standard 39, section 5.4), and more would paint over the lines
/// around the name.
const MARKS_LIMIT: usize = 4;

/// The most turns of cleaning. One turn can leave a joiner without its neighbour, or
/// bring together two characters that compose. For nearly every name the second turn
/// changes nothing.
const TURNS: usize = 4;

/// The clean name for `wanted`, or `None` if nothing is left of it.
///
/// This drops control, formatting and other invisible characters, `:` and double quotes
/// (the text door writes `name: text`, and quotes names). It keeps joiners where writing
/// needs them. It trims white space and turns it into single spaces, keeps four marks in
/// a row, and cuts the rest to [`NAME_LIMIT`].
#[must_use]
pub fn clean_name(wanted: &str) -> Option<String> {
    clean(wanted, is_delimiter, NAME_LIMIT)
}

/// The clean name of a room for `wanted`, or `None` if nothing is left of it: like
/// [`clean_name`], but with `:` and quotes and up to [`ROOM_NAME_LIMIT`].
#[must_use]
pub fn clean_room_name(wanted: &str) -> Option<String> {
    clean(wanted, |_, _| false, ROOM_NAME_LIMIT)
}

/// Cleans at most [`WANTED_LIMIT`] characters of `wanted`. `drops` selects the characters
/// to drop, by the text and the place in it.
fn clean(wanted: &str, drops: fn(&[char], usize) -> bool, limit: usize) -> Option<String> {
    let keeps = |c: &char| c.is_whitespace() || is_visible(*c) || joiner::may_be_needed(*c);
    let mut name: Vec<char> = wanted.chars().take(WANTED_LIMIT).filter(keeps).collect();
    for _ in 0..TURNS {
        let next = tidy(&name, drops, limit);
        if next == name {
            break;
        }
        name = next;
    }
    (!name.is_empty()).then(|| name.into_iter().collect())
}

/// One turn of cleaning.
fn tidy(text: &[char], drops: fn(&[char], usize) -> bool, limit: usize) -> Vec<char> {
    // Dropping comes before composing: a dropped character may stand between two that
    // compose.
    let kept = (0..text.len()).filter(|at| {
        let c = text[*at];
        let stays = c.is_whitespace() || is_visible(c) || joiner::is_needed(text, *at);
        stays && !drops(text, *at)
    });
    let mut name = Vec::new();
    let mut marks = Marks::default();
    let mut space = false;
    for c in kept.map(|at| text[at]).nfc() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        // A mark needs a character to stand on.
        let stands = !name.is_empty() && !space;
        if (!stands && GeneralCategoryGroup::Mark.contains(category(c)))
            || !marks.keeps(c, MARKS_LIMIT)
        {
            continue;
        }
        let needed = 1 + usize::from(space && !name.is_empty());
        if name.len() + needed > limit {
            break;
        }
        if needed == 2 {
            name.push(' ');
        }
        name.push(c);
        space = false;
    }
    name
}

/// The name that a newcomer gets for `wanted` while it is free: [`DEFAULT_NAME`] for an
/// empty one, and for one that a person could mistake for the server's.
#[must_use]
pub fn name_or_default(wanted: &str) -> String {
    WantedName::of(wanted).name
}

/// A name that a newcomer gets while it is free, with the key for comparing it.
///
/// Making one takes bounded time, however long the peer's text is, so the server makes it
/// before it locks the room. The room only compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedName {
    name: String,
    key: ConfusableKey,
}

impl WantedName {
    /// The name for a newcomer that wants `wanted`, as [`name_or_default`].
    #[must_use]
    pub fn of(wanted: &str) -> Self {
        let name = clean_name(wanted).filter(|name| !confusable::is_servers(name));
        let name = name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
        let key = ConfusableKey::of(&name);
        Self { name, key }
    }

    /// The clean name, of 1 to [`NAME_LIMIT`] characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The key for comparing the name.
    #[must_use]
    pub const fn key(&self) -> &ConfusableKey {
        &self.key
    }
}
