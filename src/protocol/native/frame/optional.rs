//! Reading and writing keys that may be missing.

use serde::{Deserialize, Deserializer};

use super::entries::Message;

/// Reads an optional value: `null` counts as missing.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_zero(value: &usize) -> bool {
    *value == 0
}

/// Reads the messages of a page, and skips entries of a kind that this program does not
/// know.
pub(super) fn messages_only<'de, D>(from: D) -> Result<Vec<Message<'de>>, D::Error>
where
    D: Deserializer<'de>,
{
    /// An element of a page.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Element<'a> {
        #[serde(borrow)]
        Message(Message<'a>),
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
