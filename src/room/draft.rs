//! A message that a member wants to send, prepared before the room is locked.

use std::borrow::Cow;

use super::outcome::NotSaid;
use super::rules::MESSAGE_ID_LIMIT;
use super::text::{clean_text, fits, is_blank};

/// A message that a member wants to send: its text is clean, and already checked.
///
/// Making one takes time in proportion to the peer's input, so the server makes it before
/// it locks the room. The room only uses the result.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    id: Option<Cow<'a, str>>,
    text: Result<Cow<'a, str>, NotSaid>,
}

impl<'a> Draft<'a> {
    /// The message `text` with the id that its sender gave to it, if any.
    #[must_use]
    pub fn new(id: Option<&'a str>, text: &'a str) -> Self {
        let text = clean_text(text);
        let text = if is_blank(&text) {
            Err(NotSaid::Empty)
        } else if fits(&text) {
            Ok(text)
        } else {
            Err(NotSaid::TooLong)
        };
        Self {
            id: id.map(Cow::Borrowed),
            text,
        }
    }

    /// The same draft, which borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Draft<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Draft {
            id: self.id.map(owned),
            text: self.text.map(owned),
        }
    }

    /// The id, if there is one.
    ///
    /// # Errors
    /// If it is empty or longer than [`MESSAGE_ID_LIMIT`] bytes.
    pub(super) fn id(&self) -> Result<Option<&str>, NotSaid> {
        match self.id.as_deref() {
            Some(id) if id.is_empty() || id.len() > MESSAGE_ID_LIMIT => Err(NotSaid::BadId),
            id => Ok(id),
        }
    }

    /// The clean text.
    ///
    /// # Errors
    /// If nothing is left of it, or it is too long.
    pub(super) fn text(&self) -> Result<&str, NotSaid> {
        self.text.as_deref().map_err(|why| *why)
    }

    /// The number of bytes of text to send; 0 if the room would reject it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len())
    }
}
