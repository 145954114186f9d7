//! Getting into a private room: `challenge` and `proof`; and what a server says of its room
//! before anyone joins: `about`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::define::content;
use super::optional::{is_false, or_default};

content! {
    /// The server wants a [proof](crate::protocol::proof).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Challenge<'a> {
        /// The kinds of proofs that the server takes.
        #[serde(borrow)]
        pub how: Vec<Cow<'a, str>> => words,
        /// The server's nonce, base64url without padding.
        #[serde(borrow)]
        pub nonce: Cow<'a, str> => word,
    }
}

content! {
    /// Answers `challenge`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Proof<'a> {
        /// The kind of the proof.
        #[serde(borrow)]
        pub how: Cow<'a, str>,
        /// The proof, base64url without padding.
        #[serde(borrow)]
        pub mac: Cow<'a, str>,
    }
}

content! {
    /// Answers the request `about`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct About<'a> {
        /// The version of the protocol that the server speaks.
        pub protocol: u32 => same,
        /// The name of the room; missing if it is private.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub room: Option<Cow<'a, str>> => line_if_any,
        /// Whether only those may join who prove that they know the key.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub private: bool => same,
    }
}
