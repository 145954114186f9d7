//! The session itself: its state, its deadlines, and how it ends.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::protocol::Pin;
use crate::protocol::native::frame::{Empty, Hello, Reply};
use crate::protocol::sniff::Protocol;
use crate::protocol::text::Framing;
use crate::protocol::text::telnet::Telnet;
use crate::room::{NotSaid, Why};

use super::super::hub::{Arrival, Guest, Hub, NotLetIn, Proven, Ticket};
use super::awaited::Awaited;
use super::buffer::Buffer;
use super::hosting::Hosting;
use super::input::Input;
use super::phase::{Ending, Farewell, Hail, Phase};
use super::rejected::Rejected;

/// While this many bytes wait to be written to a peer, the server reads nothing from it.
const OUTPUT_LIMIT: usize = 64 << 10;

/// After this many rejected messages in a row, the server stops reading from a member for
/// [`REJECTED_PAUSE`], or until the member may write again.
const REJECTED_LIMIT: u32 = 50;

/// The pause in reading from a member who sends only messages that the room rejects.
const REJECTED_PAUSE: Duration = Duration::from_secs(1);

/// What is known of a peer when its session begins.
#[derive(Debug)]
pub struct Start {
    pub guest: Guest,
    /// The pin of the certificate that it got, if it is encrypted.
    pub certificate: Option<Pin>,
    /// When its connection was opened.
    pub arrived: Instant,
    /// When its last bytes arrived.
    pub heard: Instant,
    /// Whether it was asked for a name.
    pub asked: bool,
    /// The state of its telnet negotiation.
    pub telnet: Telnet,
    /// Bytes that wait to be written to it.
    pub output: Vec<u8>,
}

/// The session of one connection.
#[derive(Debug)]
pub struct PeerSession {
    pub(super) guest: Guest,
    /// The certificate that the server has shown to the peer, until it has joined.
    pub(super) certificate: Option<Box<Pin>>,
    /// The wrong keys that a peer of the text protocol has sent.
    pub(super) wrong_keys: u8,
    /// The key that a peer of the text protocol has sent.
    pub(super) proven: Option<Proven>,
    pub(super) arrived: Instant,
    /// The time when the last bytes arrived.
    heard: Instant,
    /// Whether the server has asked the peer for a name, or pinged the member, since
    /// then.
    pub(super) asked: bool,
    pub(super) protocol: Protocol,
    input: Input,
    /// Removes the negotiation that a telnet program sends beside what a person types.
    telnet: Telnet,
    /// How a peer of the text protocol delimits its messages, once that is known.
    pub(super) framing: Option<Framing>,
    pub(super) phase: Phase,
    /// The messages that have no outcome yet.
    pub(super) awaited: Option<Box<Awaited>>,
    /// Input that was read and not handled, because too much waits to be written, to be
    /// stored or to be decided. The session reads nothing more until this is handled, so
    /// it is at most as much as one read returns, and one unfinished frame.
    pub(super) unread: Buffer,
    /// The bytes to write next, before anything of the log.
    pub(super) output: Buffer,
    /// The number of bytes of `output` that are written.
    pub(super) written: usize,
    /// Whether the peer accepted data while the server did not read from it, or while an
    /// answer waited.
    pub(super) took: bool,
    /// The bytes to write after all of the log.
    pub(super) replies: Buffer,
    /// Whether a message of this session is still to be announced to the others.
    has_said: bool,
    /// The number of rejected messages in a row.
    rejected: u32,
    /// The session reads nothing until then.
    paused_until: Option<Instant>,
    /// What moderation needs, if the peer is or was a host, has tried to act as one, or
    /// was muted.
    pub(super) hosting: Option<Box<Hosting>>,
}

impl PeerSession {
    /// The session of a peer that speaks this protocol.
    pub fn new(start: Start, protocol: Protocol) -> Self {
        let Start {
            mut guest,
            certificate,
            arrived,
            heard,
            asked,
            telnet,
            output,
        } = start;
        if certificate.is_some() {
            guest.set_encrypted();
        }
        Self {
            guest,
            certificate: certificate.map(Box::new),
            wrong_keys: 0,
            proven: None,
            arrived,
            heard,
            asked,
            protocol,
            input: Input::of(protocol),
            telnet,
            framing: None,
            phase: Phase::Greeting,
            awaited: None,
            unread: Buffer::new(),
            output: output.into(),
            written: 0,
            took: false,
            replies: Buffer::new(),
            has_said: false,
            rejected: 0,
            paused_until: None,
            hosting: None,
        }
    }

    /// The hub of the room.
    pub const fn hub(&self) -> &Arc<Hub> {
        self.guest.hub()
    }

    /// Records whether the peer currently does not accept the data that waits for it.
    pub fn set_slow(&mut self, slow: bool) {
        self.guest.set_slow(slow);
    }

    /// How the session ends once its output is written, if it has ended and the peer may
    /// learn of it.
    pub const fn ending(&self) -> Option<Farewell> {
        match &self.phase {
            Phase::Ending(Ending {
                farewell,
                held: None,
            }) => Some(*farewell),
            _ => None,
        }
    }

    /// Whether to read the peer's bytes.
    pub fn wants_input(&self) -> bool {
        self.unread.is_empty() && self.may_take()
    }

    /// Whether the session may handle the peer's input now.
    pub(super) fn may_take(&self) -> bool {
        let is_open = match &self.phase {
            Phase::Greeting | Phase::Challenged(_) => true,
            Phase::Member(member) => member.wanted.is_none(),
            Phase::Joining(_) | Phase::Leaving(_) | Phase::Ending(_) => false,
        };
        is_open
            && self.paused_until.is_none()
            && !self.awaits_outcomes()
            && !self.hub().is_congested()
            && self.output.len() + self.replies.len() < OUTPUT_LIMIT
    }

    /// Whether any outcome has not come.
    pub const fn awaits_any(&self) -> bool {
        matches!(self.phase, Phase::Joining(_)) || self.awaited.is_some()
    }

    /// Whether the session takes no input because an outcome has not come.
    pub(super) fn awaits_outcomes(&self) -> bool {
        let is_joining = matches!(self.phase, Phase::Joining(_));
        is_joining || self.awaited.as_ref().is_some_and(|it| it.is_full())
    }

    /// The time of the next call of [`tick`](Self::tick).
    pub fn deadline(&self) -> Option<Instant> {
        let settings = &self.hub().settings;
        let next = match (&self.phase, self.protocol) {
            (Phase::Ending(_), _) => return None,
            (Phase::Greeting | Phase::Challenged(_), _) => {
                Some(later(self.arrived, self.hub().live().name_timeout))
            }
            (Phase::Member(_) | Phase::Leaving(_), Protocol::Native) if self.asked => {
                Some(later(self.heard, settings.dead_after))
            }
            (Phase::Member(_) | Phase::Leaving(_), Protocol::Native) => {
                Some(later(self.heard, settings.heartbeat))
            }
            // The kernel detects a dead peer of the text protocol.
            (Phase::Member(_) | Phase::Leaving(_), Protocol::Text) | (Phase::Joining(_), _) => None,
        };
        next.into_iter().chain(self.paused_until).min()
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        match (&self.phase, self.protocol) {
            (Phase::Greeting | Phase::Challenged(_), protocol) => {
                let waited = now.saturating_duration_since(self.arrived);
                if waited < self.hub().live().name_timeout {
                    return;
                }
                match (&self.phase, protocol) {
                    (Phase::Challenged(_), _) => self.end_unproven(),
                    (_, Protocol::Native) => self.join_native(&Hello::default(), now),
                    (_, Protocol::Text) => self.join_unasked(now),
                }
            }
            (Phase::Member(_) | Phase::Leaving(_), Protocol::Native) => self.tick_member(now),
            (Phase::Member(_) | Phase::Leaving(_), Protocol::Text)
            | (Phase::Joining(_) | Phase::Ending(_), _) => {}
        }
    }

    /// The heartbeat of a native member.
    fn tick_member(&mut self, now: Instant) {
        // The server does not read from this member, or the member has not reached the
        // ping yet, so no answer can arrive; but a member that reads is alive.
        if mem::take(&mut self.took) {
            self.heard = now;
        }
        let settings = &self.hub().settings;
        let silence = now.saturating_duration_since(self.heard);
        if silence >= settings.dead_after {
            self.lose(Why::Timeout, now);
        } else if silence >= settings.heartbeat && !self.asked {
            self.asked = true;
            self.reply(&Reply::Ping(Empty {}));
        }
    }

    /// Handles bytes of the peer; there is at least one.
    pub fn take(&mut self, bytes: &[u8], now: Instant) {
        self.heard = now;
        if self.phase.member().is_some() {
            self.asked = false;
        }
        // JSON contains no telnet commands: the byte that begins one is not UTF-8.
        let bytes = match self.protocol {
            Protocol::Native if !self.telnet.negotiates() => Cow::Borrowed(bytes),
            Protocol::Native | Protocol::Text => self.telnet.take(bytes),
        };
        if bytes.is_empty() {
            return;
        }
        if self.unread.is_empty() {
            self.take_plain(&bytes, now);
        } else {
            // Kept in order, whatever happens first.
            self.unread.extend_from_slice(&bytes);
            self.take_up(now);
        }
    }

    /// Handles bytes without telnet commands; none if no more will come.
    pub fn take_plain(&mut self, bytes: &[u8], now: Instant) {
        // Put back below: the contents must outlive this call.
        let mut input = self.input.take();
        match &mut input {
            Input::Native(lines) => self.take_native(lines, bytes, now),
            Input::Text(reader) => {
                if self.telnet.negotiates() {
                    reader.expect_lines();
                }
                if !bytes.is_empty() {
                    self.framing = Some(reader.framing(bytes));
                }
                self.take_text(reader, bytes, now);
            }
        }
        self.input = input;
    }

    /// Whether there is input to [take up](Self::take_up).
    pub fn can_take_up(&self) -> bool {
        !self.unread.is_empty() && self.may_take()
    }

    /// Handles the input that had to wait, as far as it may now.
    pub fn take_up(&mut self, now: Instant) {
        if !self.may_take() {
            return;
        }
        let unread = mem::take(&mut self.unread);
        self.take_plain(&unread, now);
    }

    /// Handles the end of the peer's sending half.
    pub fn half_close(&mut self, now: Instant) {
        match self.protocol {
            Protocol::Native => self.lose(Why::Lost, now),
            Protocol::Text => {
                if self.framing == Some(Framing::Lines) {
                    self.take_plain(&[], now);
                }
                self.end(Why::Quit);
            }
        }
    }

    /// Ends the session because nothing more can be written to the peer: the connection is
    /// broken, or others need the memory that is held for it.
    pub fn break_off(&mut self, why: Why, now: Instant) {
        self.drop_withheld();
        self.finish_now(Farewell::Silent);
        self.guest.lose(why, now);
    }

    /// Handles the outcomes that have come; is ready if there were any.
    pub fn poll_outcomes(&mut self, now: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut have_come = Poll::Pending;
        if let Phase::Joining(_) = self.phase
            && let Poll::Ready(outcome) = self.guest.poll_come(context)
        {
            have_come = Poll::Ready(());
            match (mem::replace(&mut self.phase, Phase::Greeting), outcome) {
                (Phase::Joining(hail), Some(outcome)) => self.joined(outcome, *hail, now),
                // The hub has ended.
                _ => self.end(Why::Lost),
            }
        }
        if let Some(mut awaited) = self.awaited.take() {
            let mut rejected = Rejected::default();
            while let Poll::Ready((outcome, id)) = awaited.poll(context) {
                have_come = Poll::Ready(());
                match (outcome, self.protocol) {
                    (None, _) => {}
                    (Some(outcome), Protocol::Native) => {
                        self.was_said(outcome, id.as_deref(), now);
                    }
                    (Some(outcome), Protocol::Text) => {
                        self.was_said_in_text(outcome, &mut rejected, now);
                    }
                }
            }
            self.tell_rejected(&rejected);
            if !awaited.is_empty() && !self.phase.has_ended() {
                self.awaited = Some(awaited);
            }
        }
        have_come
    }

    /// Continues with the outcome of asking to join.
    pub(super) fn joined(&mut self, outcome: Result<Arrival, NotLetIn>, hail: Hail, now: Instant) {
        match self.protocol {
            Protocol::Native => self.joined_native(outcome, hail, now),
            Protocol::Text => self.joined_text(outcome),
        }
        if self.phase.member().is_some() {
            self.certificate = None;
        }
    }

    /// Awaits the outcome of a message.
    pub(super) fn await_said(
        &mut self,
        ticket: Ticket<Result<crate::room::Said, NotSaid>>,
        id: Option<&str>,
    ) {
        self.awaited.get_or_insert_default().add(ticket, id);
    }

    /// Records that a message was accepted; the others are notified once for all messages
    /// of one read.
    pub(super) const fn accepted(&mut self) {
        self.rejected = 0;
        self.has_said = true;
    }

    /// Records that a request was accepted.
    pub(super) const fn accepted_request(&mut self) {
        self.rejected = 0;
    }

    /// Notifies the others of the messages that were accepted.
    pub(super) fn tell_said(&mut self) {
        if mem::take(&mut self.has_said) {
            self.hub().tell_news();
        }
    }

    /// Counts a rejected message; after too many, the session stops reading for a while.
    pub(super) fn rejected(&mut self, why: NotSaid, now: Instant) {
        self.rejected += 1;
        if self.rejected >= REJECTED_LIMIT {
            self.rejected = 0;
            let pause = match why {
                NotSaid::TooFast { retry } => retry,
                _ => REJECTED_PAUSE,
            };
            self.paused_until = Some(now + pause);
        }
    }

    /// The number of bytes held for the peer.
    pub fn held_bytes(&self) -> usize {
        let output = self.output.held_bytes() + self.replies.held_bytes();
        self.input.held_bytes() + self.unread.held_bytes() + output
    }

    /// Ends the session: the peer leaves the room at once. The connection still writes
    /// the contents of the output, and earlier messages as far as one read returns them.
    pub(super) fn end(&mut self, why: Why) {
        self.finish();
        self.guest.leave(why);
    }

    /// Ends the session as [`end`](Self::end) does, but the peer may come back.
    fn lose(&mut self, why: Why, now: Instant) {
        self.drop_withheld();
        self.finish();
        self.guest.lose(why, now);
    }

    fn finish(&mut self) {
        if !self.phase.has_ended() {
            self.gather_last();
            self.finish_now(Farewell::Silent);
        }
    }

    /// Ends the session without another look at the log.
    pub(super) fn finish_now(&mut self, farewell: Farewell) {
        if !self.phase.has_ended() {
            let held = None;
            self.phase = Phase::Ending(Ending { farewell, held });
            self.awaited = None;
        }
    }
}

/// `start` plus `wait`; a time far in the future if that overflows.
pub fn later(start: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24 * 365);
    start + wait.min(FAR)
}
