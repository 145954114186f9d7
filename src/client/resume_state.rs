//! The state by which a client comes back into a room: it outlives a connection. Does no
//! I/O.

use std::time::{Duration, Instant};

use crate::protocol::PROTOCOL;
use crate::protocol::native::frame::{Code, Gap, Hello, Limits, Welcome};
use crate::room::MemberId;

use super::event::Event;
use super::inbox::Incoming;
use super::outbox::Outbox;
use super::rate_limit::LONGEST_INTERVAL_S;
use super::settings::{Resume, Settings};

/// The feature of a server that recognizes message ids.
const RESUME: &str = "resume";

/// How long to wait after a rejection without a time.
const RETRY: Duration = Duration::from_secs(1);

/// The longest time that a rejection can make the client wait, unless the room is slower.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// The client's member in the room, and the position up to which it has read.
#[derive(Debug, Default)]
pub(super) struct ResumeState {
    /// The client has been in the room before.
    is_known: bool,
    reading: Option<Reading>,
    /// The client's member on this connection.
    me: Option<Me>,
    /// Missed messages are still coming: up to the one before this `seq`.
    catching_up: Option<u64>,
    /// The client was another member when it sent some of its unconfirmed messages.
    was_another: bool,
    /// The server recognizes message ids.
    says_nothing_twice: bool,
    limits: Option<Limits>,
}

/// The client's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Me {
    id: MemberId,
    is_host: bool,
}

/// The position up to which the client has read a log.
#[derive(Debug)]
struct Reading {
    /// The `session` of the welcome, by which the server knows the member; a secret.
    resume_token: String,
    epoch: String,
    /// The `seq` of the last entry that came or was missed, of a known kind or not.
    seen: Option<u64>,
    /// The `seq` of the last message at the time of the welcome: the position to go on
    /// from if none came.
    last: u64,
}

impl Reading {
    fn after(&self) -> u64 {
        self.seen.unwrap_or(self.last)
    }
}

impl ResumeState {
    /// The state of a new member, or that of an earlier run of the program.
    pub fn new(resume: Option<Resume>) -> Self {
        Self {
            reading: resume.map(|resume| Reading {
                resume_token: resume.session,
                epoch: resume.epoch,
                seen: Some(resume.after),
                last: resume.after,
            }),
            ..Self::default()
        }
    }

    /// Whether the client has been in the room.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether missed messages are still coming.
    pub const fn is_catching_up(&self) -> bool {
        self.catching_up.is_some()
    }

    /// Forgets the session of an earlier run of the program: the server may be another one.
    pub fn forget(&mut self) {
        self.reading = None;
    }

    /// The `hello` to send. The proof is not the business of this state.
    pub fn hello<'a>(&'a self, settings: &'a Settings) -> Hello<'a> {
        let reading = self.reading.as_ref();
        Hello {
            protocol: PROTOCOL,
            name: settings.name.as_str().into(),
            epoch: reading.map(|it| it.epoch.as_str().into()),
            session: reading.map(|it| it.resume_token.as_str().into()),
            after: reading.map(Reading::after),
            ..Hello::default()
        }
    }

    /// Applies an input from the server, and appends the events for the listener.
    pub fn take(
        &mut self,
        input: Incoming,
        outbox: &mut Outbox,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        match input {
            // The welcome comes directly after it.
            Incoming::Event(event @ Event::Secured(_)) => return out.push(event),
            Incoming::Event(event) => self.take_event(event, outbox, now, out),
            Incoming::Unknown { seq } => {
                if self.see(seq) {
                    out.push(Event::Unknown { seq });
                }
            }
            // They belong to the greeting.
            Incoming::About(_) | Incoming::Challenge(_) => {}
        }
        self.catch_up(outbox);
        out.extend(outbox.take_given_up().into_iter().map(Event::unsent));
    }

    fn take_event(
        &mut self,
        event: Event,
        outbox: &mut Outbox,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        match event {
            Event::Welcomed(welcome) => {
                self.come_in(&welcome, outbox);
                out.push(if std::mem::replace(&mut self.is_known, true) {
                    Event::Returned(welcome)
                } else {
                    Event::Welcomed(welcome)
                });
            }
            Event::Message(message) => {
                // Nobody can know an id of the client before the server accepted the
                // message.
                let is_me =
                    message.author.id.is_some() && message.author.id == self.me.map(|me| me.id);
                let own = is_me || self.was_another;
                if own && let Some(id) = message.message_id() {
                    outbox.said(id);
                }
                if self.see(message.seq) {
                    out.push(Event::Message(message));
                }
            }
            Event::Erased(erased) => {
                if self.see(erased.seq) {
                    out.push(Event::Erased(erased));
                }
            }
            Event::Gap(gap) => {
                self.miss(gap, outbox);
                out.push(event);
            }
            Event::Limits(limits) => {
                self.limits = Some(limits);
                self.limit(outbox);
                out.push(event);
            }
            Event::Host(host) => {
                if let Some(me) = &mut self.me {
                    // Whoever hands it over is no host any more.
                    me.is_host = (me.is_host && host.from != Some(me.id)) || host.id == me.id;
                }
                self.limit(outbox);
                out.push(Event::Host(host));
            }
            Event::Said(said) => {
                outbox.said(&said.id);
                out.push(Event::Said(said));
            }
            Event::Error(error) => {
                let mut pending = false;
                if let Some(id) = &error.id {
                    match error.code {
                        Code::TooFast => {
                            let retry = error.retry_ms.map_or(RETRY, Duration::from_millis);
                            let retry = retry.min(self.longest_retry());
                            pending = outbox.too_fast(id, retry, now);
                        }
                        // The user may send it again when they are not muted any more.
                        Code::Muted => outbox.give_back(id),
                        _ => outbox.refused(id),
                    }
                }
                if !pending {
                    out.push(Event::Error(error));
                }
            }
            event => out.push(event),
        }
    }

    fn come_in(&mut self, welcome: &Welcome<'_>, outbox: &mut Outbox) {
        let last = welcome.next.saturating_sub(1);
        let before = self.reading.take().filter(|before| {
            // A log that is shorter than the position is not the same log.
            before.epoch == welcome.epoch && before.after() <= last
        });
        self.me = Some(Me {
            id: welcome.you.id,
            is_host: welcome.you.host,
        });
        self.limits = Some(welcome.limits);
        self.says_nothing_twice = welcome.features.iter().any(|it| it == RESUME);
        // Stays set until the client knows everything, also over several connections.
        self.was_another |= !welcome.resumed;
        if before.is_some() {
            outbox.returned(welcome.resumed);
        } else {
            outbox.renewed();
        }
        // Another log has no messages of the client to wait for.
        let next = if before.is_some() { welcome.next } else { 0 };
        self.catching_up = Some(next);
        self.reading = Some(Reading {
            resume_token: welcome.session.to_string(),
            epoch: welcome.epoch.to_string(),
            seen: before.map(|before| before.after()),
            last,
        });
    }

    /// The limits for this member: a host need not be slow.
    fn own_limits(&self) -> Option<Limits> {
        let is_host = self.me.is_some_and(|me| me.is_host);
        self.limits.map(|limits| Limits {
            every_s: limits.every_s.filter(|_| !is_host),
            ..limits
        })
    }

    /// The longest time that a rejection can make the client wait.
    fn longest_retry(&self) -> Duration {
        let every = self.own_limits().and_then(|it| it.every_s);
        let every = every.unwrap_or(0).min(LONGEST_INTERVAL_S);
        LONGEST_RETRY.max(Duration::from_secs(every))
    }

    /// The limits for this member have changed.
    fn limit(&self, outbox: &mut Outbox) {
        if let Some(limits) = self.own_limits() {
            outbox.limit(&limits);
        }
    }

    /// Records an entry. Returns whether it is a new one.
    fn see(&mut self, seq: u64) -> bool {
        let Some(reading) = &mut self.reading else {
            return true;
        };
        let is_new = reading.seen.is_none_or(|seen| seen < seq);
        if is_new {
            reading.seen = Some(seq);
        }
        is_new
    }

    fn miss(&mut self, gap: Gap, outbox: &mut Outbox) {
        if gap.to >= gap.from {
            self.see(gap.to);
            outbox.gap(self.says_nothing_twice);
        }
    }

    /// Lets the outbox send when the client has all messages that it missed.
    fn catch_up(&mut self, outbox: &mut Outbox) {
        let (Some(next), Some(limits)) = (self.catching_up, self.own_limits()) else {
            return;
        };
        let after = self.reading.as_ref().map_or(0, Reading::after);
        if next <= after.saturating_add(1) {
            self.catching_up = None;
            self.was_another = false;
            outbox.open(&limits);
        }
    }
}
