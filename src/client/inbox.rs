//! Turns the bytes from the server into events. Does no I/O.

use std::borrow::Cow;
use std::time::Duration;

use crate::protocol::address::Address;
use crate::protocol::lines::{Line, Lines};
use crate::protocol::native::frame::{
    About, Challenge, Closed, ClosedCode, Code, Error, IntoClean, Reply, clean_sentence, read_reply,
};
use crate::protocol::{FRAME_LIMIT, PROTOCOL};

use super::End;
use super::event::Event;

/// The most bytes of a frame from the server: a list of members or a page of the history
/// is longer than other frames.
pub const SERVER_FRAME_LIMIT: usize = 1 << 20;

/// The most bytes without a meaning that may come before the welcome, such as the text
/// door's words for people.
pub const JUNK_LIMIT: usize = FRAME_LIMIT;

/// An input from the server.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An event for the listener.
    Event(Event),
    /// An entry of a kind that this version does not know. Only its place counts.
    Unknown {
        /// Its place among all entries.
        seq: u64,
    },
    /// What the server says of its room before the welcome.
    About(About<'static>),
    /// The server wants a proof before the welcome.
    Challenge(Challenge<'static>),
}

impl From<Event> for Incoming {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// Reads the server's output.
///
/// Holds no more than one unfinished line of at most [`SERVER_FRAME_LIMIT`].
#[derive(Debug)]
pub(super) struct Inbox {
    address: Address,
    lines: Lines,
    welcomed: bool,
    /// The bytes of whole lines without a meaning that came before the welcome.
    junk: usize,
    /// The server sent a `ping`, and the client owes it a `pong`.
    pub pinged: bool,
}

impl Inbox {
    /// For the server at `address`.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            lines: Lines::new(SERVER_FRAME_LIMIT),
            welcomed: false,
            junk: 0,
            pinged: false,
        }
    }

    /// Reads the next bytes and appends their inputs to `inputs`, at most one for each
    /// line.
    ///
    /// # Errors
    /// Why the connection has to end. The inputs from before are in `inputs`.
    pub fn take(&mut self, bytes: &[u8], inputs: &mut Vec<Incoming>) -> Result<(), End> {
        let mut rest = bytes;
        while let Some(line) = self.lines.next(&mut rest) {
            match line {
                Line::Whole(line) => self.take_line(&line, inputs)?,
                Line::TooLong => return Err(self.not_a_frame()),
            }
        }
        if !self.welcomed {
            let begun = self.lines.begun();
            let begun_junk = if begun.starts_with(b"{") {
                0
            } else {
                begun.len()
            };
            if self.junk + begun_junk > JUNK_LIMIT {
                return Err(self.not_a_frame());
            }
        }
        Ok(())
    }

    /// The end that follows from input that is not as documented.
    fn not_a_frame(&self) -> End {
        if self.welcomed {
            End::Garbled
        } else {
            End::NotChatroom(self.address.clone())
        }
    }

    fn take_line(&mut self, line: &[u8], inputs: &mut Vec<Incoming>) -> Result<(), End> {
        if !self.welcomed {
            self.junk += line.len() + 1;
            if !line.starts_with(b"{") {
                return Ok(());
            }
        }
        if line.is_empty() {
            return Ok(());
        }
        let reply = read_reply(line).map_err(|_| self.not_a_frame())?;
        let event = match reply {
            Some(Reply::Error(error)) if error.fatal => return Err(end_of_error(error)),
            Some(Reply::Closed(closed)) => return Err(end_of_closed(closed)),
            Some(Reply::Ping(_)) => {
                self.pinged = true;
                return Ok(());
            }
            Some(Reply::Welcome(welcome)) if !self.welcomed => {
                if welcome.protocol != PROTOCOL {
                    return Err(End::OtherVersion);
                }
                self.welcomed = true;
                Event::Welcomed(Box::new(welcome.into_clean()))
            }
            Some(Reply::About(about)) if !self.welcomed => {
                inputs.push(Incoming::About(about.into_clean()));
                return Ok(());
            }
            Some(Reply::Challenge(challenge)) if !self.welcomed => {
                inputs.push(Incoming::Challenge(challenge.into_clean()));
                return Ok(());
            }
            // Before the welcome the client ignores everything else, and there is only
            // one welcome.
            _ if !self.welcomed => return Ok(()),
            None
            | Some(Reply::Pong(_) | Reply::Welcome(_) | Reply::Challenge(_) | Reply::About(_)) => {
                return Ok(());
            }
            Some(Reply::Unknown { seq }) => {
                inputs.push(Incoming::Unknown { seq });
                return Ok(());
            }
            Some(Reply::Message(message)) => Event::Message(message.into_clean()),
            Some(Reply::Joined(joined)) => Event::Joined(joined.into_clean()),
            Some(Reply::Left(left)) => Event::Left(left.into_clean()),
            Some(Reply::Away(away)) => Event::Away(away.into_clean()),
            Some(Reply::Back(back)) => Event::Back(back.into_clean()),
            Some(Reply::Said(said)) => Event::Said(said.into_clean()),
            Some(Reply::Presence(presence)) => Event::Presence(presence.into_clean()),
            Some(Reply::Notice(notice)) => Event::Notice(notice.into_clean()),
            Some(Reply::Members(members)) => Event::Members(members.into_clean()),
            Some(Reply::Page(page)) => Event::Page(page.into_clean()),
            Some(Reply::Gap(gap)) => Event::Gap(gap),
            Some(Reply::Erased(erased)) => Event::Erased(erased.into_clean()),
            Some(Reply::Host(host)) => Event::Host(host.into_clean()),
            Some(Reply::Limits(limits)) => Event::Limits(limits),
            Some(Reply::Kicked(kicked)) => Event::Kicked(kicked.into_clean()),
            Some(Reply::Muted(muted)) => Event::Muted(muted.into_clean()),
            Some(Reply::Invite(invite)) => Event::Invite(invite.into_clean()),
            Some(Reply::Error(error)) => Event::Error(error.into_clean()),
        };
        inputs.push(event.into());
        Ok(())
    }
}

fn end_of_error(error: Error<'_>) -> End {
    match error.code {
        Code::RoomFull => End::RoomFull,
        Code::TooManyConnections => End::TooManyConnections,
        Code::ProtocolVersion => End::OtherVersion,
        Code::KeyNeeded => End::KeyNeeded,
        Code::KeyWrong => End::KeyWrong,
        Code::TlsNeeded => End::TlsNeeded,
        Code::Banned => End::Banned {
            retry: error.retry_ms.map(Duration::from_millis),
        },
        _ => End::Rejected(in_a_line(error.text)),
    }
}

fn end_of_closed(closed: Closed<'_>) -> End {
    match closed.code {
        ClosedCode::Bye => End::Left,
        ClosedCode::HostClosed => End::RoomClosed,
        ClosedCode::TakenOver => End::TakenOver,
        ClosedCode::Removed => End::Removed,
        ClosedCode::ServiceStopping | ClosedCode::StoreFailed => End::ServiceStopping {
            retry: closed.retry_ms.map(Duration::from_millis),
        },
        ClosedCode::Unknown => End::Rejected(in_a_line(closed.text)),
    }
}

/// The server's words as a part of one sentence.
fn in_a_line(words: Cow<'_, str>) -> String {
    clean_sentence(words).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WELCOME: &str = concat!(
        r#"{"welcome":{"protocol":1,"room":"R","epoch":"e","durable":false,"session":"s","#,
        r#""next":1,"you":{"id":1,"name":"ada"},"members":{"count":1,"list":[],"more":false},"#,
        r#""limits":{"frame":65536,"text":4000}}}"#,
        "\n"
    );

    /// The events from `bytes`, and the end if there is one.
    fn take(bytes: &[u8]) -> (Vec<Event>, Option<End>) {
        let mut inbox = Inbox::new(Address::default());
        let mut inputs = Vec::new();
        let end = inbox.take(bytes, &mut inputs).err();
        let events = inputs.into_iter().map(|input| match input {
            Incoming::Event(event) => event,
            other => panic!("{other:?}"),
        });
        (events.collect(), end)
    }

    fn welcomed(rest: &str) -> (Vec<Event>, Option<End>) {
        let (mut events, end) = take(format!("{WELCOME}{rest}").as_bytes());
        assert!(matches!(events.remove(0), Event::Welcomed(_)));
        (events, end)
    }

    #[test]
    fn words_before_the_welcome_are_passed_over_up_to_a_limit() {
        let words = "SERVER: What is your name?\n";
        let (events, end) = take(format!("{words}\n{words}{WELCOME}").as_bytes());
        assert!(matches!(events[..], [Event::Welcomed(_)]) && end.is_none());

        let not_chatroom = Some(End::NotChatroom(Address::default()));
        let line = "x".repeat(1_023) + "\n";
        assert_eq!(take(line.repeat(64).as_bytes()).1, None);
        assert_eq!(take(line.repeat(65).as_bytes()).1, not_chatroom);
        assert_eq!(take("x".repeat(JUNK_LIMIT + 1).as_bytes()).1, not_chatroom);
        // Frames without a meaning count too.
        assert_eq!(
            take("{\"x\":{}}\n".repeat(10_000).as_bytes()).1,
            not_chatroom
        );
    }

    #[test]
    fn a_frame_before_the_welcome_that_is_not_one_is_not_of_a_room() {
        for line in ["{\n", "{\"welcome\":1}\n", "{\"error\":\"no\"}\n"] {
            let end = take(line.as_bytes()).1;
            assert_eq!(end, Some(End::NotChatroom(Address::default())), "{line}");
        }
    }

    #[test]
    fn a_welcome_in_another_version_is_told() {
        let welcome = WELCOME.replace("\"protocol\":1", "\"protocol\":2");
        assert_eq!(take(welcome.as_bytes()).1, Some(End::OtherVersion));
    }

    #[test]
    fn every_end_that_the_server_gives_is_told_apart() {
        let error = |code: &str| {
            format!("{{\"error\":{{\"code\":\"{code}\",\"text\":\"a\\nb\",\"fatal\":true}}}}\n")
        };
        let closed = |code: &str| {
            format!("{{\"closed\":{{\"code\":\"{code}\",\"text\":\"a\",\"retry_ms\":1500}}}}\n")
        };
        for (line, end) in [
            (error("room-full"), End::RoomFull),
            (error("too-many-connections"), End::TooManyConnections),
            (error("protocol-version"), End::OtherVersion),
            (error("bad-frame"), End::Rejected("a b".to_owned())),
            (error("of-tomorrow"), End::Rejected("a b".to_owned())),
            (closed("bye"), End::Left),
            (closed("host-closed"), End::RoomClosed),
            (
                closed("service-stopping"),
                End::ServiceStopping {
                    retry: Some(Duration::from_millis(1_500)),
                },
            ),
            (closed("of-tomorrow"), End::Rejected("a".to_owned())),
        ] {
            assert_eq!(take(line.as_bytes()).1.as_ref(), Some(&end), "{line}");
            assert_eq!(welcomed(&line).1, Some(end), "{line}");
        }
    }

    #[test]
    fn what_the_protocol_does_not_have_yet_is_passed_over() {
        let (events, end) = welcomed("\n{\"wave\":{}}\n\r\n{}\n{\"pong\":{}}\n");
        assert!(events.is_empty() && end.is_none());
    }

    #[test]
    fn of_an_entry_of_an_unknown_kind_the_place_counts() {
        let mut inbox = Inbox::new(Address::default());
        let mut inputs = Vec::new();
        let entry = r#"{"reaction":{"seq":7,"to":3,"text":"+1"}}"#;
        // Before the welcome nothing counts.
        let lines = format!("{entry}\n{WELCOME}{entry}\n");
        inbox.take(lines.as_bytes(), &mut inputs).unwrap();
        assert!(
            matches!(
                inputs[..],
                [
                    Incoming::Event(Event::Welcomed(_)),
                    Incoming::Unknown { seq: 7 }
                ]
            ),
            "{inputs:?}"
        );
    }

    #[test]
    fn an_entry_of_an_unknown_kind_does_not_break_a_page() {
        let message = |seq| {
            format!(
                r#"{{"seq":{seq},"at":"2026-11-22T10:00:00Z","from":{{"id":1,"name":"bob"}},"text":"hi"}}"#
            )
        };
        let page = |other: &str| {
            let (one, two) = (message(1), message(3));
            welcomed(&format!(
                "{{\"page\":{{\"messages\":[{one},{other},{two}],\"more\":true}}}}\n"
            ))
        };
        let (events, end) = page(r#"{"seq":2,"at":"2026-11-22T10:00:00Z","reaction":{"to":1}}"#);
        assert_eq!(end, None);
        let [Event::Page(page_read)] = &events[..] else {
            panic!("{events:?}")
        };
        let seqs: Vec<_> = page_read.messages.iter().map(|it| it.seq).collect();
        assert_eq!(seqs, [1, 3]);
        // An element without a place is no entry.
        assert_eq!(page(r#"{"text":"hi"}"#).1, Some(End::Garbled));
    }

    #[test]
    fn what_is_not_a_frame_after_the_welcome_ends_the_connection() {
        assert_eq!(welcomed("hello\n").1, Some(End::Garbled));
        let long = "x".repeat(SERVER_FRAME_LIMIT + 2);
        assert_eq!(welcomed(&long).1, Some(End::Garbled));
    }

    #[test]
    fn names_and_texts_are_clean_whatever_the_server_sent() {
        let at = "\"at\":\"2026-11-22T10:00:00.123Z\"";
        let (events, _) = welcomed(&format!(
            "{{\"message\":{{\"seq\":1,{at},\"from\":{{\"id\":1,\"name\":\"a:\\u001b[2J\\n\"}},\
             \"text\":\"\\u001b]0;x\\u0007hi\\r\"}}}}\n"
        ));
        let [Event::Message(message)] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(message.author.name, "a[2J");
        assert_eq!(message.text(), Some("]0;xhi"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces in proptest::collection::vec(
            prop_oneof![
                Just(WELCOME.as_bytes().to_vec()),
                proptest::collection::vec(any::<u8>(), 0..80),
            ], 0..10)) {
            let mut inbox = Inbox::new(Address::default());
            let mut events = Vec::new();
            for piece in pieces {
                if inbox.take(&piece, &mut events).is_err() {
                    break;
                }
            }
        }
    }
}
