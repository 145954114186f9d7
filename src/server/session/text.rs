//! The text protocol: a person with `nc`, or the original program.

use std::task::Poll;
use std::time::Instant;

use memchr::memchr;

use crate::protocol::native::closed;
use crate::protocol::sniff::Protocol;
use crate::protocol::text::{Framing, Input, Reader, WELCOME_NAMES, welcome, write_notice};
use crate::room::{Lease, NotEntered, NotSaid, RoomKey, Said, Why};

use super::super::event::Refusal;
use super::super::hub::{Arrival, NotLetIn, Proven, Soon, Wish};
use super::super::sentences::{
    ENCRYPTED, KEY, KEY_LATE, KEY_REFUSED, KEY_WRONG, NAME, PRIVATE, ROOM_FULL,
    TOO_MANY_CONNECTIONS, banned,
};
use super::peer::PeerSession;
use super::phase::{Hail, Membership, Phase};
use super::rejected::Rejected;

/// The most lines in which a peer may try to send the room's key.
const KEY_TRIES: u8 = 3;

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
            self.notice(if self.needs_key() { KEY } else { NAME });
        }
    }

    /// Whether the peer must send the room's key before its name.
    fn needs_key(&self) -> bool {
        self.proven.is_none() && self.hub().live().private
    }

    /// Ends the session of a peer that has not joined and may not, because its connection is
    /// not encrypted. Returns whether that is so.
    fn refuses_plain_text(&mut self) -> bool {
        if self.guest.is_encrypted() || !matches!(self.phase, Phase::Greeting) {
            return false;
        }
        let live = self.hub().live();
        let why = match (live.private, live.tls_only) {
            (true, _) => PRIVATE,
            (false, true) => ENCRYPTED,
            (false, false) => return false,
        };
        self.guest.refused(Refusal::TlsNeeded);
        self.notice(why);
        self.end(Why::Protocol);
        true
    }

    /// Compares a line with the room's key; after [`KEY_TRIES`] wrong ones the session ends.
    fn take_key(&mut self, line: &str, now: Instant) {
        if !self.guest.may_try_key(now) {
            self.guest.refused(Refusal::TooManyConnections);
            self.notice(TOO_MANY_CONNECTIONS);
            return self.end(Why::Protocol);
        }
        // The comparison takes the same time wherever they differ.
        let is_right = line
            .parse::<RoomKey>()
            .is_ok_and(|key| key == self.hub().keys().key);
        self.asked = true;
        if is_right {
            self.proven = Some(Proven::Member);
            return self.notice(NAME);
        }
        self.guest.had_wrong_key(now);
        self.wrong_keys += 1;
        if self.wrong_keys < KEY_TRIES {
            return self.notice(KEY_WRONG);
        }
        self.notice(KEY_REFUSED);
        self.end(Why::Protocol);
    }

    /// Lets a peer in that gave no name in time, unless it had to send a key.
    pub(super) fn join_unasked(&mut self, now: Instant) {
        if self.refuses_plain_text() {
            return;
        }
        if self.needs_key() {
            self.guest.refused(Refusal::KeyNeeded);
            self.notice(KEY_LATE);
            return self.end(Why::Protocol);
        }
        self.join_text("", now);
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
        if self.phase.has_ended() || self.refuses_plain_text() {
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
            (Input::Said(key), None) if self.needs_key() => self.take_key(key, now),
            (Input::TooLong, None) if self.needs_key() => self.take_key("", now),
            (Input::Said(name), None) => self.join_text(name, now),
            (Input::TooLong, None) => self.join_text("", now),
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
            Err(NotSaid::LeaseOver) => self.end_revoked(),
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
    fn join_text(&mut self, name: &str, now: Instant) {
        let wish = Wish {
            name: name.into(),
            protocol: Protocol::Text,
            is_encrypted: self.guest.is_encrypted(),
            proven: self.proven,
            host: false,
            resume: None,
            opened: self.arrived,
            // One of those listed may be the newcomer itself.
            members: WELCOME_NAMES + 1,
        };
        match self.guest.come(&wish, now) {
            Poll::Ready(outcome) => self.joined(outcome, Hail::default(), now),
            Poll::Pending => self.phase = Phase::Joining(Box::default()),
        }
    }

    /// Welcomes the peer, or tells it why it cannot join.
    pub(super) fn joined_text(&mut self, outcome: Result<Arrival, NotLetIn>) {
        let arrival = match outcome {
            Ok(arrival) => arrival,
            Err(NotLetIn::Banned(remaining)) => {
                self.guest.refused(Refusal::Banned);
                self.notice(&banned(remaining));
                return self.end(Why::Protocol);
            }
            // The room has become private just now.
            Err(NotLetIn::Unproven) => {
                self.phase = Phase::Greeting;
                return self.notice(KEY);
            }
            Err(NotLetIn::TlsNeeded) => {
                self.phase = Phase::Greeting;
                self.refuses_plain_text();
                return self.end(Why::Protocol);
            }
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
