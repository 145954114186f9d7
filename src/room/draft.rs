//! What someone wants to say, made ready before the room is locked.

use std::borrow::Cow;

use super::text::{clean_text, fits, is_blank};
use super::{MESSAGE_ID_LIMIT, NotSaid};

/// What someone wants to say: its text is clean, and known to be of use or not.
///
/// Making one takes time in proportion to what a peer sent, so it is made before the
/// lock of a room is taken. The room only looks at what has come of it.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    id: Option<&'a str>,
    text: Result<Cow<'a, str>, NotSaid>,
}

impl<'a> Draft<'a> {
    /// The message `text` with the id that its sender gave to it, if it gave one.
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
        Self { id, text }
    }

    /// The id, if there is one.
    ///
    /// # Errors
    /// If it is empty or longer than [`MESSAGE_ID_LIMIT`] bytes.
    pub(super) fn id(&self) -> Result<Option<&'a str>, NotSaid> {
        match self.id {
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

    /// How many bytes of text are to be said; 0 if it will not be said.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len())
    }
}
