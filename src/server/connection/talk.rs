//! What happens on one connection: first the greeting, then the session. It does no I/O
//! and reads no clock.

use std::mem;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::protocol::Pin;
use crate::room::{Cursor, Entry, Lease, Why};
use crate::store::ReadError;

use super::super::hub::Guest;
use super::super::session::{Farewell, Found, PeerSession, Slices, Wanted};
use super::greet::{Chosen, Greeting};

/// What happens on one connection.
#[derive(Debug)]
pub enum Talk {
    /// The peer has not shown what it speaks.
    Greeting(Greeting),
    /// It has.
    Session(PeerSession),
    /// Only while the first becomes the second.
    Between,
}

impl Talk {
    /// A new connection.
    pub fn new(guest: Guest, now: Instant) -> Self {
        Self::Greeting(Greeting::new(guest, now))
    }

    /// A new connection that is encrypted, with this certificate.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn encrypted(guest: Guest, certificate: Pin, now: Instant) -> Self {
        let mut greeting = Greeting::new(guest, now);
        greeting.secured(certificate, now);
        Self::Greeting(greeting)
    }

    /// The greeting is over: the peer speaks what it chose.
    fn begin(&mut self, chosen: Option<Chosen>, now: Instant) {
        let Some(chosen) = chosen else { return };
        if let Self::Greeting(greeting) = mem::replace(self, Self::Between) {
            *self = Self::Session(greeting.begin(&chosen, now));
        }
    }

    /// Records whether the peer currently does not accept the data that waits for it.
    pub fn set_slow(&mut self, slow: bool) {
        match self {
            Self::Greeting(greeting) => greeting.set_slow(slow),
            Self::Session(session) => session.set_slow(slow),
            Self::Between => {}
        }
    }

    /// How the connection ends once its output is written, if it ends.
    pub const fn ending(&self) -> Option<Farewell> {
        match self {
            Self::Greeting(greeting) if greeting.is_over() => Some(Farewell::Silent),
            Self::Session(session) => session.ending(),
            Self::Greeting(_) | Self::Between => None,
        }
    }

    /// Whether to read the peer's bytes.
    pub fn wants_input(&self) -> bool {
        match self {
            Self::Greeting(greeting) => greeting.wants_input(),
            Self::Session(session) => session.wants_input(),
            Self::Between => false,
        }
    }

    /// The time of the next call of [`tick`](Self::tick).
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Greeting(greeting) => greeting.deadline(),
            Self::Session(session) => session.deadline(),
            Self::Between => None,
        }
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        match self {
            Self::Greeting(greeting) => {
                let chosen = greeting.tick(now);
                self.begin(chosen, now);
            }
            Self::Session(session) => session.tick(now),
            Self::Between => {}
        }
    }

    /// Whether the peer, by its first bytes, wants to be encrypted.
    pub fn chooses_tls(&mut self, first: &[u8]) -> bool {
        match self {
            Self::Greeting(greeting) => greeting.chooses_tls(first),
            Self::Session(_) | Self::Between => false,
        }
    }

    /// Whether the peer's handshake is under way.
    pub const fn awaits_handshake(&self) -> bool {
        matches!(self, Self::Greeting(greeting) if greeting.awaits_handshake())
    }

    /// The handshake is done; the peer got the certificate with this pin.
    pub fn secured(&mut self, pin: Pin, now: Instant) {
        if let Self::Greeting(greeting) = self {
            greeting.secured(pin, now);
        }
    }

    /// Handles bytes of the peer; there is at least one.
    pub fn take(&mut self, bytes: &[u8], now: Instant) {
        match self {
            Self::Greeting(greeting) => {
                let chosen = greeting.take(bytes, now);
                self.begin(chosen, now);
            }
            Self::Session(session) => session.take(bytes, now),
            Self::Between => {}
        }
    }

    /// Whether there is input to [take up](Self::take_up).
    pub fn can_take_up(&self) -> bool {
        matches!(self, Self::Session(session) if session.can_take_up())
    }

    /// Handles the input that had to wait, as far as it may now.
    pub fn take_up(&mut self, now: Instant) {
        if let Self::Session(session) = self {
            session.take_up(now);
        }
    }

    /// Handles the outcomes of commands that have come; is ready if there were any.
    pub fn poll_outcomes(
        &mut self,
        now: impl Fn() -> Instant,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        match self {
            Self::Session(session) if session.awaits_any() => session.poll_outcomes(now(), context),
            Self::Session(_) | Self::Greeting(_) | Self::Between => Poll::Pending,
        }
    }

    /// Handles the end of the peer's sending half.
    pub fn half_close(&mut self, now: Instant) {
        match self {
            Self::Greeting(greeting) => greeting.lose(Why::Lost, now),
            Self::Session(session) => session.half_close(now),
            Self::Between => {}
        }
    }

    /// Ends what happens because nothing more can be written to the peer.
    pub fn break_off(&mut self, why: Why, now: Instant) {
        match self {
            Self::Greeting(greeting) => greeting.lose(why, now),
            Self::Session(session) => session.break_off(why, now),
            Self::Between => {}
        }
    }

    /// Finds the bytes to write now: either slices of the log, which this puts into
    /// `slices`, or the [output](Self::output).
    pub fn gather(&mut self, slices: &mut Slices) -> Found {
        match self {
            Self::Greeting(greeting) => {
                if greeting.gather() {
                    Found::Some
                } else {
                    Found::Nothing
                }
            }
            Self::Session(session) => session.gather(slices),
            Self::Between => Found::Nothing,
        }
    }

    /// The bytes of the connection's own output to write now.
    pub fn output(&self) -> &[u8] {
        match self {
            Self::Greeting(greeting) => greeting.output(),
            Self::Session(session) => session.output(),
            Self::Between => &[],
        }
    }

    /// Records that the first `count` bytes of what [`gather`](Self::gather) found were
    /// written. Returns whether everything from the log was.
    pub fn wrote(&mut self, count: usize, slices: &Slices) -> bool {
        match self {
            Self::Greeting(greeting) => greeting.wrote(count),
            Self::Session(session) => return session.wrote(count, slices),
            Self::Between => {}
        }
        false
    }

    /// The messages to fetch from the store before this can continue.
    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::Session(session) => session.wanted(),
            Self::Greeting(_) | Self::Between => None,
        }
    }

    /// Handles messages that were fetched from the store.
    pub fn take_past(&mut self, fetched: Result<Vec<Entry<'static>>, ReadError>) {
        if let Self::Session(session) = self {
            session.take_past(fetched);
        }
    }

    /// Tells the peer what concerns it alone, and is in no log.
    pub fn tell_changes(&mut self) {
        if let Self::Session(session) = self {
            session.tell_changes();
        }
    }

    /// The cursor from which the peer only has to follow the log, if that is so, and its
    /// lease.
    pub fn follows_from(&self) -> Option<(Cursor, Lease)> {
        match self {
            Self::Session(session) => session.follows_from(),
            Self::Greeting(_) | Self::Between => None,
        }
    }

    /// Continues to write the log from `cursor` on, after `rest` of the entry before it.
    pub fn go_on(&mut self, cursor: Cursor, rest: Vec<u8>) {
        if let Self::Session(session) = self {
            session.go_on(cursor, rest);
        }
    }

    /// The number of bytes held for the peer.
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Greeting(greeting) => greeting.held_bytes(),
            Self::Session(session) => session.held_bytes(),
            Self::Between => 0,
        }
    }
}
