//! What a room remembers for good: its entries, numbered without a hole.

use std::borrow::Cow;
use std::num::NonZeroU64;

use jiff::Timestamp;

/// Identifies one member among all that the room ever had. It never changes, and the
/// room never uses it again. Counted from 1.
pub type MemberId = NonZeroU64;

/// A lasting entry of a room. The log, the store, the protocols and the history all use
/// this one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its position among all lasting entries of the room: 1, 2, 3, … without a hole.
    pub seq: u64,
    /// When the room accepted it; to the microsecond where a store holds it, and to the
    /// millisecond in a frame.
    pub at: Timestamp,
    /// The member who caused it.
    pub author: Author<'a>,
    /// What it says.
    pub body: Body<'a>,
}

/// The member who caused an entry, as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author<'a> {
    /// The member's id.
    pub id: MemberId,
    /// The member's name at that time, at most [`NAME_LIMIT`](super::NAME_LIMIT)
    /// characters.
    pub name: Cow<'a, str>,
}

/// What an entry says. A kind of entry that this version does not know is never made
/// into one of these: a reader takes its `seq` and passes over the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A message.
    Text {
        /// The sender's own id for it, at most
        /// [`MESSAGE_ID_LIMIT`](super::MESSAGE_ID_LIMIT) bytes.
        id: Option<Cow<'a, str>>,
        /// The cleaned text, at most [`TEXT_LIMIT`](super::TEXT_LIMIT) characters.
        text: Cow<'a, str>,
    },
}

impl Entry<'_> {
    /// The same entry, which borrows from this one.
    #[must_use]
    pub fn as_borrowed(&self) -> Entry<'_> {
        Entry {
            seq: self.seq,
            at: self.at,
            author: Author {
                id: self.author.id,
                name: Cow::Borrowed(&self.author.name),
            },
            body: match &self.body {
                Body::Text { id, text } => Body::Text {
                    id: id.as_deref().map(Cow::Borrowed),
                    text: Cow::Borrowed(text),
                },
            },
        }
    }

    /// The same entry, which borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Entry<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Entry {
            seq: self.seq,
            at: self.at,
            author: Author {
                id: self.author.id,
                name: owned(self.author.name),
            },
            body: match self.body {
                Body::Text { id, text } => Body::Text {
                    id: id.map(owned),
                    text: owned(text),
                },
            },
        }
    }

    /// The text, if it is a message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.body {
            Body::Text { text, .. } => Some(text),
        }
    }

    /// The sender's own id, if it is a message that has one.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match &self.body {
            Body::Text { id, .. } => id.as_deref(),
        }
    }

    /// The memory that the entry takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let body = match &self.body {
            Body::Text { id, text } => id.as_ref().map_or(0, |id| id.len()) + text.len(),
        };
        size_of::<Self>() + self.author.name.len() + body
    }
}
