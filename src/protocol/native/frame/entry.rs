//! The frame of a lasting entry, as JSON: `message`, with `seq`, `at`, `from`, `id` and
//! `text`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::room::{Author, Body, Entry, MemberId};

/// The content of the frame.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    seq: u64,
    /// RFC 3339, UTC, milliseconds.
    #[serde(serialize_with = "milliseconds")]
    at: Timestamp,
    #[serde(borrow)]
    from: From<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct From<'a> {
    id: MemberId,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn milliseconds<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Body::Text { id, text } = &self.body;
        let content = Content {
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
        let content = Content::deserialize(from)?;
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
