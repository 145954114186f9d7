//! The text door: a person with `nc`, or the original program.

use std::time::Instant;

use crate::protocol::TEXT;
use crate::protocol::native::closed;
use crate::protocol::sniff::Protocol;
use crate::protocol::text::{
    Framing, Input, Reader, WELCOME_NAMES, not_said, welcome, write_notice,
};
use crate::room::{Draft, NotEntered, NotSaid, WantedName, Why};

use super::super::accept::TOO_MANY_CONNECTIONS;
use super::super::event::Refusal;
use super::super::guest::NotLetIn;
use super::{Membership, Session};

/// The rejected messages of one chunk.
#[derive(Default)]
struct NotTaken {
    too_fast: usize,
    too_long: usize,
    empty: usize,
    /// The reason for the last one that came too fast.
    why: Option<NotSaid>,
    /// Whether there was a line without a name where one was expected.
    nameless: bool,
}

impl Session {
    /// Handles bytes of a peer of the text door; an empty slice if no more will come.
    pub(super) fn take_text(&mut self, reader: &mut Reader, bytes: &[u8], now: Instant) {
        let mut not_taken = NotTaken::default();
        let take = |input: Input<'_>| {
            if self.ending.is_none() {
                self.take_input(&input, now, &mut not_taken);
            }
        };
        match bytes {
            [] => reader.finish(take),
            bytes => reader.take(bytes, take),
        }
        self.tell_said();
        let refusals = [
            (not_taken.why, not_taken.too_fast),
            (Some(NotSaid::TooLong), not_taken.too_long),
            (Some(NotSaid::Empty), not_taken.empty),
        ];
        for (why, count) in refusals {
            if count > 0
                && let Some(text) = why.and_then(|why| not_said(why, count))
            {
                self.notice(&text);
            }
        }
        // One notice for all lines that arrived together.
        if not_taken.nameless && self.member.is_none() && self.ending.is_none() {
            self.ask_for_name();
        }
    }

    /// Asks a person for a name.
    pub(super) fn ask_for_name(&mut self) {
        self.asked = true;
        self.notice("What is your name?");
    }

    fn take_input(&mut self, input: &Input<'_>, now: Instant, not_taken: &mut NotTaken) {
        match (input, &self.member) {
            (Input::Quit, _) => self.end(Why::Quit),
            // Enter, before the name.
            (Input::Said(name), None)
                if self.manner == Some(Framing::Lines) && name.trim().is_empty() =>
            {
                not_taken.nameless = true;
            }
            (Input::Said(name), None) => self.enter_text(name),
            (Input::TooLong, None) => self.enter_text(""),
            (Input::TooLong, Some(_)) => not_taken.too_long += 1,
            // Enter alone sends no message, and needs no answer.
            (Input::Said(text), Some(_)) if text.trim_matches(['\r', '\n']).is_empty() => {}
            (Input::Said(text), Some(member)) => {
                let lease = member.lease;
                let said = self.try_to_say(lease, Draft::new(None, text), now);
                match said {
                    Ok(_) => self.said(),
                    Err(NotSaid::LeaseOver) => self.end_taken_over(),
                    Err(why) => {
                        self.refused(why, now);
                        match why {
                            NotSaid::TooFast { .. } => {
                                not_taken.too_fast += 1;
                                not_taken.why = Some(why);
                            }
                            NotSaid::TooLong => not_taken.too_long += 1,
                            NotSaid::Empty => not_taken.empty += 1,
                            NotSaid::BadId | NotSaid::Closed | NotSaid::LeaseOver => {}
                        }
                    }
                }
            }
        }
    }

    /// Adds the peer to the room, and welcomes it.
    pub(super) fn enter_text(&mut self, name: &str) {
        // One of those listed may be the newcomer itself.
        let (wanted, listed) = (WantedName::of(name), WELCOME_NAMES + 1);
        let arrival = match self
            .guest
            .enter(&wanted, Protocol::Text, false, None, listed)
        {
            Ok(arrival) => arrival,
            Err(NotLetIn::Address) => {
                self.report_refusal(Refusal::TooManyConnections);
                self.notice(TOO_MANY_CONNECTIONS);
                return self.end(Why::Protocol);
            }
            Err(NotLetIn::Room(NotEntered::Full)) => {
                self.report_refusal(Refusal::RoomFull);
                self.notice("The room is full. Try again later.");
                return self.end(Why::Protocol);
            }
            Err(NotLetIn::Room(NotEntered::Closed(closing))) => {
                self.notice(&closed(closing).text);
                return self.end(Why::Quit);
            }
        };
        let entered = &arrival.entered;
        let members = arrival.members.list.iter();
        let others = members.filter(|it| it.id != entered.lease.id);
        let others = others.map(|it| &*it.name);
        let room_name = &self.shared.live().room_name;
        let text = welcome(room_name, &entered.name, entered.count, others);
        self.member = Some(Membership {
            lease: entered.lease,
            takeovers: arrival.takeovers,
            door: TEXT,
            cursor: entered.cursor,
            replay: 0..0,
        });
        // Before all later events.
        write_notice(&text, &mut self.output);
        if self.manner == Some(Framing::Chunks) {
            self.output.pop();
        }
    }

    /// Sends a sentence of the server to the peer.
    pub(super) fn notice(&mut self, text: &str) {
        if self.manner == Some(Framing::Chunks) && !self.replies.is_empty() {
            self.replies.push(b'\n');
        }
        write_notice(text, &mut self.replies);
        if self.manner == Some(Framing::Chunks) {
            self.replies.pop();
        }
    }
}
