//! Owned copies of frames with clean names and texts: whatever a server sent, nothing in
//! them can act on a terminal or a label.

use std::borrow::Cow;

use crate::room::{DEFAULT_NAME, LINES_LIMIT, TEXT_LIMIT, clean_name, clean_room_name, clean_text};

/// A frame that can outlive the line that it was read from. (The name differs from
/// `into_owned`, which [`Entry`](crate::room::Entry) has too and which cleans nothing.)
pub trait IntoClean {
    /// The same frame, owned.
    type Owned;

    /// Copies the frame, and cleans its names and texts.
    fn into_clean(self) -> Self::Owned;
}

/// A number, a time or a code.
pub(super) fn same<T>(value: T) -> T {
    value
}

/// A content within the content.
pub(super) fn content<T: IntoClean>(content: T) -> T::Owned {
    content.into_clean()
}

pub(super) fn contents<T: IntoClean>(contents: Vec<T>) -> Vec<T::Owned> {
    contents.into_iter().map(T::into_clean).collect()
}

/// A code or an id of the protocol, which no person sees.
pub(super) fn word(word: Cow<'_, str>) -> Cow<'static, str> {
    word.into_owned().into()
}

pub(super) fn word_if_any(it: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    it.map(word)
}

pub(super) fn words(words: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
    words.into_iter().map(word).collect()
}

/// A member's name.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn name(name: Cow<'_, str>) -> Cow<'static, str> {
    clean_name(&name).map_or(DEFAULT_NAME.into(), Into::into)
}

pub(super) fn names(names: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
    names.into_iter().map(name).collect()
}

/// The name of a room, or an address.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn line(line: Cow<'_, str>) -> Cow<'static, str> {
    clean_room_name(&line).unwrap_or_default().into()
}

pub(super) fn line_if_any(it: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    it.map(line)
}

pub(super) fn lines(lines: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
    lines.into_iter().map(line).collect()
}

/// A clean copy of words that the server sent for a person, cut if they are too long.
#[must_use]
pub fn clean_sentence(words: Cow<'_, str>) -> Cow<'static, str> {
    text(words)
}

/// A text of a member or the server, cut if it is too long.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    let text = clean_text(&text);
    match cut(&text) {
        Some(cut) => format!("{cut}…").into(),
        None => text.into_owned().into(),
    }
}

/// The most characters and lines that a reader accepts of a text from a server: several
/// times as many as a server of this version accepts.
const LONGEST: (usize, usize) = (4 * TEXT_LIMIT, 4 * LINES_LIMIT);

/// The part of `text` that the reader accepts, if `text` is too long.
fn cut(text: &str) -> Option<&str> {
    let (characters, lines) = LONGEST;
    let by_characters = text.char_indices().nth(characters).map(|(end, _)| end);
    let by_lines = text.match_indices('\n').nth(lines - 1).map(|(end, _)| end);
    let end = by_characters.into_iter().chain(by_lines).min()?;
    Some(&text[..end])
}
