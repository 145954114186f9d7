//! The frames of the native door: one JSON object with one key, the frame's
//! name. `docs/protocol.md` is the contract; this is its transcript.
//!
//! Unknown keys and unknown frames are ignored, so that the protocol can grow.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::room::{MemberId, Why};

/// What a client asks of a server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request<'a> {
    /// Comes first.
    Hello(Hello<'a>),
    /// Says something.
    Say(Say<'a>),
    /// Asks who is there.
    Members(MembersRequest),
    /// Asks what was said.
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

/// Who comes, and how.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The version of the protocol.
    pub protocol: u32,
    /// The name that is wanted; without one it is the default name.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// The log that `after` is about, from an earlier welcome.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Cow<'a, str>>,
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
    /// What is said.
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

/// What a server tells a client.
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
    /// Members of a big room came and left.
    Presence(Presence<'a>),
    /// What the server itself has to say.
    Notice(Notice<'a>),
    /// Answers `members`.
    Members(MemberList<'a>),
    /// Answers `history`.
    Page(Page<'a>),
    /// Messages that came are lost to this client.
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
    /// Who the client is in the room.
    #[serde(borrow)]
    pub you: Member<'a>,
    /// The first members.
    #[serde(borrow)]
    pub members: MemberList<'a>,
    /// What the server holds its members to.
    pub limits: Limits,
    /// What the server can do beyond the least.
    #[serde(borrow, default)]
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
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
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

/// What a server holds its members to.
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
    /// Who said it.
    #[serde(borrow)]
    pub from: Member<'a>,
    /// The sender's own id for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// What was said.
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
    /// Who.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Whether it hosts the room.
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
    /// How many are in the room now.
    pub count: usize,
}

/// Someone left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left<'a> {
    /// Who.
    pub id: MemberId,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Why.
    pub why: Why,
    /// How many are in the room now.
    pub count: usize,
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
}

/// What the server itself has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice<'a> {
    /// What it is about.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// In words.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// With the code `address`: where others can join, the best first.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Cow<'a, str>>,
}

/// The code of the [`Notice`] that tells the host where others can join.
pub const NOTICE_ADDRESS: &str = "address";

/// Messages of the past.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page<'a> {
    /// The messages, oldest first.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// Whether the server holds older ones.
    pub more: bool,
}

/// Messages that came are lost to this client.
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
    /// What.
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

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// The frame is not UTF-8, not JSON, or not as documented. Fatal.
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
    /// Whether the server ends the connection with it.
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
    /// With `service-stopping`: when to try again, in milliseconds.
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
    /// For a reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a line is not a frame.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAFrame(String);

/// A set of frames that one side sends.
trait Frames<'a>: Sized {
    /// Reads the content of the frame with this name, or passes over it if there
    /// is none.
    fn read<A: MapAccess<'a>>(name: &str, content: &mut A) -> Result<Option<Self>, A::Error>;
}

impl<'a> Frames<'a> for Request<'a> {
    fn read<A: MapAccess<'a>>(name: &str, content: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(Some(match name {
            "hello" => Self::Hello(content.next_value()?),
            "say" => Self::Say(content.next_value()?),
            "members" => Self::Members(content.next_value()?),
            "history" => Self::History(content.next_value()?),
            "ping" => Self::Ping(content.next_value()?),
            "pong" => Self::Pong(content.next_value()?),
            "bye" => Self::Bye(content.next_value()?),
            _ => return content.next_value().map(|IgnoredAny| None),
        }))
    }
}

impl<'a> Frames<'a> for Reply<'a> {
    fn read<A: MapAccess<'a>>(name: &str, content: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(Some(match name {
            "welcome" => Self::Welcome(content.next_value()?),
            "message" => Self::Message(content.next_value()?),
            "joined" => Self::Joined(content.next_value()?),
            "left" => Self::Left(content.next_value()?),
            "presence" => Self::Presence(content.next_value()?),
            "notice" => Self::Notice(content.next_value()?),
            "members" => Self::Members(content.next_value()?),
            "page" => Self::Page(content.next_value()?),
            "gap" => Self::Gap(content.next_value()?),
            "ping" => Self::Ping(content.next_value()?),
            "pong" => Self::Pong(content.next_value()?),
            "error" => Self::Error(content.next_value()?),
            "closed" => Self::Closed(content.next_value()?),
            _ => return content.next_value().map(|IgnoredAny| None),
        }))
    }
}

/// The object around a frame.
struct Object<T>(PhantomData<T>);

impl<'a, T: Frames<'a>> Visitor<'a> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        /// Borrowed where it holds no escapes.
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut found = None;
        while let Some(Key(name)) = map.next_key()? {
            if let Some(frame) = T::read(&name, &mut map)?
                && found.replace(frame).is_some()
            {
                return Err(serde::de::Error::custom("several frames in one object"));
            }
        }
        Ok(found)
    }
}

fn read<'a, T: Frames<'a>>(line: &'a [u8]) -> Result<Option<T>, NotAFrame> {
    let text = std::str::from_utf8(line).map_err(|error| NotAFrame(error.to_string()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(Object(PhantomData))
        .and_then(|frame| json.end().map(|()| frame))
        .map_err(|error| NotAFrame(error.to_string()))
}

/// Reads a line as what a client asks. `None` stands for an object without a
/// known frame, which is ignored.
///
/// # Errors
/// If it is not UTF-8, not a JSON object, not as documented, or holds several
/// known frames.
pub fn read_request(line: &[u8]) -> Result<Option<Request<'_>>, NotAFrame> {
    read(line)
}

/// Reads a line as what a server tells. `None` stands for an object without a
/// known frame, which is ignored.
///
/// # Errors
/// If it is not UTF-8, not a JSON object, not as documented, or holds several
/// known frames.
pub fn read_reply(line: &[u8]) -> Result<Option<Reply<'_>>, NotAFrame> {
    read(line)
}

/// Appends a frame as one line.
pub fn write_frame(frame: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    // Frames have string keys only, and a vector takes all that is written.
    if serde_json::to_writer(&mut *out, frame).is_err() {
        out.truncate(start);
        return;
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_keys_and_frames_are_ignored() {
        let line = br#"{"x":[{}],"say":{"id":"1","text":"hi","colour":"red"},"y":1}"#;
        let Ok(Some(Request::Say(say))) = read_request(line) else {
            panic!()
        };
        assert_eq!((say.id.as_deref(), &*say.text), (Some("1"), "hi"));
        assert!(matches!(
            read_request(br#"{"wave":{"deep":[[[]]]}}"#),
            Ok(None)
        ));
        assert!(matches!(read_request(b"{}"), Ok(None)));
    }

    #[test]
    fn what_is_not_a_frame_is_told() {
        for line in [
            &b""[..],
            b"hi",
            b"[]",
            b"5",
            br#"["ada"]"#,
            br#"{"say":{}}"#,
            br#"{"say":{"text":5}}"#,
            br#"{"say":{"text":"a"},"ping":{}}"#,
            br#"{"say":{"text":"a"}} {}"#,
            b"{\"say\":{\"text\":\"\xff\"}}",
            b"{\"wave\":{\"text\":\"\xff\"}}",
            br#"{"say":{"text":"\ud800"}}"#,
        ] {
            assert!(
                read_request(line).is_err(),
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn deep_json_is_refused_or_passed_over_and_exhausts_nothing() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        let _ = read_request(deep.as_bytes());
        let deep = format!(r#"{{"say":{{"text":{}"#, r#"{"a":"#.repeat(10_000));
        assert!(read_request(deep.as_bytes()).is_err());
    }

    #[test]
    fn frames_are_written_as_the_protocol_shows_them() {
        let mut out = Vec::new();
        write_frame(&Reply::Pong(Empty {}), &mut out);
        write_frame(
            &Reply::Message(Message {
                seq: 42,
                at: "2026-11-22T10:00:00.123Z".parse().unwrap(),
                from: Member {
                    id: MemberId::new(7).unwrap(),
                    name: "ada".into(),
                    host: false,
                },
                id: Some("k3Qd-1".into()),
                text: "hi\n\"you\"".into(),
            }),
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"pong":{}}"#,
                "\n",
                r#"{"message":{"seq":42,"at":"2026-11-22T10:00:00.123Z","from":{"id":7,"name":"ada"},"id":"k3Qd-1","text":"hi\n\"you\""}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_code_of_a_newer_version_is_read() {
        let line = br#"{"error":{"code":"too-loud","text":"x","fatal":false}}"#;
        let Ok(Some(Reply::Error(error))) = read_reply(line) else {
            panic!()
        };
        assert_eq!(error.code, Code::Unknown);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_request(&line);
            let _ = read_reply(&line);
        }

        #[test]
        fn a_text_comes_out_as_it_went_in(text in any::<String>(), id in any::<String>()) {
            let mut out = Vec::new();
            let say = Say { id: Some(id.as_str().into()), text: text.as_str().into() };
            write_frame(&Request::Say(say), &mut out);
            prop_assert_eq!(memchr::memchr(b'\n', &out), Some(out.len() - 1));
            let Ok(Some(Request::Say(say))) = read_request(&out) else { panic!() };
            prop_assert_eq!(&*say.text, text.as_str());
            prop_assert_eq!(say.id.as_deref(), Some(id.as_str()));
        }
    }
}
