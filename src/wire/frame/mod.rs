//! The frames of the native door: one JSON object with one key, the frame's
//! name. `docs/protocol.md` is the contract; this is its transcript.
//!
//! Unknown keys and unknown frames are ignored, so that the protocol can grow.

mod line;
mod repair;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::line::{NotAFrame, read_reply, read_request, write_frame};

use crate::room::{MemberId, Why};

/// A frame of a client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request<'a> {
    /// Joins the room; comes first.
    Hello(Hello<'a>),
    /// Says something.
    Say(Say<'a>),
    /// Asks for a part of the list of members.
    Members(MembersRequest),
    /// Asks for a page of past messages.
    History(HistoryRequest),
    /// Asks whether the server is there; allowed before `hello` too.
    Ping(Empty),
    /// Answers a `ping`.
    Pong(Empty),
    /// Leaves.
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
    /// The name that is wanted; without one it is the default name.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub name: Cow<'a, str>,
    /// The log that `after` is about, from an earlier welcome.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Cow<'a, str>>,
    /// The membership to come back to, from an earlier welcome.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Cow<'a, str>>,
    /// The `seq` of the last message already known: all later ones are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The key that the program which embeds the server gave to the host.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<Cow<'a, str>>,
}

/// A message of a client.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Say<'a> {
    /// The sender's own id for it; comes back with its echo.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The text.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

/// Asks for members with an id after `after`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct MembersRequest {
    /// The last id already known; without it, or with 0, from the first on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How many are wanted, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Asks for messages before `before`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct HistoryRequest {
    /// The `seq` of the first message already known; without it, the newest are
    /// wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// How many are wanted, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A frame of a server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply<'a> {
    /// Answers `hello`.
    Welcome(Welcome<'a>),
    /// Someone said something.
    Message(Message<'a>),
    /// Someone came in.
    Joined(Joined<'a>),
    /// Someone left.
    Left(Left<'a>),
    /// A member's connection was lost; it may come back.
    Away(Away<'a>),
    /// A member that was away is back.
    Back(Back<'a>),
    /// Members of a big room came and left.
    Presence(Presence<'a>),
    /// A message was said already, under the same id.
    Said(Said<'a>),
    /// A sentence of the server itself.
    Notice(Notice<'a>),
    /// Answers `members`.
    Members(MemberList<'a>),
    /// Answers `history`.
    Page(Page<'a>),
    /// This client missed messages.
    Gap(Gap),
    /// Asks whether the client is there.
    Ping(Empty),
    /// Answers `ping`.
    Pong(Empty),
    /// Something was wrong.
    Error(Error<'a>),
    /// The connection ends, and why. Nothing follows.
    Closed(Closed<'a>),
}

/// Answers `hello`: the client is a member now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Welcome<'a> {
    /// The version of the protocol that is spoken.
    pub protocol: u32,
    /// The name of the room.
    #[serde(borrow)]
    pub room: Cow<'a, str>,
    /// Tells this log from every other.
    #[serde(borrow)]
    pub epoch: Cow<'a, str>,
    /// Whether messages survive the server.
    pub durable: bool,
    /// Tells this membership from every other; a secret between the two sides.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// The `seq` that the next message will have.
    pub next: u64,
    /// Whether it is the membership that was asked for by its `session`.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub resumed: bool,
    /// Who the client is in the room.
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

/// Someone in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member<'a> {
    /// Never changes or returns.
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
    /// Whether its connection is lost, and it may come back. Told in lists only.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub away: bool,
}

/// Reads what may be missing: `null` is as if it were.
fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Serde hands a reference to it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// A part of the list of members, in the order of their ids.
#[derive(Debug, Serialize, Deserialize)]
pub struct MemberList<'a> {
    /// How many are in the room.
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
    /// The most bytes of a frame, its line break not counted.
    pub frame: usize,
    /// The most characters of a text.
    pub text: usize,
    /// The most messages at once; without a limit it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// The most messages a second in the long run; without a limit it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
}

/// Something said in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// Its place among all messages: 1, 2, 3, … without a hole.
    pub seq: u64,
    /// When the server took it (RFC 3339, UTC, milliseconds).
    #[serde(serialize_with = "milliseconds")]
    pub at: Timestamp,
    /// Its author.
    #[serde(borrow)]
    pub from: Member<'a>,
    /// The sender's own id for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The clean text.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

/// Serde hands a reference to it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn milliseconds<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}

/// Someone came in.
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
    /// How many are in the room now.
    pub count: usize,
}

/// Someone left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Why.
    pub why: Why,
    /// How many are in the room now.
    pub count: usize,
}

/// A member's connection was lost. It stays a member for a while, in which it may
/// come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// A member that was away is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back<'a> {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// A message was said already, under the same id; it is not said again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<'a> {
    /// The sender's own id for it.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Its place among all messages.
    pub seq: u64,
}

/// Members of a big room came and left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence<'a> {
    /// How many are in the room now.
    pub count: usize,
    /// The names of some who joined.
    #[serde(borrow)]
    pub joined: Vec<Cow<'a, str>>,
    /// How many more joined.
    pub joined_more: usize,
    /// The names of some who left.
    #[serde(borrow)]
    pub left: Vec<Cow<'a, str>>,
    /// How many more left.
    pub left_more: usize,
    /// How many of those in the room are away.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_zero"
    )]
    pub away: usize,
}

/// Serde hands a reference to it.
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
    /// In words.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// With the code `address`: where others can join, the best first.
    #[serde(
        borrow,
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub addresses: Vec<Cow<'a, str>>,
}

/// The code of the [`Notice`] that tells the host where others can join.
pub const NOTICE_ADDRESS: &str = "address";

/// The code of the [`Notice`] that messages are delayed, because they cannot be stored
/// at the moment.
pub const NOTICE_DELAYED: &str = "delayed";

/// The code of the [`Notice`] that messages are delayed no longer.
pub const NOTICE_RESUMED: &str = "resumed";

/// Messages of the past.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page<'a> {
    /// The messages, oldest first.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// Whether the server holds older ones.
    pub more: bool,
}

/// The range of messages that this client missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The `seq` of the first one missed.
    pub from: u64,
    /// The `seq` of the last one missed; before `from` if only joins and leaves
    /// were missed.
    pub to: u64,
}

/// Something was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error<'a> {
    /// Its kind, for programs.
    pub code: Code,
    /// The id of the message that it is about.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// In words.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// When to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
    /// Whether the server ends the connection now.
    pub fatal: bool,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// The frame is not JSON, or not as documented. Fatal, except where a member sent
    /// a frame whose content only cannot be read.
    BadFrame,
    /// The frame is longer than the limit. Fatal.
    FrameTooLong,
    /// The server does not speak this version of the protocol. Fatal.
    ProtocolVersion,
    /// Something else came before `hello`. Fatal.
    HelloFirst,
    /// A second `hello`; it is ignored.
    HelloTwice,
    /// The message comes too fast; it was not said.
    TooFast,
    /// The message is too long; it was not said.
    TooLong,
    /// Nothing is left of the message; it was not said.
    EmptyText,
    /// The message's id is empty or too long; it was not said.
    BadId,
    /// The room is full. Fatal.
    RoomFull,
    /// Too many connections come from this address. Fatal.
    TooManyConnections,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// Whether the server ends the connection with it, as a rule.
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
    /// Why.
    pub code: ClosedCode,
    /// In words.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// With `service-stopping` and `store-failed`: when to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

/// Why a server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClosedCode {
    /// It was asked to, with `bye`.
    Bye,
    /// The room was closed for good.
    HostClosed,
    /// The service stops, perhaps to start again.
    ServiceStopping,
    /// What is said can no longer be stored; the service may start again.
    StoreFailed,
    /// Another connection took over the membership.
    TakenOver,
    /// For a reason that this version does not know.
    #[serde(other)]
    Unknown,
}
