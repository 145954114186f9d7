//! One connection: what its peer says, and what is to be written to it.
//!
//! A [`Session`] does no I/O and reads no clock. The
//! [connection](super::connection) hands it the bytes that came, and asks it for
//! those that are to go.

mod native;
mod output;
mod past;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::room::{Cursor, Draft, Encoding, Lease, NotSaid, Reached, Said, Why};
use crate::wire::address::Address;
use crate::wire::door::{Door, not_served, without_blank};
use crate::wire::frame::{Empty, Hello, Reply};
use crate::wire::lines::Lines;
use crate::wire::telnet::Telnet;
use crate::wire::text::{Manner, Reader};
use crate::wire::{FRAME_LIMIT, NAME_PROMPT};

use super::event::{Event, Refusal};
use super::guest::Guest;
use super::shared::Shared;

pub(super) use self::output::{Found, Slices};
pub(super) use self::past::Wanted;

/// How long first bytes that could be the start of a door's word are given to go
/// on; after it they are a name.
const DOOR_PATIENCE: Duration = Duration::from_millis(500);

/// While this many bytes wait to be written to a peer, nothing is read from it.
const OUTPUT_LIMIT: usize = 64 << 10;

/// A member of whom this many messages in a row were not taken is not read from
/// for [`REFUSALS_PAUSE`], or until it may speak again.
const REFUSALS_LIMIT: u32 = 50;

/// How long a member is not read from who says only what cannot be taken.
const REFUSALS_PAUSE: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    guest: Guest,
    arrived: Instant,
    /// When the last bytes came.
    heard: Instant,
    /// Whether the peer was asked for a name, or as a member pinged, since then.
    asked: bool,
    speech: Speech,
    /// Takes out what a program that speaks telnet says beside what a person types.
    telnet: Telnet,
    /// How a peer of the text door delimits its messages, once that is known.
    manner: Option<Manner>,
    member: Option<Membership>,
    /// What was read and not taken, because too much waits to be written or to be
    /// stored. Nothing more is read until it is taken: at most as much as is read at
    /// once.
    unread: Vec<u8>,
    /// What is written next, before anything of the log.
    output: Vec<u8>,
    /// How much of `output` is written.
    written: usize,
    /// Whether the peer took something while it was not read from, or an answer
    /// waited for it.
    took: bool,
    /// What is written when all of the log is.
    replies: Vec<u8>,
    /// The first so many of them wait until all up to there is stored.
    withheld: Option<Box<(Reached, usize)>>,
    /// It came in or left, and is not told so before all up to there is stored.
    held: Option<Box<Reached>>,
    /// What has to be fetched from the store first.
    wanted: Option<Box<Wanted>>,
    /// The peer has said goodbye, and is let go when it has read the log up to
    /// there.
    leaving: Option<Box<Cursor>>,
    /// Whether the others are still to be told of a message.
    has_said: bool,
    /// How many messages in a row were not taken.
    refusals: u32,
    /// Nothing is read until then.
    paused_until: Option<Instant>,
    /// Everything said until then is refused, because its address says too much: of two
    /// messages the later is never taken before the earlier.
    refused_until: Option<Instant>,
    /// Where others can join, as the host was told last; whoever does not host the room
    /// is not told.
    told_addresses: Option<Arc<Vec<Address>>>,
    /// Nothing follows what is in `output`.
    ending: Option<Farewell>,
}

/// How the peer speaks.
#[derive(Debug)]
enum Speech {
    /// Its first bytes do not tell yet.
    Unknown(Vec<u8>),
    Native(Lines),
    Text(Box<Reader>),
}

/// A peer's place in the room.
#[derive(Debug)]
struct Membership {
    lease: Lease,
    /// Of the room, when it was known last that the lease is not over.
    takeovers: u64,
    door: Encoding,
    cursor: Cursor,
    /// The messages of the past, by `seq`, that are sent before the log is
    /// followed.
    replay: Range<u64>,
}

/// What is to be done when the output of a session that ends is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Nothing more.
    Silent,
    /// After a pause, the quit command by itself: the original program ends by it.
    QuitCommand,
}

impl Session {
    /// The session of someone who has just come.
    pub(super) fn new(guest: Guest, now: Instant) -> Self {
        Self {
            shared: Arc::clone(guest.shared()),
            guest,
            arrived: now,
            heard: now,
            asked: false,
            speech: Speech::Unknown(Vec::new()),
            telnet: Telnet::default(),
            manner: None,
            member: None,
            unread: Vec::new(),
            output: Vec::new(),
            written: 0,
            took: false,
            replies: Vec::new(),
            withheld: None,
            held: None,
            wanted: None,
            leaving: None,
            has_said: false,
            refusals: 0,
            paused_until: None,
            refused_until: None,
            told_addresses: None,
            ending: None,
        }
    }

    /// What it shares with all others.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Notes whether the peer takes nothing at the moment of what waits for it.
    pub(super) fn set_slow(&mut self, slow: bool) {
        self.guest.set_slow(slow);
    }

    /// How the session ends once its output is written, if it ends and may be told
    /// so.
    pub(super) fn ending(&self) -> Option<Farewell> {
        self.ending.filter(|_| self.held.is_none())
    }

    /// Whether the peer's bytes are to be read.
    pub(super) fn wants_input(&self) -> bool {
        self.unread.is_empty() && self.may_take()
    }

    /// Whether what the peer says may be taken now.
    fn may_take(&self) -> bool {
        self.ending.is_none()
            && self.leaving.is_none()
            && self.wanted.is_none()
            && self.paused_until.is_none()
            && !self.shared.is_congested()
            && self.output.len() + self.replies.len() < OUTPUT_LIMIT
    }

    /// When [`Session::tick`] is to be called next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.ending.is_some() {
            return None;
        }
        let settings = &self.shared.settings;
        let next = match (&self.member, &self.speech) {
            (None, Speech::Unknown(first)) => {
                let ask = (!self.asked).then(|| self.arrived + NAME_PROMPT);
                let decide = (!first.is_empty()).then(|| self.heard + DOOR_PATIENCE);
                let name = later(self.arrived, self.shared.live().name_timeout);
                Some(ask.into_iter().chain(decide).fold(name, Instant::min))
            }
            (None, _) => Some(later(self.arrived, self.shared.live().name_timeout)),
            (Some(_), Speech::Native(_)) if self.asked => {
                Some(later(self.heard, settings.dead_after))
            }
            (Some(_), Speech::Native(_)) => Some(later(self.heard, settings.heartbeat)),
            // The kernel finds a dead peer of the text door.
            (Some(_), _) => None,
        };
        next.into_iter().chain(self.paused_until).min()
    }

    /// Does what is due at `now`.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.ending.is_some() {
            return;
        }
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        if self.member.is_some() {
            self.tick_member(now);
        } else {
            self.tick_guest(now);
        }
    }

    /// The heartbeat of a native member.
    fn tick_member(&mut self, now: Instant) {
        if !matches!(self.speech, Speech::Native(_)) {
            return;
        }
        // Who is not read from, or has not come to the question yet, cannot be heard,
        // but it is there if it reads.
        if mem::take(&mut self.took) {
            self.heard = now;
        }
        let settings = &self.shared.settings;
        let silence = now.saturating_duration_since(self.heard);
        if silence >= settings.dead_after {
            self.lose(Why::Timeout, now);
        } else if silence >= settings.heartbeat && !self.asked {
            self.asked = true;
            self.reply(&Reply::Ping(Empty {}));
        }
    }

    /// The patience with someone who has given no name.
    fn tick_guest(&mut self, now: Instant) {
        let waited = now.saturating_duration_since(self.arrived);
        let name_is_due = waited >= self.shared.live().name_timeout;
        match &mut self.speech {
            Speech::Unknown(first)
                if !first.is_empty() && (name_is_due || now >= self.heard + DOOR_PATIENCE) =>
            {
                let first = mem::take(first);
                self.speech = Speech::Text(Box::default());
                self.take_speech(&first, now);
            }
            Speech::Native(_) if name_is_due => self.enter_native(&Hello::default()),
            Speech::Text(_) if name_is_due => self.enter_text(""),
            Speech::Unknown(_) if name_is_due => {
                self.speech = Speech::Text(Box::default());
                self.enter_text("");
            }
            Speech::Unknown(_) if waited >= NAME_PROMPT && !self.asked => {
                self.ask_for_name();
            }
            _ => {}
        }
    }

    /// Takes bytes of the peer; there are some.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) {
        self.heard = now;
        if self.member.is_some() {
            self.asked = false;
        }
        // JSON holds no commands of telnet: the byte they begin with is not UTF-8.
        let bytes = match &self.speech {
            Speech::Native(_) if !self.telnet.negotiates() => Cow::Borrowed(bytes),
            _ => self.telnet.take(bytes),
        };
        if bytes.is_empty() {
            return;
        }
        if !self.unread.is_empty() {
            // Kept in order, whatever is asked for first.
            self.unread.extend_from_slice(&bytes);
            return self.take_up(now);
        }
        let Speech::Unknown(first) = &mut self.speech else {
            return self.take_speech(&bytes, now);
        };
        first.extend_from_slice(&bytes);
        let Some(door) = Door::of(first) else { return };
        let mut first = mem::take(first);
        match door {
            Door::Native => {
                first = without_blank(&first).to_vec();
                self.speech = Speech::Native(Lines::new(FRAME_LIMIT));
            }
            Door::Text => self.speech = Speech::Text(Box::default()),
            Door::Tls | Door::Browser | Door::Irc | Door::Foreign(_) => {
                self.replies.extend_from_slice(&not_served(door, &first));
                self.report_refusal(Refusal::ClosedDoor(door));
                return self.end(Why::Protocol);
            }
        }
        self.take_speech(&first, now);
    }

    fn take_speech(&mut self, bytes: &[u8], now: Instant) {
        // Put back below: what it holds must outlive this call.
        match mem::replace(&mut self.speech, Speech::Unknown(Vec::new())) {
            Speech::Native(mut lines) => {
                self.take_native(&mut lines, bytes, now);
                self.speech = Speech::Native(lines);
            }
            Speech::Text(mut reader) => {
                if self.telnet.negotiates() {
                    reader.expect_lines();
                }
                if !bytes.is_empty() {
                    self.manner = Some(reader.manner(bytes));
                }
                self.take_text(&mut reader, bytes, now);
                self.speech = Speech::Text(reader);
            }
            Speech::Unknown(_) => {}
        }
    }

    /// Notes that a message was taken; the others are told once for all of the
    /// same bytes.
    fn said(&mut self) {
        self.refusals = 0;
        self.has_said = true;
    }

    fn tell_said(&mut self) {
        if mem::take(&mut self.has_said) {
            self.shared.tell_news();
        }
    }

    /// Counts a message that was not taken; whoever goes on regardless is not
    /// listened to for a while.
    fn refused(&mut self, why: NotSaid, now: Instant) {
        self.refusals += 1;
        if self.refusals >= REFUSALS_LIMIT {
            self.refusals = 0;
            let pause = match why {
                NotSaid::TooFast { retry } => retry,
                _ => REFUSALS_PAUSE,
            };
            self.paused_until = Some(now + pause);
        }
    }

    /// Whether there is something to [take up](Session::take_up).
    pub(super) fn can_take_up(&self) -> bool {
        !self.unread.is_empty() && self.may_take()
    }

    /// Takes what was read and had to wait, as far as it may be taken now.
    pub(super) fn take_up(&mut self, now: Instant) {
        if !self.may_take() {
            return;
        }
        let unread = mem::take(&mut self.unread);
        self.take_speech(&unread, now);
    }

    /// The peer's sending half has ended.
    pub(super) fn half_close(&mut self, now: Instant) {
        let is_text = matches!(self.speech, Speech::Text(_));
        if is_text && self.manner == Some(Manner::Lines) {
            self.take_speech(&[], now);
        }
        if is_text {
            self.end(Why::Quit);
        } else {
            self.lose(Why::Lost, now);
        }
    }

    /// The connection is broken.
    pub(super) fn break_off(&mut self, now: Instant) {
        self.member = None;
        self.lose(Why::Lost, now);
    }

    /// Says it, unless the room or its address does not allow it.
    fn try_to_say(
        &mut self,
        from: Lease,
        draft: &Draft<'_>,
        now: Instant,
    ) -> Result<Said, NotSaid> {
        if let Some(until) = self.refused_until.filter(|until| now < *until) {
            return Err(NotSaid::TooFast { retry: until - now });
        }
        self.refused_until = None;
        let live = self.shared.live();
        let counted = match live.text_per_address {
            0 => Ok(()),
            per_second => (self.guest.origin()).count_text(draft.bytes(), per_second, now),
        };
        if let Err(retry) = counted {
            self.refused_until = Some(now + retry);
            return Err(NotSaid::TooFast { retry });
        }
        self.shared.room().say(from, draft, now, clock::now())
    }

    /// How many bytes are held for the peer.
    pub(super) fn held_bytes(&self) -> usize {
        let input = match &self.speech {
            Speech::Unknown(first) => first.len(),
            Speech::Native(lines) => lines.held_bytes(),
            Speech::Text(reader) => reader.held_bytes(),
        };
        let output = self.output.capacity() + self.replies.capacity();
        input + self.unread.capacity() + output
    }

    /// What is held for the peer is needed for others: its connection ends as one that
    /// takes nothing, and the member may come back.
    pub(super) fn let_go(&mut self, now: Instant) {
        self.member = None;
        self.lose(Why::Timeout, now);
    }

    fn report_refusal(&self, why: Refusal) {
        let address = self.guest.address();
        self.shared.report(Event::Refused { address, why });
    }

    /// Ends the session: the peer is out of the room at once. What was said until
    /// now is still written, as far as it is read at once, and what is in the
    /// output.
    fn end(&mut self, why: Why) {
        self.finish();
        self.guest.leave(why);
    }

    /// Ends the session as [`end`](Session::end) does, but the peer may come back.
    fn lose(&mut self, why: Why, now: Instant) {
        self.drop_withheld();
        self.finish();
        self.guest.lose(why, now);
    }

    fn finish(&mut self) {
        self.ending.get_or_insert(Farewell::Silent);
        self.gather_last();
        self.member = None;
    }
}

/// `start` and `wait` after it; far off, where that cannot be told.
fn later(start: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24 * 365);
    start + wait.min(FAR)
}

/// What was asked for, from 1 to `most`; without anything, `most`.
fn clamp(asked: Option<u64>, most: u64) -> u64 {
    asked.map_or(most, |asked| asked.clamp(1, most))
}
