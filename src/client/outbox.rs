//! What this side said and does not know to be said. Does no I/O and has no
//! clock.
//!
//! A message stays here, in the order in which it was said, until the server
//! confirms it or refuses it for good. It is *in flight* from when it is sent
//! until it is answered or the connection is cut, and sent again under the same id
//! after that. Nothing is sent while a message before it waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::wire::frame::Limits;

use super::pace::Pace;
use super::{NotQueued, OUTBOX_BYTES, OUTBOX_MESSAGES};

/// A message that this side said.
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
    /// It was sent at some time, and may have been said.
    doubt: Option<Doubt>,
}

/// What stands in the way of knowing whether a message was said.
#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    /// It was sent under a membership that is over: the server would say it a
    /// second time.
    foreign: bool,
    /// Messages that were said since it was sent are lost to this side; it may be
    /// one of them.
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

/// What there is to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// This, now.
    Send(&'a Own),
    /// Something, but not before then.
    At(Instant),
    /// Nothing, until something is said or answered.
    Nothing,
}

/// The messages that are not known to be said.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    /// The bytes of all of them.
    bytes: usize,
    /// All that was missed is known, and messages may be sent.
    open: bool,
    /// A message was refused as too fast: until one is taken again, they are sent
    /// one at a time, so that a later one is never taken before an earlier.
    careful: bool,
    /// Until when the server would refuse everything.
    refused_until: Option<Instant>,
    pace: Pace,
    /// Those that this side will not send again, and that nobody was told about.
    given_up: Vec<Own>,
}

impl Outbox {
    /// Puts a message behind all others. One that is here already stays where it
    /// is.
    ///
    /// # Errors
    /// If there is no room for it.
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

    /// Puts a message of an earlier run of the program behind all others, however
    /// many there are. It may have been said then.
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

    /// A message that cannot be sent at all.
    pub fn give_up(&mut self, own: Own) {
        self.given_up.push(own);
    }

    /// The connection is gone, and with it all answers.
    pub fn cut(&mut self) {
        self.open = false;
        self.careful = false;
        for entry in &mut self.entries {
            entry.in_flight = false;
        }
    }

    /// This side is in the room that it knows, with what was missed still to come:
    /// as the same member, who is not said anything twice for, or as another.
    pub fn returned(&mut self, same_member: bool) {
        for doubt in self.entries.iter_mut().filter_map(|it| it.doubt.as_mut()) {
            doubt.foreign |= !same_member;
        }
    }

    /// This side is in a room where nothing of this was said.
    pub fn renewed(&mut self) {
        for entry in &mut self.entries {
            entry.doubt = None;
        }
    }

    /// All that was missed is known: what is still here is sent again, but for
    /// what may have been said under another membership.
    pub fn open(&mut self, limits: &Limits) {
        self.open = true;
        self.pace.limit(limits);
        self.give_up_if(|entry| entry.is_foreign() && entry.is_in_gap());
        for entry in self.entries.iter_mut().filter(|it| it.is_foreign()) {
            // Everything since it was sent is known, and it is not there.
            entry.doubt = None;
        }
    }

    /// Messages are lost to this side; what was in flight may be among them and
    /// would never be answered. A server that says nothing twice is asked again.
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

    /// A message was said.
    pub fn said(&mut self, id: &str) {
        if let Some(position) = self.position(id) {
            self.remove(position);
            self.careful &= self.is_in_flight();
        }
    }

    /// A message will never be said.
    pub fn refused(&mut self, id: &str) {
        if let Some(position) = self.position(id) {
            self.remove(position);
        }
    }

    /// A message came too fast: it, and all after it, are sent again when `retry`
    /// is over. Returns whether it is here.
    pub fn too_fast(&mut self, id: &str, retry: Duration, now: Instant) -> bool {
        let Some(position) = self.position(id) else {
            return false;
        };
        self.entries[position].in_flight = false;
        self.careful = true;
        let until = now + retry;
        if self.refused_until.is_none_or(|before| before < until) {
            self.refused_until = Some(until);
            self.pace.use_up(until);
        }
        true
    }

    /// What there is to send at `now`.
    pub fn next(&self, now: Instant) -> Next<'_> {
        if !self.open || self.careful && self.is_in_flight() {
            return Next::Nothing;
        }
        let Some(entry) = self.entries.iter().find(|entry| !entry.in_flight) else {
            return Next::Nothing;
        };
        let ready = self.pace.ready().max(self.refused_until);
        match ready {
            Some(ready) if ready > now => Next::At(ready),
            _ => Next::Send(&entry.own),
        }
    }

    /// What [`Self::next`] gave was sent.
    pub fn sent(&mut self, now: Instant) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| !entry.in_flight) {
            entry.in_flight = true;
            entry.doubt.get_or_insert_default();
            self.pace.count(now);
        }
    }

    /// Whether all that can be sent was.
    pub fn is_all_sent(&self) -> bool {
        self.entries.iter().all(|entry| entry.in_flight)
    }

    /// Whether a message was sent on this connection and not answered.
    pub fn is_in_flight(&self) -> bool {
        self.entries.iter().any(|entry| entry.in_flight)
    }

    /// Takes out those that were given up.
    pub fn take_given_up(&mut self) -> Vec<Own> {
        std::mem::take(&mut self.given_up)
    }

    /// Takes out all of them.
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
