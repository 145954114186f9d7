//! The native protocol: its [frames](frame), and those that the server sends.

pub mod frame;

use std::time::Duration;

use crate::room::{self, Author, Body, Closing, Entry, Event, NotSaid, RateLimit, TEXT_LIMIT};

use super::{FRAME_LIMIT, sentences};

use self::frame::{
    Away, Back, By, Closed, ClosedCode, Code, Empty, Erased, Gap, Host, Joined, Left, Limits,
    Member, MemberList, Notice, Presence, Reply, write_frame,
};

/// Appends an event of the room as one frame.
pub fn encode(event: &Event<'_>, out: &mut Vec<u8>) {
    let reply = match *event {
        Event::Entry(ref entry) | Event::Erased { ref entry, .. } => match entry.body {
            Body::Erased { of } => Reply::Erased(Erased {
                seq: entry.seq,
                at: entry.at,
                of,
                by: By {
                    id: entry.author.id,
                    name: (&*entry.author.name).into(),
                },
            }),
            _ => Reply::Message(entry.as_borrowed()),
        },
        Event::Host { id, name, from } => Reply::Host(Host {
            id,
            name: name.into(),
            from,
        }),
        Event::Limits { rate_limit, every } => Reply::Limits(limits(rate_limit, every)),
        Event::Joined {
            id,
            name,
            host,
            count,
        } => Reply::Joined(Joined {
            id,
            name: name.into(),
            host,
            count,
        }),
        Event::Left {
            id,
            name,
            why,
            count,
        } => Reply::Left(Left {
            id,
            name: name.into(),
            why,
            count,
        }),
        Event::Away { id, name } => Reply::Away(Away {
            id,
            name: name.into(),
        }),
        Event::Back { id, name } => Reply::Back(Back {
            id,
            name: name.into(),
        }),
        Event::Notice { code, text } => Reply::Notice(Notice {
            code: code.into(),
            text: text.into(),
            addresses: Vec::new(),
        }),
        Event::Alive => Reply::Ping(Empty {}),
        Event::Presence(gathered) => Reply::Presence(Presence {
            count: gathered.count,
            joined: gathered
                .joined
                .iter()
                .map(|name| (&**name).into())
                .collect(),
            joined_more: gathered.joined_more,
            left: gathered.left.iter().map(|name| (&**name).into()).collect(),
            left_more: gathered.left_more,
            away: gathered.away,
        }),
        Event::Closed(closing) => Reply::Closed(closed(closing)),
    };
    write_frame(&reply, out);
}

/// Reads a lasting entry back from its frame.
#[must_use]
pub fn decode(frame: &[u8]) -> Option<Entry<'_>> {
    match frame::read_reply(frame) {
        Ok(Some(Reply::Message(entry))) => Some(entry),
        Ok(Some(Reply::Erased(Erased { seq, at, of, by }))) => Some(Entry {
            seq,
            at,
            author: Author {
                id: by.id,
                name: by.name,
            },
            body: Body::Erased { of },
        }),
        _ => None,
    }
}

/// The limits for the members of a room: its rate limit, and the least time between two
/// messages of a member who is no host, zero without slow mode.
#[must_use]
pub fn limits(rate_limit: RateLimit, every: Duration) -> Limits {
    let rate = (rate_limit.per_second > 0).then_some(rate_limit);
    let seconds = every.as_secs() + u64::from(every.subsec_nanos() > 0);
    Limits {
        frame: FRAME_LIMIT,
        text: TEXT_LIMIT,
        burst: rate.map(|it| it.burst),
        per_second: rate.map(|it| it.per_second),
        every_s: (seconds > 0).then_some(seconds),
    }
}

/// The frame for a room that was closed.
#[must_use]
pub fn closed(closing: Closing) -> Closed<'static> {
    match closing {
        Closing::ForGood => Closed {
            code: ClosedCode::HostClosed,
            text: "The room was closed.".into(),
            retry_ms: None,
        },
        Closing::Service { retry_ms } => Closed {
            code: ClosedCode::ServiceStopping,
            text: "The service that runs the room is stopping; it may start again.".into(),
            retry_ms: Some(retry_ms),
        },
        Closing::StoreFailed { retry_ms } => Closed {
            code: ClosedCode::StoreFailed,
            text: "Messages can no longer be saved, so the room is closing. \
                   Messages you have received are safe."
                .into(),
            retry_ms: Some(retry_ms),
        },
    }
}

/// The frame for a connection whose membership another connection took over.
#[must_use]
pub fn taken_over() -> Closed<'static> {
    Closed {
        code: ClosedCode::TakenOver,
        text: "Another connection has taken over your membership.".into(),
        retry_ms: None,
    }
}

/// The frame for a connection whose member was removed.
#[must_use]
pub fn removed() -> Closed<'static> {
    Closed {
        code: ClosedCode::Removed,
        text: "You were removed from the room.".into(),
        retry_ms: None,
    }
}

/// An error with its text.
#[must_use]
pub fn error(code: Code, text: impl Into<String>) -> frame::Error<'static> {
    let fatal = code.is_fatal();
    frame::Error {
        code,
        id: None,
        text: text.into().into(),
        retry_ms: None,
        fatal,
    }
}

/// The error for a rejected message with the id `id`. `None` if another frame informs the
/// sender: the room is closed, or the lease is over.
#[must_use]
pub fn not_said(why: NotSaid, id: Option<&str>) -> Option<frame::Error<'_>> {
    let text = sentences::not_said(why, 1)?;
    let (code, retry_ms) = match why {
        NotSaid::TooFast { retry } => (Code::TooFast, Some(milliseconds(retry))),
        NotSaid::TooLong => (Code::TooLong, None),
        NotSaid::Empty => (Code::EmptyText, None),
        NotSaid::BadId => (Code::BadId, None),
        NotSaid::Muted { retry } => (Code::Muted, Some(milliseconds(retry))),
        NotSaid::Closed | NotSaid::LeaseOver => return None,
    };
    // An id that is too long is not sent back: the answer stays small.
    let id = id
        .filter(|id| id.len() <= room::MESSAGE_ID_LIMIT)
        .map(Into::into);
    Some(frame::Error {
        id,
        retry_ms,
        ..error(code, text)
    })
}

/// The time after which a peer may try again: it never tries too early.
fn milliseconds(retry: Duration) -> u64 {
    let rounded_up = retry.saturating_add(Duration::from_nanos(999_999));
    u64::try_from(rounded_up.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

/// The frame for messages that a reader missed.
#[must_use]
pub const fn gap(gap: room::Gap) -> Reply<'static> {
    Reply::Gap(Gap {
        from: gap.from,
        to: gap.to,
    })
}

/// The members of a page.
#[must_use]
pub fn member_list(page: &room::Page) -> MemberList<'_> {
    let list = page.list.iter().map(|it| Member {
        id: it.id,
        name: (&*it.name).into(),
        host: it.host,
        away: it.away,
    });
    MemberList {
        count: page.count,
        list: list.collect(),
        more: page.more,
    }
}

/// The content of a frame of one key.
fn content(frame: &[u8]) -> &[u8] {
    // No name of a frame has a colon.
    let content = frame.iter().position(|byte| *byte == b':');
    content
        .and_then(|colon| frame[colon + 1..].strip_suffix(b"}\n"))
        .unwrap_or(b"{}")
}

/// Appends a `page` of entries that the log already holds as frames.
///
/// A message is in a page with the content of its `message`, an erasure with that of its
/// `erased`: it has `of`, and no `text`.
pub fn write_page<'a>(messages: impl Iterator<Item = &'a [u8]>, more: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"page":{"messages":["#);
    for (index, frame) in messages.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(content(frame));
    }
    out.extend_from_slice(br#"],"more":"#);
    out.extend_from_slice(if more { b"true" } else { b"false" });
    out.extend_from_slice(b"}}\n");
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::room::MemberId;

    fn frame(event: &Event<'_>) -> String {
        let mut out = Vec::new();
        encode(event, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn entry<'a>(seq: u64, author: Author<'a>, body: Body<'a>) -> Entry<'a> {
        Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author,
            body,
        }
    }

    #[test]
    fn an_erased_message_and_who_erased_it_are_frames() {
        let ada = || Author::member(MemberId::MIN, "ada");
        let gone = Body::Gone {
            id: Some("k-1".into()),
        };
        assert_eq!(
            frame(&Event::Entry(entry(1, ada(), gone))),
            "{\"message\":{\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\
             \"from\":{\"id\":1,\"name\":\"ada\"},\"id\":\"k-1\",\"text\":\"\",\
             \"erased\":true}}\n"
        );
        let told = |author| Event::Erased {
            entry: entry(2, author, Body::Erased { of: 1 }),
            sender: "bob",
        };
        let rest = "\"of\":1,\"by\":{\"id\":1,\"name\":\"ada\"}}}\n";
        assert!(frame(&told(ada())).ends_with(rest));
        let rest = "\"of\":1,\"by\":{\"name\":\"SERVER\"}}}\n";
        let by_server = frame(&told(Author::administrator()));
        assert!(by_server.starts_with("{\"erased\":{\"seq\":2,") && by_server.ends_with(rest));
    }

    #[test]
    fn a_new_host_and_new_limits_are_frames() {
        let host = Event::Host {
            id: MemberId::MIN,
            name: "ada",
            from: Some(MemberId::MAX),
        };
        let from = MemberId::MAX;
        let expected = format!("{{\"host\":{{\"id\":1,\"name\":\"ada\",\"from\":{from}}}}}\n");
        assert_eq!(frame(&host), expected);
        let limits = |per_second, millis| {
            frame(&Event::Limits {
                rate_limit: RateLimit::per_second(per_second),
                every: Duration::from_millis(millis),
            })
        };
        let expected =
            "{\"limits\":{\"frame\":65536,\"text\":4000,\"burst\":20,\"per_second\":5}}\n";
        assert_eq!(limits(5, 0), expected);
        let expected = "{\"limits\":{\"frame\":65536,\"text\":4000,\"every_s\":2}}\n";
        assert_eq!(limits(0, 1_001), expected);
    }

    #[test]
    fn a_page_has_the_contents_of_its_frames() {
        let ada = || Author::member(MemberId::MIN, "ada");
        let text = Body::Text {
            id: None,
            text: "a:{}".into(),
        };
        let frames = [text, Body::Gone { id: None }, Body::Erased { of: 2 }];
        let frames: Vec<String> = (1..)
            .zip(frames)
            .map(|(seq, body)| frame(&Event::Entry(entry(seq, ada(), body))))
            .collect();
        let mut out = Vec::new();
        write_page(frames.iter().map(String::as_bytes), false, &mut out);
        let page: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let entries = page["page"]["messages"].as_array().unwrap();
        assert_eq!(entries[0]["text"], "a:{}");
        assert_eq!(entries[1]["erased"], true);
        assert_eq!(
            (&entries[2]["seq"], &entries[2]["of"]),
            (&3.into(), &2.into())
        );
        assert!(entries[2].get("text").is_none());
    }

    #[test]
    fn a_wait_is_never_too_short() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_nanos(1_000_001)), 2);
        assert_eq!(milliseconds(Duration::from_millis(2)), 2);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn an_entry_is_read_back_from_its_frame(
            seq in 1..u64::MAX,
            millis in 0..4_102_444_800_000_i64,
            author in proptest::option::of(1..u64::MAX),
            name in "\\PC{1,32}",
            id in proptest::option::of("\\PC{1,20}"),
            text in any::<String>(),
            kind in 0..3,
        ) {
            let id = id.map(Into::into);
            let author = author.and_then(MemberId::new);
            let (author, body) = match (kind, author) {
                (0, Some(author)) => (Author::member(author, name), Body::Text { id, text: text.into() }),
                (1, Some(author)) => (Author::member(author, name), Body::Gone { id }),
                (_, id) => (Author { id, name: name.into() }, Body::Erased { of: seq }),
            };
            let at = Timestamp::from_millisecond(millis).unwrap();
            let entry = Entry { seq, at, author, body };
            let frame = frame(&Event::Entry(entry.as_borrowed()));
            prop_assert_eq!(decode(frame.as_bytes()), Some(entry.as_borrowed()));
        }

        #[test]
        fn no_bytes_are_read_back_with_a_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode(&bytes);
        }
    }
}
