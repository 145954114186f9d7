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
            self.careful &= self.entries.iter().any(|entry| entry.in_flight);
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
        let in_flight = || self.entries.iter().any(|entry| entry.in_flight);
        if !self.open || self.careful && in_flight() {
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

/// How fast the server lets this side speak, as [`room::Pace`](crate::room::Pace),
/// and how much of that is used.
#[derive(Debug, Default)]
struct Pace {
    /// The time that one message takes up; none without a limit.
    interval: Option<Duration>,
    /// The time that may be used up at once.
    burst: Duration,
    /// When the messages so far will have been paid for.
    paid_at: Option<Instant>,
}

impl Pace {
    fn limit(&mut self, limits: &Limits) {
        self.interval = limits
            .per_second
            .map(|number| Duration::from_secs(1) / number.max(1));
        let at_once = limits.burst.or(limits.per_second).unwrap_or(1);
        // One less: what was sent in time may arrive closer together. Another one
        // less: the first does not wait for itself.
        self.burst = self.interval.unwrap_or_default() * at_once.saturating_sub(2);
    }

    fn count(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            self.paid_at = Some(self.paid_at.map_or(now, |at| at.max(now)) + interval);
        }
    }

    /// No more before `until`, and then one.
    fn use_up(&mut self, until: Instant) {
        self.paid_at = Some(until + self.burst);
    }

    fn ready(&self) -> Option<Instant> {
        self.interval?;
        self.paid_at?.checked_sub(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        frame: 65_536,
        text: 4_000,
        burst: Some(20),
        per_second: Some(5),
    };

    fn own(id: &str) -> Own {
        Own {
            id: id.to_owned(),
            text: "hi".to_owned(),
        }
    }

    fn outbox(ids: &[&str], limits: &Limits) -> Outbox {
        let mut outbox = Outbox::default();
        for id in ids {
            outbox.push(own(id)).unwrap();
        }
        outbox.open(limits);
        outbox
    }

    /// Sends all that can be sent.
    fn send(outbox: &mut Outbox, now: Instant) -> Vec<String> {
        let mut sent = Vec::new();
        while let Next::Send(own) = outbox.next(now) {
            sent.push(own.id.clone());
            outbox.sent(now);
        }
        sent
    }

    #[test]
    fn after_a_refusal_one_is_tried_before_all_others_follow_in_order() {
        let unlimited = Limits {
            burst: None,
            per_second: None,
            ..LIMITS
        };
        let mut outbox = outbox(&["a", "b", "c", "d"], &unlimited);
        let mut now = Instant::now();
        assert_eq!(send(&mut outbox, now), ["a", "b", "c", "d"]);
        let second = Duration::from_secs(1);
        outbox.said("a");
        assert!(outbox.too_fast("b", second, now));
        // The others are answered first, whatever the time is.
        assert_eq!(send(&mut outbox, now + second * 9), [""; 0]);
        assert!(outbox.too_fast("c", second, now));
        assert!(outbox.too_fast("d", second, now));
        assert_eq!(outbox.next(now), Next::At(now + second));
        now += second;
        assert_eq!(send(&mut outbox, now), ["b"]);
        // A refusal tells nothing about the pace, unless it is about the pace.
        outbox.push(own("e")).unwrap();
        assert!(outbox.too_fast("b", second, now));
        now += second;
        assert_eq!(send(&mut outbox, now), ["b"]);
        outbox.said("b");
        assert_eq!(send(&mut outbox, now), ["c", "d", "e"]);
        assert!(!outbox.too_fast("a", second, now));
    }

    #[test]
    fn the_pace_of_the_server_is_kept() {
        let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut outbox = outbox(&ids, &LIMITS);
        let pace = crate::room::Pace {
            burst: 20,
            per_second: 5,
        };
        let mut meter = crate::room::Meter::default();
        let start = Instant::now();
        let mut now = start;
        let mut sent = 0;
        loop {
            match outbox.next(now) {
                Next::Send(_) => {
                    assert_eq!(meter.count(pace, now), Ok(()));
                    outbox.sent(now);
                    sent += 1;
                }
                Next::At(at) => now = at,
                Next::Nothing => break,
            }
        }
        assert_eq!(sent, 100);
        assert!(now - start < Duration::from_secs(17));
    }

    #[test]
    fn it_holds_no_more_than_its_limits_and_nothing_twice() {
        let mut outbox = Outbox::default();
        for id in 0..OUTBOX_MESSAGES {
            outbox.push(own(&id.to_string())).unwrap();
        }
        assert_eq!(outbox.push(own("more")), Err(NotQueued::Full));
        assert_eq!(outbox.push(own("7")), Ok(()));
        outbox.refused("7");
        assert_eq!(outbox.push(own("more")), Ok(()));
        assert_eq!(outbox.take_all().len(), OUTBOX_MESSAGES);

        let long = |id: &str| Own {
            id: id.to_owned(),
            text: "x".repeat(OUTBOX_BYTES / 2 - 1),
        };
        for id in ["a", "b"] {
            outbox.push(long(id)).unwrap();
        }
        assert_eq!(outbox.push(own("c")), Err(NotQueued::Full));
        outbox.said("a");
        assert_eq!(outbox.push(own("c")), Ok(()));
    }

    #[test]
    fn what_a_gap_may_hold_is_asked_for_again_or_given_up() {
        for says_nothing_twice in [true, false] {
            let mut outbox = outbox(&["a", "b"], &LIMITS);
            let now = Instant::now();
            assert_eq!(send(&mut outbox, now), ["a", "b"]);
            outbox.gap(says_nothing_twice);
            let (again, given_up) = (send(&mut outbox, now), outbox.take_given_up());
            if says_nothing_twice {
                assert_eq!((again, given_up), (vec!["a".into(), "b".into()], vec![]));
            } else {
                assert_eq!((again, given_up), (vec![], vec![own("a"), own("b")]));
            }
        }
    }

    #[test]
    fn messages_of_an_earlier_run_may_have_been_said_then() {
        for (gap, given_up) in [(true, vec![own("a")]), (false, vec![])] {
            let mut outbox = Outbox::default();
            outbox.push_old(own("a"));
            outbox.push(own("b")).unwrap();
            outbox.returned(false);
            if gap {
                outbox.gap(true);
            }
            outbox.open(&LIMITS);
            assert_eq!(outbox.take_given_up(), given_up);
            assert_eq!(outbox.take_all().last(), Some(&own("b")));
        }
    }
}
