//! Frames as lines: reading and writing them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{Reply, Request};

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
            "away" => Self::Away(content.next_value()?),
            "back" => Self::Back(content.next_value()?),
            "said" => Self::Said(content.next_value()?),
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

    use super::super::{Code, Empty, Member, Message, Say};
    use super::*;
    use crate::room::MemberId;

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
                    away: false,
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
