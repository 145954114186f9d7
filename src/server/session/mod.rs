//! One connection: the requests of its peer, and the data to write to it.
//!
//! A [`Session`] does no I/O and reads no clock. The [connection](super::connection)
//! passes it the bytes that arrived, and asks it for the bytes to write.

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
use crate::protocol::address::Address;
use crate::protocol::lines::Lines;
use crate::protocol::native::frame::{Empty, Hello, Reply};
use crate::protocol::sniff::{Protocol, Sniffed, Transport, without_blank};
use crate::protocol::text::telnet::Telnet;
use crate::protocol::text::{Framing, Reader};
use crate::protocol::{FRAME_LIMIT, NAME_PROMPT};
use crate::room::{Cursor, Draft, EncodingId, Lease, NotSaid, Reached, Said, Say, Why};

use super::event::{Event, Refusal};
use super::guest::Guest;
use super::shared::Shared;

pub(super) use self::output::{Found, Slices};
pub(super) use self::past::Wanted;

/// First bytes that could be the start of a protocol's signature wait this long for more;
/// after that they count as a name.
const DOOR_PATIENCE: Duration = Duration::from_millis(500);

/// While this many bytes wait to be written to a peer, the server reads nothing from it.
const OUTPUT_LIMIT: usize = 64 << 10;

/// After this many rejected messages in a row, the server stops reading from a member for
/// [`REFUSALS_PAUSE`], or until the member may write again.
const REFUSALS_LIMIT: u32 = 50;

/// The pause in reading from a member who sends only messages that the room rejects.
const REFUSALS_PAUSE: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    guest: Guest,
    arrived: Instant,
    /// The time when the last bytes arrived.
    heard: Instant,
    /// Whether the server has asked the peer for a name, or pinged the member, since
    /// then.
    asked: bool,
    speech: Speech,
    /// Removes the negotiation that a telnet program sends beside what a person types.
    telnet: Telnet,
    /// How a peer of the text door delimits its messages, once that is known.
    manner: Option<Framing>,
    member: Option<Membership>,
    /// Input that was read and not handled, because too much waits to be written or to be
    /// stored. The session reads nothing more until this is handled, so it is at most as
    /// much as one read returns.
    unread: Vec<u8>,
    /// The bytes to write next, before anything of the log.
    output: Vec<u8>,
    /// The number of bytes of `output` that are written.
    written: usize,
    /// Whether the peer accepted data while the server did not read from it, or while an
    /// answer waited.
    took: bool,
    /// The bytes to write after all of the log.
    replies: Vec<u8>,
    /// The number of first bytes of `replies` that wait, and the point up to which the
    /// store must be written first.
    withheld: Option<Box<(Reached, usize)>>,
    /// The peer joined or left; the point up to which the store must be written before
    /// the session may tell the peer.
    held: Option<Box<Reached>>,
    /// The messages to fetch from the store first.
    wanted: Option<Box<Wanted>>,
    /// The peer said goodbye; the session ends when the peer has read the log up to this
    /// cursor.
    leaving: Option<Box<Cursor>>,
    /// Whether a message of this session is still to be announced to the others.
    has_said: bool,
    /// The number of rejected messages in a row.
    refusals: u32,
    /// The session reads nothing until then.
    paused_until: Option<Instant>,
    /// The addresses of which the host was notified last; `None` for other members.
    told_addresses: Option<Arc<Vec<Address>>>,
    /// Nothing follows the contents of `output`.
    ending: Option<Farewell>,
}

/// The protocol of the peer.
#[derive(Debug)]
enum Speech {
    /// Its first bytes do not show the protocol yet.
    Unknown(Vec<u8>),
    Native(Lines),
    Text(Box<Reader>),
}

/// A peer's membership of the room.
#[derive(Debug)]
struct Membership {
    lease: Lease,
    /// The room's count of takeovers when the lease was last known to be valid.
    takeovers: u64,
    door: EncodingId,
    cursor: Cursor,
    /// The `seq` numbers of past messages that the session sends before it follows the
    /// log.
    replay: Range<u64>,
}

/// The connection's last act, after it has written the output of an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Nothing more.
    Silent,
    /// After a pause, the quit command by itself: it ends the original program.
    QuitCommand,
}

impl Session {
    /// The session of a new connection.
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
            told_addresses: None,
            ending: None,
        }
    }

    /// The state that all connections share.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Records whether the peer currently does not accept the data that waits for it.
    pub(super) fn set_slow(&mut self, slow: bool) {
        self.guest.set_slow(slow);
    }

    /// How the session ends once its output is written, if it has ended and the peer may
    /// learn of it.
    pub(super) fn ending(&self) -> Option<Farewell> {
        self.ending.filter(|_| self.held.is_none())
    }

    /// Whether to read the peer's bytes.
    pub(super) fn wants_input(&self) -> bool {
        self.unread.is_empty() && self.may_take()
    }

    /// Whether the session may handle the peer's input now.
    fn may_take(&self) -> bool {
        self.ending.is_none()
            && self.leaving.is_none()
            && self.wanted.is_none()
            && self.paused_until.is_none()
            && !self.shared.is_congested()
            && self.output.len() + self.replies.len() < OUTPUT_LIMIT
    }

    /// The time of the next call of [`Session::tick`].
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
            // The kernel detects a dead peer of the text door.
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
        // The server does not read from this member, or the member has not reached the
        // ping yet, so no answer can arrive; but a member that reads is alive.
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

    /// The deadlines of a peer who has given no name.
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

    /// Handles bytes of the peer; there is at least one.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) {
        self.heard = now;
        if self.member.is_some() {
            self.asked = false;
        }
        // JSON contains no telnet commands: the byte that begins one is not UTF-8.
        let bytes = match &self.speech {
            Speech::Native(_) if !self.telnet.negotiates() => Cow::Borrowed(bytes),
            _ => self.telnet.take(bytes),
        };
        if bytes.is_empty() {
            return;
        }
        if !self.unread.is_empty() {
            // OpenedStore in order, whatever happens first.
            self.unread.extend_from_slice(&bytes);
            return self.take_up(now);
        }
        let Speech::Unknown(first) = &mut self.speech else {
            return self.take_speech(&bytes, now);
        };
        first.extend_from_slice(&bytes);
        let Some(sniffed) = Sniffed::of(first) else {
            return;
        };
        let mut first = mem::take(first);
        match sniffed {
            Sniffed::Served(Transport::Plain, Protocol::Native) => {
                first = without_blank(&first).to_vec();
                self.speech = Speech::Native(Lines::new(FRAME_LIMIT));
            }
            Sniffed::Served(Transport::Plain, Protocol::Text) => {
                self.speech = Speech::Text(Box::default());
            }
            Sniffed::Unserved(unserved) => {
                self.replies.extend_from_slice(&unserved.answer(&first));
                self.report_refusal(Refusal::ClosedDoor(unserved));
                return self.end(Why::Protocol);
            }
        }
        self.take_speech(&first, now);
    }

    fn take_speech(&mut self, bytes: &[u8], now: Instant) {
        // Put back below: the contents must outlive this call.
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
                    self.manner = Some(reader.framing(bytes));
                }
                self.take_text(&mut reader, bytes, now);
                self.speech = Speech::Text(reader);
            }
            Speech::Unknown(_) => {}
        }
    }

    /// Records that a message was accepted; the others are notified once for all messages
    /// of one read.
    fn said(&mut self) {
        self.refusals = 0;
        self.has_said = true;
    }

    fn tell_said(&mut self) {
        if mem::take(&mut self.has_said) {
            self.shared.tell_news();
        }
    }

    /// Counts a rejected message; after too many, the session stops reading for a while.
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

    /// Whether there is input to [take up](Session::take_up).
    pub(super) fn can_take_up(&self) -> bool {
        !self.unread.is_empty() && self.may_take()
    }

    /// Handles the input that had to wait, as far as it may now.
    pub(super) fn take_up(&mut self, now: Instant) {
        if !self.may_take() {
            return;
        }
        let unread = mem::take(&mut self.unread);
        self.take_speech(&unread, now);
    }

    /// Handles the end of the peer's sending half.
    pub(super) fn half_close(&mut self, now: Instant) {
        let is_text = matches!(self.speech, Speech::Text(_));
        if is_text && self.manner == Some(Framing::Lines) {
            self.take_speech(&[], now);
        }
        if is_text {
            self.end(Why::Quit);
        } else {
            self.lose(Why::Lost, now);
        }
    }

    /// Ends the session because nothing more can be written to the peer: the connection is
    /// broken, or others need the memory that is held for it.
    pub(super) fn break_off(&mut self, why: Why, now: Instant) {
        self.member = None;
        self.lose(why, now);
    }

    /// Sends the message to the room, unless the room or its address does not allow it.
    fn try_to_say(&mut self, from: Lease, draft: Draft<'_>, now: Instant) -> Result<Said, NotSaid> {
        let per_second = self.shared.live().text_per_address;
        if per_second > 0 {
            // Until `retry` is over, the address is refused everything: of two messages, a
            // later one is never accepted before an earlier one.
            let counted = (self.guest.origin()).count_text(draft.bytes(), per_second, now);
            counted.map_err(|retry| NotSaid::TooFast { retry })?;
        }
        self.shared.room().apply(Say {
            lease: from,
            draft,
            at: clock::now(),
            time: self.shared.time(now),
        })
    }

    /// The number of bytes held for the peer.
    pub(super) fn held_bytes(&self) -> usize {
        let input = match &self.speech {
            Speech::Unknown(first) => first.len(),
            Speech::Native(lines) => lines.held_bytes(),
            Speech::Text(reader) => reader.held_bytes(),
        };
        let output = self.output.capacity() + self.replies.capacity();
        input + self.unread.capacity() + output
    }

    fn report_refusal(&self, why: Refusal) {
        let address = self.guest.address();
        self.shared.report(Event::Refused { address, why });
    }

    /// Ends the session: the peer leaves the room at once. The connection still writes
    /// the contents of the output, and earlier messages as far as one read returns them.
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

/// `start` plus `wait`; a time far in the future if that overflows.
fn later(start: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24 * 365);
    start + wait.min(FAR)
}

/// The requested number, limited to 1 to `most`; `most` if none was requested.
fn clamp(asked: Option<u64>, most: u64) -> u64 {
    asked.map_or(most, |asked| asked.clamp(1, most))
}
