//! The frames of the native door: one JSON object with one key, the frame's name.
//! `docs/protocol.md` is the specification; these types follow it.
//!
//! Readers ignore unknown keys and unknown frames, so that the protocol can grow.

mod entry;
mod line;
mod repair;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::line::{NotAFrame, read_reply, read_request, write_frame};

use crate::room::{Entry, MemberId, Why};

/// A frame from a client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request<'a> {
    /// Joins the room; must be the first frame besides pings.
    Hello(Hello<'a>),
    /// Sends a message.
    Say(Say<'a>),
    /// Requests a part of the list of members.
    Members(MembersRequest),
    /// Requests a page of past messages.
    History(HistoryRequest),
    /// Checks that the server is there; allowed before `hello` too.
    Ping(Empty),
    /// Answers a `ping`.
    Pong(Empty),
    /// Leaves the room.
    Bye(Empty),
}

/// A frame without content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

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
    /// The key that the program which embeds the server gave to the host.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<Cow<'a, str>>,
}

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

/// Requests members with an id after `after`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct MembersRequest {
    /// The last id that the client has; without it, or with 0, the list starts at the
    /// first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The most members wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

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

/// A frame from a server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply<'a> {
    /// Answers `hello`.
    Welcome(Welcome<'a>),
    /// A member sent a message.
    Message(Entry<'a>),
    /// A member joined.
    Joined(Joined<'a>),
    /// A member left.
    Left(Left<'a>),
    /// A member's connection was lost; it may come back.
    Away(Away<'a>),
    /// An absent member is back.
    Back(Back<'a>),
    /// Members of a big room joined and left.
    Presence(Presence<'a>),
    /// The room already has a message with the same id from this member.
    Said(Said<'a>),
    /// A sentence of the server itself.
    Notice(Notice<'a>),
    /// Answers `members`.
    Members(MemberList<'a>),
    /// Answers `history`.
    Page(Page<'a>),
    /// This client missed messages.
    Gap(Gap),
    /// Checks that the client is there.
    Ping(Empty),
    /// Answers `ping`.
    Pong(Empty),
    /// An error.
    Error(Error<'a>),
    /// The reason why the connection ends. Nothing follows.
    Closed(Closed<'a>),
}

/// Answers `hello`: the client is a member now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Welcome<'a> {
    /// The version of the protocol that the server speaks.
    pub protocol: u32,
    /// The name of the room.
    #[serde(borrow)]
    pub room: Cow<'a, str>,
    /// The unique id of this log.
    #[serde(borrow)]
    pub epoch: Cow<'a, str>,
    /// Whether messages survive the server.
    pub durable: bool,
    /// The token of this membership; a secret between the two sides.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// The `seq` of the next message.
    pub next: u64,
    /// Whether the client has resumed the membership that it asked for with `session`.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub resumed: bool,
    /// The client's own membership.
    #[serde(borrow)]
    pub you: Member<'a>,
    /// The first members.
    #[serde(borrow)]
    pub members: MemberList<'a>,
    /// The limits for its members.
    pub limits: Limits,
    /// The optional features that the server has.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub features: Vec<Cow<'a, str>>,
}

/// A member of the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member<'a> {
    /// Never changes, and is never used again.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Whether it hosts the room.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub host: bool,
    /// Whether its connection is lost and it may come back. Only lists contain it.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub away: bool,
}

/// Reads an optional value: `null` counts as missing.
fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// A part of the list of members, in the order of their ids.
#[derive(Debug, Serialize, Deserialize)]
pub struct MemberList<'a> {
    /// The number of members in the room.
    pub count: usize,
    /// Some of them.
    #[serde(borrow)]
    pub list: Vec<Member<'a>>,
    /// Whether there are more after the last one listed.
    pub more: bool,
}

/// The limits that a server sets for its members.
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
}

/// A member joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Whether it hosts the room.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub host: bool,
    /// The number of members in the room now.
    pub count: usize,
}

/// A member left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The reason.
    pub why: Why,
    /// The number of members in the room now.
    pub count: usize,
}

/// A member's connection was lost. It stays a member for a while, in which it may come
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// An absent member is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// The room already has a message with the same id from this member, and does not send it
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<'a> {
    /// The sender's own id for it.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Its place among all messages.
    pub seq: u64,
}

/// Members of a big room joined and left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence<'a> {
    /// The number of members in the room now.
    pub count: usize,
    /// The names of some who joined.
    #[serde(borrow)]
    pub joined: Vec<Cow<'a, str>>,
    /// The number of others who joined.
    pub joined_more: usize,
    /// The names of some who left.
    #[serde(borrow)]
    pub left: Vec<Cow<'a, str>>,
    /// The number of others who left.
    pub left_more: usize,
    /// The number of absent members in the room.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_zero"
    )]
    pub away: usize,
}

/// Serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

/// A sentence of the server itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice<'a> {
    /// Its kind, for programs.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// The sentence.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// With the code `address`: the addresses where others can join, the best first.
    #[serde(
        borrow,
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub addresses: Vec<Cow<'a, str>>,
}

/// The code of the [`Notice`] with the addresses where others can join. Only the host
/// gets it.
pub const NOTICE_ADDRESS: &str = "address";

/// The code of the [`Notice`] that messages are delayed, because the server cannot store
/// them at the moment.
pub const NOTICE_DELAYED: &str = "delayed";

/// The code of the [`Notice`] that messages are no longer delayed.
pub const NOTICE_RESUMED: &str = "resumed";

/// Messages of the past.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page<'a> {
    /// The messages, oldest first.
    #[serde(borrow)]
    pub messages: Vec<Entry<'a>>,
    /// Whether the server holds older ones.
    pub more: bool,
}

/// The range of messages that this client missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The `seq` of the first missed message.
    pub from: u64,
    /// The `seq` of the last missed message; before `from` if the client missed only
    /// joins and leaves.
    pub to: u64,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error<'a> {
    /// Its kind, for programs.
    pub code: Code,
    /// The id of the message that caused it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The sentence for a person.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// When to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
    /// Whether the server now ends the connection.
    pub fatal: bool,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// The frame is not JSON, or not as documented. Fatal, unless a member sent a known
    /// frame whose content cannot be read.
    BadFrame,
    /// The frame is longer than the limit. Fatal.
    FrameTooLong,
    /// The server does not speak this version of the protocol. Fatal.
    ProtocolVersion,
    /// Another frame came before `hello`. Fatal.
    HelloFirst,
    /// A second `hello`; the server ignores it.
    HelloTwice,
    /// The message came too fast; it was not sent.
    TooFast,
    /// The message is too long; it was not sent.
    TooLong,
    /// The message has no visible characters; it was not sent.
    EmptyText,
    /// The message's id is empty or too long; it was not sent.
    BadId,
    /// The room is full. Fatal.
    RoomFull,
    /// Too many connections come from this address. Fatal.
    TooManyConnections,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
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
        )
    }
}

/// The connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed<'a> {
    /// The reason.
    pub code: ClosedCode,
    /// The sentence for a person.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// With `service-stopping` and `store-failed`: when to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

/// The reason why a server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClosedCode {
    /// The client asked for it, with `bye`.
    Bye,
    /// The room was closed for good.
    HostClosed,
    /// The service stops, and may start again.
    ServiceStopping,
    /// The server can no longer store messages; the service may start again.
    StoreFailed,
    /// Another connection took over the membership.
    TakenOver,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}
