//! Joining a room: `hello` and `welcome`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::define::content;
use super::members::{Member, MemberList};
use super::optional::{is_false, or_default};

content! {
    /// Joins the room.
    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Hello<'a> {
        /// The version of the protocol.
        pub protocol: u32,
        /// The wanted name; without one, the client gets the default name.
        #[serde(borrow, default, deserialize_with = "or_default")]
        pub name: Cow<'a, str>,
        /// The log that `after` refers to, from an earlier welcome.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub epoch: Option<Cow<'a, str>>,
        /// The membership to resume, from an earlier welcome.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub session: Option<Cow<'a, str>>,
        /// The `seq` of the last message that the client has: it wants all later ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub after: Option<u64>,
        /// The client's nonce, base64url without padding: it can prove that it knows the
        /// key.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub nonce: Option<Cow<'a, str>>,
        /// Whether the client can prove that it is the host, and wants to.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub host: bool,
    }
}

content! {
    /// Answers `hello`: the client is a member now.
    #[derive(Debug, Serialize, Deserialize)]
    pub struct Welcome<'a> {
        /// The version of the protocol that the server speaks.
        pub protocol: u32 => same,
        /// The name of the room.
        #[serde(borrow)]
        pub room: Cow<'a, str> => line,
        /// The unique id of this log.
        #[serde(borrow)]
        pub epoch: Cow<'a, str> => word,
        /// Whether messages survive the server.
        pub durable: bool => same,
        /// The token of this membership; a secret between the two sides.
        #[serde(borrow)]
        pub session: Cow<'a, str> => word,
        /// The `seq` of the next message.
        pub next: u64 => same,
        /// Whether the client has resumed the membership that it asked for with `session`.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub resumed: bool => same,
        /// The client's own membership.
        #[serde(borrow)]
        pub you: Member<'a> => content,
        /// The first members.
        #[serde(borrow)]
        pub members: MemberList<'a> => content,
        /// The limits for its members.
        pub limits: Limits => same,
        /// The optional features that the server has.
        #[serde(borrow, default, deserialize_with = "or_default")]
        pub features: Vec<Cow<'a, str>> => words,
        /// Whether only those may join who prove that they know the key.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "is_false"
        )]
        pub private: bool => same,
        /// The server's proof that it knows the key that the client has proved.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub proof: Option<Cow<'a, str>> => word_if_any,
    }
}

content! {
    /// The limits that a server sets for its members. They can change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Limits {
        /// The most bytes of a frame, not counting its line break.
        pub frame: usize,
        /// The most characters of a text.
        pub text: usize,
        /// The most messages at once; missing without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub burst: Option<u32>,
        /// The most messages a second in the long run; missing without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub per_second: Option<u32>,
        /// The seconds between two messages of one member; missing without such a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub every_s: Option<u64>,
    }
}
