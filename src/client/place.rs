//! This side's place in the room: what outlives a connection. Does no I/O.

use std::time::{Duration, Instant};

use crate::room::MemberId;
use crate::wire::PROTOCOL;
use crate::wire::frame::{Code, Gap, Hello, Limits, Welcome};

use super::outbox::Outbox;
use super::{Event, Resume, Settings};

/// The feature of a server that says nothing twice under the same id.
const RESUME: &str = "resume";

/// How long to wait after a refusal that does not tell.
const RETRY: Duration = Duration::from_secs(1);

/// The longest that a refusal can make this side wait.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Who this side is in the room, and up to where it has read.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The room has let this client in before.
    is_known: bool,
    reading: Option<Reading>,
    /// Who this side is, on this connection.
    me: Option<MemberId>,
    /// What was missed is still coming: up to the message before this one.
    catching_up: Option<u64>,
    /// This side was another member when it sent something of what is not known to
    /// be said.
    was_another: bool,
    /// The server says nothing twice under the same id.
    says_nothing_twice: bool,
    limits: Option<Limits>,
}

/// Up to where a log was read.
#[derive(Debug)]
struct Reading {
    session: String,
    epoch: String,
    /// The `seq` of the last message that came, or is lost.
    seen: Option<u64>,
    /// The `seq` of the last message at the time of the welcome: where to go on if
    /// none came.
    last: u64,
}

impl Reading {
    fn after(&self) -> u64 {
        self.seen.unwrap_or(self.last)
    }
}

impl Place {
    /// A newcomer's, or that of an earlier run of the program.
    pub fn new(resume: Option<Resume>) -> Self {
        Self {
            reading: resume.map(|resume| Reading {
                session: resume.session,
                epoch: resume.epoch,
                seen: Some(resume.after),
                last: resume.after,
            }),
            ..Self::default()
        }
    }

    /// Whether this client was in the room.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether what was missed is still coming.
    pub const fn is_catching_up(&self) -> bool {
        self.catching_up.is_some()
    }

    /// How to come in.
    pub fn hello<'a>(&'a self, settings: &'a Settings) -> Hello<'a> {
        let reading = self.reading.as_ref();
        Hello {
            protocol: PROTOCOL,
            name: settings.name.as_str().into(),
            epoch: reading.map(|it| it.epoch.as_str().into()),
            session: reading.map(|it| it.session.as_str().into()),
            after: reading.map(Reading::after),
            host_key: settings.host_key.as_deref().map(Into::into),
        }
    }

    /// Takes what the server told, and appends what the listener is to be told.
    pub fn take(&mut self, event: Event, outbox: &mut Outbox, now: Instant, out: &mut Vec<Event>) {
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
                // Nobody knows an id of this side's before the message was said.
                let own = Some(message.from.id) == self.me || self.was_another;
                if own && let Some(id) = &message.id {
                    outbox.said(id);
                }
                if self.see(message.seq) {
                    out.push(Event::Message(message));
                }
            }
            Event::Gap(gap) => {
                self.miss(gap, outbox);
                out.push(event);
            }
            Event::Said(said) => {
                outbox.said(&said.id);
                out.push(Event::Said(said));
            }
            Event::Error(error) => {
                let mut pending = false;
                if let Some(id) = &error.id {
                    if error.code == Code::TooFast {
                        let retry = error.retry_ms.map_or(RETRY, Duration::from_millis);
                        pending = outbox.too_fast(id, retry.min(LONGEST_RETRY), now);
                    } else {
                        outbox.refused(id);
                    }
                }
                if !pending {
                    out.push(Event::Error(error));
                }
            }
            event => out.push(event),
        }
        self.catch_up(outbox);
        out.extend(outbox.take_given_up().into_iter().map(Event::unsent));
    }

    fn come_in(&mut self, welcome: &Welcome<'_>, outbox: &mut Outbox) {
        let last = welcome.next.saturating_sub(1);
        let before = self.reading.take().filter(|before| {
            // A log that is shorter than what was read is not what it was.
            before.epoch == welcome.epoch && before.after() <= last
        });
        self.me = Some(welcome.you.id);
        self.limits = Some(welcome.limits);
        self.says_nothing_twice = welcome.features.iter().any(|it| it == RESUME);
        // Stays so until all is known, also over several connections.
        self.was_another |= !welcome.resumed;
        if before.is_some() {
            outbox.returned(welcome.resumed);
        } else {
            outbox.renewed();
        }
        // In another log there is nothing of this side's to wait for.
        let next = if before.is_some() { welcome.next } else { 0 };
        self.catching_up = Some(next);
        self.reading = Some(Reading {
            session: welcome.session.to_string(),
            epoch: welcome.epoch.to_string(),
            seen: before.map(|before| before.after()),
            last,
        });
    }

    /// Takes note of a message; whether it is a new one.
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

    /// Lets the outbox send when all that was missed is known.
    fn catch_up(&mut self, outbox: &mut Outbox) {
        let (Some(next), Some(limits)) = (self.catching_up, &self.limits) else {
            return;
        };
        let after = self.reading.as_ref().map_or(0, Reading::after);
        if next <= after.saturating_add(1) {
            self.catching_up = None;
            self.was_another = false;
            outbox.open(limits);
        }
    }
}
