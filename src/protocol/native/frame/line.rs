//! Reading and writing frames as lines.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::define::FrameInfo;
use super::repair::repaired;
use super::{Reply, Request};

/// The most characters in the reason why a line is not a frame: a reason can quote the
/// line.
const WHY_LIMIT: usize = 200;

/// The reason why a line is not a frame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFrame {
    /// It is not a JSON object, or holds several known frames.
    #[error("{0}")]
    Line(String),
    /// It is a JSON object with one known frame, whose content is not as documented. A
    /// reader can ignore the line.
    #[error("{why}")]
    Content {
        /// The sender's own id for it, if it has one.
        id: Option<String>,
        /// The parser's error message.
        why: String,
    },
}

/// A set of frames that one side sends.
pub(super) trait Frames<'a>: Sized {
    /// All frames in the set.
    const FRAMES: &'static [FrameInfo];

    /// Reads the content of the frame with this name, or skips it if the name is unknown;
    /// `null` counts as missing.
    fn read<A: MapAccess<'a>>(name: &str, content: &mut A) -> Result<Read<Self>, A::Error>;
}

/// The meaning of a key and its value.
pub(super) enum Read<T> {
    /// None.
    Nothing,
    /// An unknown frame of which something is of use.
    Unknown(T),
    /// A frame.
    Known(T),
}

/// The frames that an object holds.
enum Found<T> {
    None,
    One(T),
    Several,
}

/// The object around a frame.
struct Object<T>(PhantomData<T>);

impl<'a, T: Frames<'a>> Visitor<'a> for Object<T> {
    type Value = Found<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        /// Borrowed if it contains no escapes.
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut found = Found::None;
        let mut unknown = None;
        while let Some(Key(name)) = map.next_key()? {
            match T::read(&name, &mut map)? {
                Read::Nothing => {}
                Read::Unknown(frame) => unknown = Some(frame),
                Read::Known(frame) => {
                    found = match found {
                        Found::None => Found::One(frame),
                        Found::One(_) | Found::Several => Found::Several,
                    };
                }
            }
        }
        Ok(match (found, unknown) {
            (Found::None, Some(frame)) => Found::One(frame),
            (found, _) => found,
        })
    }
}

fn read<'a, T: Frames<'a>>(line: &'a [u8]) -> Result<Option<T>, NotAFrame> {
    let text = repaired(line);
    let found = match &text {
        Cow::Borrowed(text) => parse(&mut serde_json::Deserializer::from_str(text)),
        // This reader copies each text: nothing is borrowed from the repaired line, which
        // ends here.
        Cow::Owned(text) => parse(&mut serde_json::Deserializer::from_reader(text.as_bytes())),
    };
    match found {
        Ok(Found::None) => Ok(None),
        Ok(Found::One(frame)) => Ok(Some(frame)),
        Ok(Found::Several) => Err(NotAFrame::Line("several frames in one object".to_owned())),
        Err(error) => Err(why_not(&text, T::FRAMES, &error)),
    }
}

fn parse<'a, R: serde_json::de::Read<'a>, T: Frames<'a>>(
    json: &mut serde_json::Deserializer<R>,
) -> Result<Found<T>, serde_json::Error> {
    let found = json.deserialize_map(Object(PhantomData))?;
    json.end()?;
    Ok(found)
}

/// Distinguishes a line with an unreadable frame from one that is not a frame; `error` is
/// the parser's.
fn why_not(text: &str, frames: &[FrameInfo], error: &serde_json::Error) -> NotAFrame {
    let why: String = error.to_string().chars().take(WHY_LIMIT).collect();
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) else {
        return NotAFrame::Line(why);
    };
    let mut frames = frames
        .iter()
        .filter_map(|frame| object.get(frame.name))
        .filter(|it| !it.is_null());
    match (frames.next(), frames.next()) {
        (Some(frame), None) => NotAFrame::Content {
            id: frame.get("id").and_then(Value::as_str).map(str::to_owned),
            why,
        },
        _ => NotAFrame::Line(why),
    }
}

/// Reads a line of a client. Returns `None` for an object without a known frame, which
/// the server ignores. Bytes that are not UTF-8, and halves of surrogate pairs, become
/// U+FFFD.
///
/// # Errors
/// If it is not a JSON object, not as documented, or holds several known frames.
pub fn read_request(line: &[u8]) -> Result<Option<Request<'_>>, NotAFrame> {
    read(line)
}

/// Reads a line of a server, like [`read_request`]. Of an unknown frame with an entry it
/// returns the place ([`Reply::Unknown`]).
///
/// # Errors
/// As with [`read_request`].
pub fn read_reply(line: &[u8]) -> Result<Option<Reply<'_>>, NotAFrame> {
    read(line)
}

/// Appends a frame as one line.
pub fn write_frame(frame: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    // Frames have string keys only, and writing to a vector does not fail.
    if serde_json::to_writer(&mut *out, frame).is_err() {
        out.truncate(start);
        return;
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Code, Empty, Say};
    use super::*;
    use crate::room::{Author, Body, Entry, MemberId};

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
            b"{\xff\"say\":{\"text\":\"a\"}}",
            br#"{"say":{"text":"a"},"say":{"text":"b"}}"#,
            br#"{"say":{"text":5},"members":{}}"#,
        ] {
            assert!(
                read_request(line).is_err(),
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn null_is_as_if_it_were_not_there() {
        let line = br#"{"hello":{"protocol":1,"name":null,"after":null,"epoch":null,
            "session":null,"nonce":null,"x":null},"say":null,"bye":null}"#;
        let Ok(Some(Request::Hello(hello))) = read_request(line) else {
            panic!()
        };
        assert_eq!((&*hello.name, hello.after), ("", None));
        let line = br#"{"say":{"id":null,"text":"hi"}}"#;
        assert!(matches!(
            read_request(line),
            Ok(Some(Request::Say(Say { id: None, .. })))
        ));
        for line in [
            &br#"{"ping":null}"#[..],
            br#"{"bye":null,"hello":null}"#,
            br#"{"x":null}"#,
        ] {
            assert!(
                matches!(read_request(line), Ok(None)),
                "{}",
                line.escape_ascii()
            );
        }
        for line in [
            r#"{"joined":{"id":9,"name":"eve","count":3,"host":null}}"#,
            r#"{"presence":{"count":1,"joined":[],"joined_more":0,"left":[],"left_more":0,"away":null}}"#,
            r#"{"notice":{"code":"x","text":"y","addresses":null}}"#,
            r#"{"error":{"code":"too-fast","id":null,"text":"x","retry_ms":null,"fatal":false}}"#,
            r#"{"members":{"count":1,"list":[{"id":1,"name":"a","host":null,"away":null}],"more":false},"gap":null}"#,
            r#"{"welcome":{"protocol":1,"room":"R","epoch":"e","durable":false,"session":"s","resumed":null,
                "next":1,"you":{"id":1,"name":"ada"},"members":{"count":1,"list":[],"more":false},
                "limits":{"frame":1,"text":1,"burst":null,"per_second":null},"features":null}}"#,
        ] {
            assert!(matches!(read_reply(line.as_bytes()), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn half_characters_are_replaced_in_every_frame() {
        let line = br#"{"say":{"id":"\ude00","text":"hi \ud83d\ud83d\ude00"}}"#;
        let Ok(Some(Request::Say(say))) = read_request(line) else {
            panic!()
        };
        let read = (say.id.as_deref(), &*say.text);
        assert_eq!(read, (Some("\u{fffd}"), "hi \u{fffd}😀"));
        for line in [
            &b"{\"hello\":{\"protocol\":1,\"name\":\"caf\xe9 \\ud83d\"}}"[..],
            br#"{"wave":["\ud83d"],"members":{"x":"\ude00"}}"#,
        ] {
            assert!(
                matches!(read_request(line), Ok(Some(_))),
                "{}",
                line.escape_ascii()
            );
        }
        for line in [
            r#"{"left":{"id":3,"name":"\ud83d","why":"quit","count":2}}"#,
            r#"{"presence":{"count":1,"joined":["\ud83d"],"joined_more":0,"left":["\ude00"],"left_more":0}}"#,
            r#"{"page":{"messages":[{"seq":1,"at":"2026-11-22T10:00:00Z","from":{"id":3,"name":"\ud83d"},"text":"\ud83d"}],"more":true}}"#,
        ] {
            assert!(matches!(read_reply(line.as_bytes()), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn a_frame_that_is_not_as_documented_is_told_from_what_is_no_frame() {
        for (line, id) in [
            (r#"{"say":{"id":"1"}}"#, Some("1")),
            (r#"{"say":{"id":"1","text":5}}"#, Some("1")),
            (r#"{"say":{"id":"1","text":null},"ping":null}"#, Some("1")),
            (r#"{"say":{"id":7,"text":"hi"}}"#, None),
            (r#"{"say":{"id":"\ud83d","text":["hi"]}}"#, Some("\u{fffd}")),
            (r#"{"say":"hi"}"#, None),
            (r#"{"members":{"after":-1}}"#, None),
            (r#"{"history":{"limit":"many"}}"#, None),
            (r#"{"ping":true}"#, None),
        ] {
            match read_request(line.as_bytes()) {
                Err(NotAFrame::Content { id: told, .. }) => assert_eq!(told.as_deref(), id),
                other => panic!("{line}: {other:?}"),
            }
        }
        for line in [r#"{"say":{"text":5}"#, r#"{"say":5,"ping":{}}"#, "[]", ""] {
            let read = read_request(line.as_bytes());
            assert!(matches!(read, Err(NotAFrame::Line(_))), "{line}: {read:?}");
        }
        // The error quotes only a short part of it.
        let long = format!(r#"{{"ping":"{}"}}"#, "x".repeat(60_000));
        let told = read_request(long.as_bytes()).unwrap_err().to_string();
        assert!(told.chars().count() <= WHY_LIMIT);
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
            &Reply::Message(Entry {
                seq: 42,
                at: "2026-11-22T10:00:00.123Z".parse().unwrap(),
                author: Author::member(MemberId::new(7).unwrap(), "ada"),
                body: Body::Text {
                    id: Some("k3Qd-1".into()),
                    text: "hi\n\"you\"".into(),
                },
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
