//! Saying a message, asking for messages, and missing some. Their own frame is in
//! [`entry`](super::entry).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::room::Entry;

use super::define::content;

content! {
    /// A message from a client.
    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Say<'a> {
        /// The sender's own id for it; the echo contains it.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub id: Option<Cow<'a, str>>,
        /// The text.
        #[serde(borrow)]
        pub text: Cow<'a, str>,
    }
}

content! {
    /// The room already has a message with the same id from this member, and does not send it
    /// again.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Said<'a> {
        /// The sender's own id for it.
        #[serde(borrow)]
        pub id: Cow<'a, str> => word,
        /// Its place among all messages.
        pub seq: u64 => same,
    }
}

content! {
    /// Requests messages before `before`.
    #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
    pub struct HistoryRequest {
        /// The `seq` of the first message that the client has; without it, the client wants
        /// the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub before: Option<u64>,
        /// The most messages wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u64>,
    }
}

content! {
    /// Messages of the past.
    #[derive(Debug, Serialize, Deserialize)]
    pub struct Page<'a> {
        /// The messages, oldest first.
        #[serde(borrow, deserialize_with = "messages_only")]
        pub messages: Vec<Entry<'a>> => contents,
        /// Whether the server holds older ones.
        pub more: bool => same,
    }
}

content! {
    /// The range of messages that this client missed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Gap {
        /// The `seq` of the first missed message.
        pub from: u64,
        /// The `seq` of the last missed message; before `from` if the client missed only
        /// joins and leaves.
        pub to: u64,
    }
}

/// Reads the messages of a page, and skips entries of a kind that this program does not
/// know.
fn messages_only<'de, D>(from: D) -> Result<Vec<Entry<'de>>, D::Error>
where
    D: Deserializer<'de>,
{
    /// An element of a page.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Element<'a> {
        #[serde(borrow)]
        Message(Entry<'a>),
        /// Every entry has a `seq`.
        Other {
            #[serde(rename = "seq")]
            _seq: u64,
        },
    }

    let elements = Vec::<Element<'de>>::deserialize(from)?;
    let messages = elements.into_iter().filter_map(|element| match element {
        Element::Message(message) => Some(message),
        Element::Other { .. } => None,
    });
    Ok(messages.collect())
}
