//! The native protocol: its [frames](frame), and those that the server sends.

pub mod frame;

use crate::room::{self, Closing, Event, NotSaid};

use super::sentences;

use self::frame::{
    Away, Back, Closed, ClosedCode, Code, Empty, Gap, Joined, Left, Member, MemberList, Notice,
    Presence, Reply, write_frame,
};

/// Appends an event of the room as one frame.
pub fn encode(event: &Event<'_>, out: &mut Vec<u8>) {
    let reply = match *event {
        Event::Entry(ref entry) => Reply::Message(entry.as_borrowed()),
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
        NotSaid::TooFast { retry } => {
            let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX).max(1);
            (Code::TooFast, Some(retry_ms))
        }
        NotSaid::TooLong => (Code::TooLong, None),
        NotSaid::Empty => (Code::EmptyText, None),
        NotSaid::BadId => (Code::BadId, None),
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

/// Appends a `page` of messages that the log already holds as frames.
pub fn write_page<'a>(messages: impl Iterator<Item = &'a [u8]>, more: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"page":{"messages":["#);
    for (index, frame) in messages.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let content = frame
            .strip_prefix(br#"{"message":"#)
            .and_then(|rest| rest.strip_suffix(b"}\n"))
            .unwrap_or(b"{}");
        out.extend_from_slice(content);
    }
    out.extend_from_slice(br#"],"more":"#);
    out.extend_from_slice(if more { b"true" } else { b"false" });
    out.extend_from_slice(b"}}\n");
}
