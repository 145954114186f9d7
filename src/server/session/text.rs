//! The text protocol: a person with `nc`, or the original program.

use std::task::Poll;
use std::time::Instant;

use memchr::memchr;

use crate::protocol::native::closed;
use crate::protocol::sniff::Protocol;
use crate::protocol::text::{Framing, Input, Reader, WELCOME_NAMES, welcome, write_notice};
use crate::room::{Lease, NotEntered, NotSaid, Said, Why};

use super::super::event::Refusal;
use super::super::hub::{Arrival, NotLetIn, Soon, Wish};
use super::super::sentences::{NAME, ROOM_FULL, TOO_MANY_CONNECTIONS};
use super::peer::PeerSession;
use super::phase::{Hail, Membership, Phase};
use super::rejected::Rejected;

impl PeerSession {
    /// Handles bytes of a peer of the text protocol; an empty slice if no more will come.
    pub(super) fn take_text(&mut self, reader: &mut Reader, bytes: &[u8], now: Instant) {
        let mut rejected = Rejected::default();
        if bytes.is_empty() {
            reader.finish(|input| self.take_input(&input, now, &mut rejected));
        }
        let mut rest = bytes;
        while !rest.is_empty() && !self.phase.has_ended() && !self.awaits_outcomes() {
            let (piece, after) = rest.split_at(self.piece(rest));
            rest = after;
            reader.take(piece, |input| self.take_input(&input, now, &mut rejected));
        }
        if !self.phase.has_ended() {
            self.unread = rest.to_vec().into();
        }
        self.tell_said();
        self.tell_rejected(&rejected);
        // One notice for all lines that arrived together.
        if rejected.nameless && matches!(self.phase, Phase::Greeting) {
            self.asked = true;
            self.notice(NAME);
        }
    }

    /// The number of first bytes of a chunk that are handled before the session looks
    /// whether it must wait: a line, or all where chunks are messages.
    fn piece(&self, chunk: &[u8]) -> usize {
        let line = match self.framing {
            Some(Framing::Lines) => memchr(b'\n', chunk),
            Some(Framing::Chunks) | None => None,
        };
        line.map_or(chunk.len(), |end| end + 1)
    }

    fn take_input(&mut self, input: &Input<'_>, now: Instant, rejected: &mut Rejected) {
        if self.phase.has_ended() {
            return;
        }
        match (input, self.phase.member()) {
            (Input::Quit, _) => self.end(Why::Quit),
            // Enter, before the name.
            (Input::Said(name), None)
                if self.framing == Some(Framing::Lines) && name.trim().is_empty() =>
            {
                rejected.nameless = true;
            }
            (Input::Said(name), None) => self.join_text(name),
            (Input::TooLong, None) => self.join_text(""),
            (Input::TooLong, Some(_)) => rejected.count(NotSaid::TooLong),
            // Enter alone sends no message, and needs no answer.
            (Input::Said(text), Some(_)) if text.trim_matches(['\r', '\n']).is_empty() => {}
            (Input::Said(text), Some(member)) => {
                let lease = member.lease;
                self.say_text(lease, text, rejected, now);
            }
        }
    }

    fn say_text(&mut self, from: Lease, text: &str, rejected: &mut Rejected, now: Instant) {
        match self.guest.say(from, None, text, now) {
            Soon::Now(outcome) => {
                if outcome.is_ok() {
                    self.accepted();
                }
                self.was_said_in_text(outcome, rejected, now);
            }
            Soon::Later(ticket) => self.await_said(ticket, None),
        }
    }

    /// Counts the outcome of a message with those that are told together.
    pub(super) fn was_said_in_text(
        &mut self,
        outcome: Result<Said, NotSaid>,
        rejected: &mut Rejected,
        now: Instant,
    ) {
        match outcome {
            Ok(_) => {}
            Err(NotSaid::LeaseOver) => self.end_taken_over(),
            Err(why) => {
                self.rejected(why, now);
                rejected.count(why);
            }
        }
    }

    /// Tells the peer how many of its messages were rejected, and why.
    pub(super) fn tell_rejected(&mut self, rejected: &Rejected) {
        for text in rejected.sentences() {
            self.notice(&text);
        }
    }

    /// Asks to join.
    pub(super) fn join_text(&mut self, name: &str) {
        let wish = Wish {
            name: name.into(),
            protocol: Protocol::Text,
            host: false,
            resume: None,
            opened: self.arrived,
            // One of those listed may be the newcomer itself.
            members: WELCOME_NAMES + 1,
        };
        match self.guest.come(&wish) {
            Poll::Ready(outcome) => self.joined(outcome, Hail::default()),
            Poll::Pending => self.phase = Phase::Joining(Box::default()),
        }
    }

    /// Welcomes the peer, or tells it why it cannot join.
    pub(super) fn joined_text(&mut self, outcome: Result<Arrival, NotLetIn>) {
        let arrival = match outcome {
            Ok(arrival) => arrival,
            Err(NotLetIn::Address) => {
                self.guest.refused(Refusal::TooManyConnections);
                self.notice(TOO_MANY_CONNECTIONS);
                return self.end(Why::Protocol);
            }
            Err(NotLetIn::Room(NotEntered::Full)) => {
                self.guest.refused(Refusal::RoomFull);
                self.notice(ROOM_FULL);
                return self.end(Why::Protocol);
            }
            Err(NotLetIn::Room(NotEntered::Closed(closing))) => {
                self.notice(&closed(closing).text);
                return self.end(Why::Quit);
            }
            // A peer of this protocol has no session.
            Err(NotLetIn::Late | NotLetIn::NoSecret) => return self.end(Why::Lost),
        };
        let entered = &arrival.entered;
        let members = arrival.members.list.iter();
        let others = members.filter(|it| it.id != entered.lease.id);
        let others = others.map(|it| &*it.name);
        let room_name = &self.guest.hub().live().room_name;
        let text = welcome(room_name, &entered.name, entered.count, others);
        self.phase = Phase::Member(Membership {
            lease: entered.lease,
            revocations: arrival.revocations,
            cursor: entered.cursor,
            replay: 0..0,
            hold: None,
            wanted: None,
        });
        // Before all later events.
        write_notice(&text, &mut self.output);
        if self.framing == Some(Framing::Chunks) {
            self.output.pop();
        }
    }

    /// Sends a sentence of the server to the peer.
    pub(super) fn notice(&mut self, text: &str) {
        if self.framing == Some(Framing::Chunks) && !self.replies.is_empty() {
            self.replies.push(b'\n');
        }
        write_notice(text, &mut self.replies);
        if self.framing == Some(Framing::Chunks) {
            self.replies.pop();
        }
    }
}
