//! Frames with words of the server for people: `notice`, `error` and `closed`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::define::{codes, content};
use super::optional::or_default;

content! {
    /// A sentence of the server itself.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Notice<'a> {
        /// Its kind, for programs.
        #[serde(borrow)]
        pub code: Cow<'a, str> => word,
        /// The sentence.
        #[serde(borrow)]
        pub text: Cow<'a, str> => text,
        /// With the code `address`: the addresses where others can join, the best first.
        #[serde(
            borrow,
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "Vec::is_empty"
        )]
        pub addresses: Vec<Cow<'a, str>> => lines,
    }
}

content! {
    /// An error.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Error<'a> {
        /// Its kind, for programs.
        pub code: Code => same,
        /// The id of the message that caused it.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        pub id: Option<Cow<'a, str>> => word_if_any,
        /// The sentence for a person.
        #[serde(borrow)]
        pub text: Cow<'a, str> => text,
        /// When to try again, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retry_ms: Option<u64> => same,
        /// Whether the server now ends the connection.
        pub fatal: bool => same,
    }
}

content! {
    /// The connection ends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Closed<'a> {
        /// The reason.
        pub code: ClosedCode => same,
        /// The sentence for a person.
        #[serde(borrow)]
        pub text: Cow<'a, str> => text,
        /// With `service-stopping` and `store-failed`: when to try again, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retry_ms: Option<u64> => same,
    }
}

/// The code of the [`Notice`] with the addresses where others can join. Only the host
/// gets it.
pub const NOTICE_ADDRESS: &str = "address";

/// The code of the [`Notice`] that messages are delayed, because the server cannot store
/// them at the moment.
pub const NOTICE_DELAYED: &str = "delayed";

/// The code of the [`Notice`] that messages are no longer delayed.
pub const NOTICE_RESUMED: &str = "resumed";

/// The codes of all notices.
pub const NOTICES: [&str; 3] = [NOTICE_ADDRESS, NOTICE_DELAYED, NOTICE_RESUMED];

codes! {
    /// The kind of an [`Error`].
    pub enum Code {
        /// The frame is not JSON, or not as documented. Fatal, unless a member sent a known
        /// frame whose content cannot be read.
        BadFrame = "bad-frame",
        /// The frame is longer than the limit. Fatal.
        FrameTooLong = "frame-too-long",
        /// The server does not speak this version of the protocol. Fatal.
        ProtocolVersion = "protocol-version",
        /// Another frame came before `hello`. Fatal.
        HelloFirst = "hello-first",
        /// A second `hello`; the server ignores it.
        HelloTwice = "hello-twice",
        /// The message came too fast; it was not sent.
        TooFast = "too-fast",
        /// The message is too long; it was not sent.
        TooLong = "too-long",
        /// The message has no visible characters; it was not sent.
        EmptyText = "empty-text",
        /// The message's id is empty or too long; it was not sent.
        BadId = "bad-id",
        /// The room is full. Fatal.
        RoomFull = "room-full",
        /// Too many connections come from this address. Fatal.
        TooManyConnections = "too-many-connections",
        /// The room is private, and the client did not say that it has the key. Fatal.
        KeyNeeded = "key-needed",
        /// The client's proof is wrong: it has another key. Fatal.
        KeyWrong = "key-wrong",
        /// The server takes this only over TLS. Fatal.
        TlsNeeded = "tls-needed",
        /// A host keeps the client out for a while. Fatal.
        Banned = "banned",
        /// Only the host may do this.
        NotHost = "not-host",
        /// No member has this id.
        NoSuchMember = "no-such-member",
        /// There is no message with this `seq`, or it is no longer held.
        NoSuchMessage = "no-such-message",
        /// The host has muted the member; the message was not sent.
        Muted = "muted",
        /// The room's key comes from a file of the administrator, and cannot be replaced
        /// from the room.
        KeyFixed = "key-fixed",
    }
}

impl Code {
    /// Whether the server ends the connection after it, as a rule.
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::BadFrame
                | Self::FrameTooLong
                | Self::ProtocolVersion
                | Self::HelloFirst
                | Self::RoomFull
                | Self::TooManyConnections
                | Self::KeyNeeded
                | Self::KeyWrong
                | Self::TlsNeeded
                | Self::Banned
        )
    }
}

codes! {
    /// The reason why a server ends a connection.
    pub enum ClosedCode {
        /// The client asked for it, with `bye`.
        Bye = "bye",
        /// The room was closed for good.
        HostClosed = "host-closed",
        /// The service stops, and may start again.
        ServiceStopping = "service-stopping",
        /// The server can no longer store messages; the service may start again.
        StoreFailed = "store-failed",
        /// Another connection took over the membership.
        TakenOver = "taken-over",
        /// The host has removed the member.
        Removed = "removed",
    }
}
