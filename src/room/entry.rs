//! What a room remembers for good: its entries, numbered without a hole.

use std::borrow::Cow;
use std::num::NonZeroU64;

use jiff::Timestamp;

use super::name::SERVER_NAME;

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
    /// Who caused it.
    pub author: Author<'a>,
    /// What it says.
    pub body: Body<'a>,
}

/// Who caused an entry: a member, as it was at that moment, or the server's administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author<'a> {
    /// The member's id. `None` for the administrator, who writes no messages: such an
    /// entry is never a [`Body::Text`] or [`Body::Gone`].
    pub id: Option<MemberId>,
    /// The member's name at that time, at most [`NAME_LIMIT`](super::NAME_LIMIT)
    /// characters; [`SERVER_NAME`] for the administrator.
    pub name: Cow<'a, str>,
}

impl<'a> Author<'a> {
    /// A member with this name.
    #[must_use]
    pub fn member(id: MemberId, name: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: Some(id),
            name: name.into(),
        }
    }

    /// The administrator of the server.
    #[must_use]
    pub const fn administrator() -> Self {
        Self {
            id: None,
            name: Cow::Borrowed(SERVER_NAME),
        }
    }

    fn as_borrowed(&self) -> Author<'_> {
        Author {
            id: self.id,
            name: Cow::Borrowed(&self.name),
        }
    }
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
    /// A message that was erased. It keeps its place and its sender, but has no text.
    Gone {
        /// The sender's own id for it: by it, a client that was away learns that the room
        /// took its message, and does not send it again.
        id: Option<Cow<'a, str>>,
    },
    /// The author erased a message.
    Erased {
        /// The `seq` of that message, which is less than that of this entry.
        of: u64,
    },
}

impl Entry<'_> {
    /// The same entry, which borrows from this one.
    #[must_use]
    pub fn as_borrowed(&self) -> Entry<'_> {
        let id = || self.message_id().map(Cow::Borrowed);
        Entry {
            seq: self.seq,
            at: self.at,
            author: self.author.as_borrowed(),
            body: match &self.body {
                Body::Text { text, .. } => Body::Text {
                    id: id(),
                    text: Cow::Borrowed(text),
                },
                Body::Gone { .. } => Body::Gone { id: id() },
                Body::Erased { of } => Body::Erased { of: *of },
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
                Body::Gone { id } => Body::Gone { id: id.map(owned) },
                Body::Erased { of } => Body::Erased { of },
            },
        }
    }

    /// The text, if it is a message that was not erased.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.body {
            Body::Text { text, .. } => Some(text),
            Body::Gone { .. } | Body::Erased { .. } => None,
        }
    }

    /// The sender's own id, if it is a message that has one.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match &self.body {
            Body::Text { id, .. } | Body::Gone { id } => id.as_deref(),
            Body::Erased { .. } => None,
        }
    }

    /// The memory that the entry takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let body = self.message_id().map_or(0, str::len) + self.text().map_or(0, str::len);
        size_of::<Self>() + self.author.name.len() + body
    }
}
