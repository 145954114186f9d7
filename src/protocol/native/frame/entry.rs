//! The frame of a lasting entry, as JSON: `message`, with `seq`, `at`, `from`, `id` and
//! `text`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::room::{Author, Body, Entry, MemberId};

use super::IntoClean;
use super::clean::{name, text, word_if_any};
use super::define::{Content, content};
use super::optional::milliseconds;

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
        let Body::Text { id, text } = &self.body;
        let content = MessageContent {
            seq: self.seq,
            at: self.at,
            from: From {
                id: self.author.id,
                name: Cow::Borrowed(&self.author.name),
            },
            id: id.as_deref().map(Cow::Borrowed),
            text: Cow::Borrowed(text),
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
            author: Author {
                id: content.from.id,
                name: content.from.name,
            },
            body: Body::Text {
                id: content.id,
                text: content.text,
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
            },
        }
    }
}
