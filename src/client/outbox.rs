//! The unconfirmed messages. Does no I/O and has no clock.
//!
//! A message stays here, in the order of sending, until the server confirms it or rejects
//! it for good. It is *in flight* from when the client sends it until the server answers
//! it or the connection is lost; after a loss, the client sends it again under the same
//! id. The client sends nothing while a message before it waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::protocol::native::frame::Limits;

use super::rate_limit::RateLimit;
use super::{NotQueued, OUTBOX_BYTES, OUTBOX_MESSAGES};

/// A message of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub id: String,
    pub text: String,
}

impl Own {
    fn bytes(&self) -> usize {
        self.id.len() + self.text.len()
    }
}

#[derive(Debug)]
struct Entry {
    own: Own,
    /// Sent on this connection, and not answered.
    in_flight: bool,
    /// The client sent it at some time, and the server may have accepted it.
    doubt: Option<Doubt>,
}

/// The reason why the client cannot know whether the server accepted a message.
#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    /// The client sent it as a member that is gone: the server would accept it a second
    /// time.
    foreign: bool,
    /// The client missed messages from after it was sent, and it may be one of them.
    in_gap: bool,
}

impl Entry {
    fn is_foreign(&self) -> bool {
        self.doubt.is_some_and(|doubt| doubt.foreign)
    }

    fn is_in_gap(&self) -> bool {
        self.doubt.is_some_and(|doubt| doubt.in_gap)
    }
}

/// The next message to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// This message, now.
    Send(&'a Own),
    /// A message, but not before this time.
    At(Instant),
    /// Nothing, until there is a new message or an answer.
    Nothing,
}

/// The unconfirmed messages, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    /// The bytes of all of them.
    bytes: usize,
    /// The client has all messages that it missed, and may send.
    open: bool,
    /// The server rejected a message as too fast. Until it accepts one again, the client
    /// sends one at a time, so that the server never accepts a later one before an
    /// earlier one.
    careful: bool,
    /// The time until which the server would reject everything.
    refused_until: Option<Instant>,
    rate_limit: RateLimit,
    /// The messages that the client will not send again, and has not reported yet.
    given_up: Vec<Own>,
}

impl Outbox {
    /// Appends a message. A message that is here already stays where it is.
    ///
    /// # Errors
    /// If the outbox is full.
    pub fn push(&mut self, own: Own) -> Result<(), NotQueued> {
        if self.position(&own.id).is_some() {
            return Ok(());
        }
        if self.entries.len() >= OUTBOX_MESSAGES || self.bytes + own.bytes() > OUTBOX_BYTES {
            return Err(NotQueued::Full);
        }
        self.put(own, None);
        Ok(())
    }

    /// Appends a message of an earlier run of the program, however many there are. The
    /// server may have accepted it then.
    pub fn push_old(&mut self, own: Own) {
        if self.position(&own.id).is_none() {
            self.put(own, Some(Doubt::default()));
        }
    }

    fn put(&mut self, own: Own, doubt: Option<Doubt>) {
        self.bytes += own.bytes();
        self.entries.push_back(Entry {
            own,
            in_flight: false,
            doubt,
        });
    }

    /// Gives up a message that the client cannot send at all.
    pub fn give_up(&mut self, own: Own) {
        self.given_up.push(own);
    }

    /// The connection is lost, and with it all answers.
    pub fn cut(&mut self) {
        self.open = false;
        self.careful = false;
        for entry in &mut self.entries {
            entry.in_flight = false;
        }
    }

    /// The client is in the room that it knows, and the messages that it missed will
    /// come. If it is the same member, the server recognizes message ids; if it is
    /// another, the server does not.
    pub fn returned(&mut self, same_member: bool) {
        for doubt in self.entries.iter_mut().filter_map(|it| it.doubt.as_mut()) {
            doubt.foreign |= !same_member;
        }
    }

    /// The client is in a room that has none of these messages.
    pub fn renewed(&mut self) {
        for entry in &mut self.entries {
            entry.doubt = None;
        }
    }

    /// The client has all messages that it missed. It sends what is still here again,
    /// except messages that the server may have accepted from its former member.
    pub fn open(&mut self, limits: &Limits) {
        self.open = true;
        self.rate_limit.limit(limits);
        self.give_up_if(|entry| entry.is_foreign() && entry.is_in_gap());
        for entry in self.entries.iter_mut().filter(|it| it.is_foreign()) {
            // The client knows everything since it was sent, and it is not there.
            entry.doubt = None;
        }
    }

    /// The client missed messages. Messages in flight may be among them, and would never
    /// be answered. A server that recognizes message ids gets them again.
    pub fn gap(&mut self, says_nothing_twice: bool) {
        for entry in &mut self.entries {
            if let Some(doubt) = &mut entry.doubt {
                doubt.in_gap = true;
            }
        }
        if says_nothing_twice {
            for entry in &mut self.entries {
                entry.in_flight = false;
            }
        } else {
            self.give_up_if(|entry| entry.in_flight);
        }
    }

    /// The server accepted a message.
    pub fn said(&mut self, id: &str) {
        if let Some(position) = self.position(id) {
            self.remove(position);
            self.careful &= self.is_in_flight();
        }
    }

    /// The server rejected a message for good.
    pub fn refused(&mut self, id: &str) {
        if let Some(position) = self.position(id) {
            self.remove(position);
        }
    }

    /// The server rejected a message for now, and the client does not send it again by
    /// itself.
    pub fn give_back(&mut self, id: &str) {
        if let Some(position) = self.position(id) {
            let own = self.remove(position);
            self.given_up.extend(own);
        }
    }

    /// Gives up the messages of an earlier run of the program.
    pub fn give_up_old(&mut self) {
        self.give_up_if(|entry| entry.doubt.is_some());
    }

    /// The limits have changed: what the server rejected before, it may accept now.
    pub fn limit(&mut self, limits: &Limits) {
        self.rate_limit.limit(limits);
        self.rate_limit.begin_again();
        self.refused_until = None;
    }

    /// A message came too fast: the client sends it, and all after it, again when `retry`
    /// is over. Returns whether the message is here.
    pub fn too_fast(&mut self, id: &str, retry: Duration, now: Instant) -> bool {
        let Some(position) = self.position(id) else {
            return false;
        };
        self.entries[position].in_flight = false;
        self.careful = true;
        let until = now + retry;
        if self.refused_until.is_none_or(|before| before < until) {
            self.refused_until = Some(until);
            self.rate_limit.use_up(until);
        }
        true
    }

    /// The next message to send at `now`.
    pub fn next(&self, now: Instant) -> Next<'_> {
        if !self.open || self.careful && self.is_in_flight() {
            return Next::Nothing;
        }
        let Some(entry) = self.entries.iter().find(|entry| !entry.in_flight) else {
            return Next::Nothing;
        };
        let ready = self.rate_limit.ready().max(self.refused_until);
        match ready {
            Some(ready) if ready > now => Next::At(ready),
            _ => Next::Send(&entry.own),
        }
    }

    /// The client sent the message that [`Self::next`] returned.
    pub fn sent(&mut self, now: Instant) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| !entry.in_flight) {
            entry.in_flight = true;
            entry.doubt.get_or_insert_default();
            self.rate_limit.count(now);
        }
    }

    /// Whether the client has sent everything that it can.
    pub fn is_all_sent(&self) -> bool {
        self.entries.iter().all(|entry| entry.in_flight)
    }

    /// Whether a message that was sent on this connection has no answer.
    pub fn is_in_flight(&self) -> bool {
        self.entries.iter().any(|entry| entry.in_flight)
    }

    /// Takes out the messages that were given up.
    pub fn take_given_up(&mut self) -> Vec<Own> {
        std::mem::take(&mut self.given_up)
    }

    /// Takes out all messages.
    pub fn take_all(&mut self) -> Vec<Own> {
        self.give_up_if(|_| true);
        self.take_given_up()
    }

    fn give_up_if(&mut self, is_over: impl Fn(&Entry) -> bool) {
        let mut position = 0;
        while let Some(entry) = self.entries.get(position) {
            if is_over(entry) {
                let own = self.remove(position);
                self.given_up.extend(own);
            } else {
                position += 1;
            }
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.own.id == id)
    }

    fn remove(&mut self, position: usize) -> Option<Own> {
        let own = self.entries.remove(position)?.own;
        self.bytes -= own.bytes();
        Some(own)
    }
}
