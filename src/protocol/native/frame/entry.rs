//! The frame of a lasting entry, as JSON: `message`, with `seq`, `at`, `from`, `id` and
//! `text`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::room::{Author, Body, Entry, MemberId};

use super::IntoClean;
use super::clean::{name, text, word_if_any};
use super::define::{Content, content};
use super::optional::{is_false, milliseconds, or_default};

content! {
    /// The content of `message`.
    #[derive(Serialize, Deserialize)]
    pub struct MessageContent<'a> {
        pub seq: u64,
        /// RFC 3339, UTC, milliseconds.
        #[serde(serialize_with = "milliseconds")]
        pub at: Timestamp,
        #[serde(borrow)]
        pub from: From<'a>,
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub id: Option<Cow<'a, str>>,
        #[serde(borrow)]
        pub text: Cow<'a, str>,
        /// Whether the text was erased; then it is empty.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub erased: bool,
    }
}

#[derive(Serialize, Deserialize)]
pub struct From<'a> {
    id: MemberId,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(id) = self.author.id else {
            return Err(S::Error::custom("a message has a member who wrote it"));
        };
        let content = MessageContent {
            seq: self.seq,
            at: self.at,
            from: From {
                id,
                name: Cow::Borrowed(&self.author.name),
            },
            id: self.message_id().map(Cow::Borrowed),
            text: Cow::Borrowed(self.text().unwrap_or_default()),
            erased: matches!(self.body, Body::Gone { .. }),
        };
        content.serialize(to)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let content = MessageContent::deserialize(from)?;
        Ok(Self {
            seq: content.seq,
            at: content.at,
            author: Author::member(content.from.id, content.from.name),
            body: if content.erased {
                Body::Gone { id: content.id }
            } else {
                Body::Text {
                    id: content.id,
                    text: content.text,
                }
            },
        })
    }
}

impl Content for Entry<'_> {
    const FIELDS: &'static [&'static str] = MessageContent::FIELDS;
}

impl IntoClean for Entry<'_> {
    type Owned = Entry<'static>;

    fn into_clean(self) -> Entry<'static> {
        Entry {
            seq: self.seq,
            at: self.at,
            author: Author {
                id: self.author.id,
                name: name(self.author.name),
            },
            body: match self.body {
                Body::Text { id, text: said } => Body::Text {
                    id: word_if_any(id),
                    text: text(said),
                },
                Body::Gone { id } => Body::Gone {
                    id: word_if_any(id),
                },
                Body::Erased { of } => Body::Erased { of },
            },
        }
    }
}
