//! Names: what is left of a wanted one, and which ones look the same.

mod delimiter;
mod joiner;
mod looks;
#[cfg(test)]
mod tests;

use icu_properties::props::GeneralCategoryGroup;
use unicode_normalization::UnicodeNormalization;

pub use self::looks::Looks;

use self::delimiter::is_delimiter;
use super::character::{Marks, category, is_visible};

/// The most characters (Unicode scalar values) a name has.
pub const NAME_LIMIT: usize = 32;

/// The most characters (Unicode scalar values) the name of a room has.
pub const ROOM_NAME_LIMIT: usize = 64;

/// The name of a member who gave none.
pub const DEFAULT_NAME: &str = "USR";

/// The name by which the server itself speaks; no member can have it.
pub const SERVER_NAME: &str = "SERVER";

/// Of a wanted name, no more characters (Unicode scalar values) than this are
/// looked at, so that a long one costs no more than a short one: enough for
/// [`ROOM_NAME_LIMIT`] and for what is dropped before and between.
const WANTED_LIMIT: usize = 256;

/// The most marks in a row that a name keeps on one character: more than four are
/// no writing (Unicode Technical Standard 39, section 5.4), and paint over the
/// lines around the name.
const MARKS_LIMIT: usize = 4;

/// How often a name is gone through at most. What is dropped in one turn can leave a
/// joiner without what it joined, or put together two characters that compose; the
/// second turn finds nothing for nearly every name.
const TURNS: usize = 4;

/// What can be kept of `wanted` as a name, or `None` if nothing can.
///
/// Control, formatting and other invisible characters, `:` and double quotes are
/// dropped (the text door writes `name: text`, and quotes names); joiners stay where
/// writing needs them. White space is trimmed and becomes single spaces, of marks in
/// a row four are kept, and the rest is cut to [`NAME_LIMIT`].
#[must_use]
pub fn clean_name(wanted: &str) -> Option<String> {
    clean(wanted, is_delimiter, NAME_LIMIT)
}

/// What can be kept of `wanted` as the name of a room, or `None` if nothing can:
/// as [`clean_name`], but with `:` and quotes and up to [`ROOM_NAME_LIMIT`].
#[must_use]
pub fn clean_room_name(wanted: &str) -> Option<String> {
    clean(wanted, |_, _| false, ROOM_NAME_LIMIT)
}

/// Looks at [`WANTED_LIMIT`] characters of `wanted` at most. `drops` tells which
/// ones are to go, by the text and the place in it.
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
    // First dropped, then composed: what is dropped may stand between two
    // characters that compose.
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
        // A mark needs something to stand on.
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

/// The name that someone who wants `wanted` gets while nobody has it:
/// [`DEFAULT_NAME`] for an empty one and for one that looks like the server's.
#[must_use]
pub fn name_or_default(wanted: &str) -> String {
    WantedName::of(wanted).name
}

/// A name that a newcomer gets while nobody has it, and what it is compared by.
///
/// Making one takes the same bounded time however long the text is that a peer
/// sent, so it is made before the lock of a room is taken, and the room only
/// compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedName {
    name: String,
    looks: Looks,
}

impl WantedName {
    /// The name for someone who wants `wanted`: [`DEFAULT_NAME`] for an empty one
    /// and for one that a person could take for the server's.
    #[must_use]
    pub fn of(wanted: &str) -> Self {
        let name = clean_name(wanted).filter(|name| !looks::is_servers(name));
        let name = name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
        let looks = Looks::of(&name);
        Self { name, looks }
    }

    /// The clean name, of 1 to [`NAME_LIMIT`] characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What the name is compared by.
    #[must_use]
    pub const fn looks(&self) -> &Looks {
        &self.looks
    }
}
