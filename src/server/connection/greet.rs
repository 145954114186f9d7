//! Greets a peer: reads its first bytes until they show what it speaks. Only then there is
//! a session.
//!
//! This does no I/O and reads no clock.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::debug;

use crate::protocol::native::closed;
use crate::protocol::sniff::{Protocol, Sniffed, Transport, Unserved, without_blank};
use crate::protocol::text::telnet::Telnet;
use crate::protocol::text::write_notice;
use crate::protocol::{NAME_PROMPT, Pin};
use crate::room::Why;

use super::super::event::Refusal;
use super::super::hub::{Guest, Hub};
use super::super::session::{PeerSession, Start, later, prompt};

/// First bytes that could be the start of a protocol's signature wait this long for more;
/// after that they count as a name.
const PATIENCE: Duration = Duration::from_millis(500);

/// A peer whose protocol is not known yet.
#[derive(Debug)]
pub struct Greeting {
    guest: Guest,
    arrived: Instant,
    /// The time when the last bytes arrived.
    heard: Instant,
    way: Way,
    /// Whether the server has asked the peer for a name.
    asked: bool,
    /// Removes the negotiation that a telnet program sends beside what a person types.
    telnet: Telnet,
    /// The bytes so far.
    first: Vec<u8>,
    output: Vec<u8>,
    /// The number of bytes of `output` that are written.
    written: usize,
    /// Nothing follows the output.
    is_over: bool,
}

/// The way of the bytes of a greeting.
#[derive(Debug)]
enum Way {
    /// Plain, as far as is known.
    Plain,
    /// Encrypted, when the handshake is done.
    Handshake,
    /// Encrypted; the peer got the certificate with this pin.
    Tls(Box<Pin>),
}

/// What a peer speaks, and the first bytes of that; none if it has said nothing in time.
#[derive(Debug)]
pub struct Chosen {
    protocol: Protocol,
    first: Vec<u8>,
}

impl Greeting {
    /// A new connection. Its transport is plain until its first bytes show another one.
    pub fn new(guest: Guest, now: Instant) -> Self {
        Self {
            guest,
            arrived: now,
            heard: now,
            way: Way::Plain,
            asked: false,
            telnet: Telnet::default(),
            first: Vec::new(),
            output: Vec::new(),
            written: 0,
            is_over: false,
        }
    }

    /// The hub of the room.
    const fn hub(&self) -> &Arc<Hub> {
        self.guest.hub()
    }

    /// Records whether the peer currently does not accept the data that waits for it.
    pub fn set_slow(&mut self, slow: bool) {
        self.guest.set_slow(slow);
    }

    /// Whether the server turns the peer away once the output is written.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether to read the peer's bytes.
    pub fn wants_input(&self) -> bool {
        !self.is_over && !self.hub().is_congested()
    }

    /// The number of bytes held for the peer.
    pub const fn held_bytes(&self) -> usize {
        self.first.capacity() + self.output.capacity()
    }

    /// The time of the next call of [`tick`](Self::tick).
    pub fn deadline(&self) -> Option<Instant> {
        let is_asked = self.asked || self.awaits_handshake() || self.prompt().is_none();
        let ask = (!is_asked).then(|| self.arrived + NAME_PROMPT);
        let decide = (!self.first.is_empty()).then(|| self.heard + PATIENCE);
        let name = later(self.arrived, self.hub().live().name_timeout);
        let next = ask.into_iter().chain(decide).fold(name, Instant::min);
        (!self.is_over).then_some(next)
    }

    /// Whether the peer, by its first bytes, wants to be encrypted. Then this awaits the
    /// handshake.
    pub fn chooses_tls(&mut self, first: &[u8]) -> bool {
        let chooses = matches!(self.way, Way::Plain)
            && self.first.is_empty()
            // It was written to in the clear, and could not make anything of that.
            && !self.asked
            && !self.telnet.negotiates()
            && Sniffed::of(first) == Some(Sniffed::Through(Transport::Tls));
        if chooses {
            self.way = Way::Handshake;
        }
        chooses
    }

    /// Whether the peer's handshake is under way.
    pub const fn awaits_handshake(&self) -> bool {
        matches!(self.way, Way::Handshake)
    }

    /// The handshake is done; the peer got the certificate with this pin.
    pub fn secured(&mut self, pin: Pin, now: Instant) {
        self.heard = now;
        self.way = Way::Tls(Box::new(pin));
    }

    /// Handles bytes of the peer; there is at least one. Returns what it speaks, once that
    /// is known.
    pub fn take(&mut self, bytes: &[u8], now: Instant) -> Option<Chosen> {
        self.heard = now;
        self.first.extend_from_slice(&self.telnet.take(bytes));
        let sniffed = Sniffed::of(&self.first).filter(|_| !self.first.is_empty())?;
        let first = mem::take(&mut self.first);
        match sniffed {
            Sniffed::Served(protocol) => Some(Chosen {
                protocol,
                first: match protocol {
                    Protocol::Native => without_blank(&first).to_vec(),
                    Protocol::Text => first,
                },
            }),
            Sniffed::Through(Transport::Plain | Transport::Tls) => {
                self.refuse(Unserved::Tls);
                None
            }
            Sniffed::Unserved(unserved) => {
                self.output.extend_from_slice(&unserved.answer(&first));
                self.refuse(unserved);
                None
            }
        }
    }

    fn refuse(&mut self, unserved: Unserved) {
        self.guest.refused(Refusal::ClosedDoor(unserved));
        self.end(Why::Protocol);
    }

    const fn text(first: Vec<u8>) -> Chosen {
        Chosen {
            protocol: Protocol::Text,
            first,
        }
    }

    /// Does what is due at `now`. A peer that says nothing in time, or nothing more than
    /// what could be the start of a signature, speaks the text protocol.
    pub fn tick(&mut self, now: Instant) -> Option<Chosen> {
        if self.is_over {
            return None;
        }
        let waited = now.saturating_duration_since(self.arrived);
        let is_due = waited >= self.hub().live().name_timeout;
        if self.awaits_handshake() {
            if is_due {
                self.refuse(Unserved::Tls);
            }
            return None;
        }
        if is_due || (!self.first.is_empty() && now >= self.heard + PATIENCE) {
            return Some(Self::text(mem::take(&mut self.first)));
        }
        if waited >= NAME_PROMPT
            && !self.asked
            && let Some(prompt) = self.prompt()
        {
            self.asked = true;
            write_notice(prompt, &mut self.output);
        }
        None
    }

    /// What a peer that says nothing is asked for, if anything.
    fn prompt(&self) -> Option<&'static str> {
        prompt(self.hub(), matches!(self.way, Way::Tls(_)))
    }

    /// The session of the peer, which has chosen.
    pub fn begin(self, chosen: &Chosen, now: Instant) -> PeerSession {
        let certificate = match self.way {
            Way::Plain | Way::Handshake => None,
            Way::Tls(pin) => Some(*pin),
        };
        let mut output = self.output;
        output.drain(..self.written);
        let start = Start {
            guest: self.guest,
            arrived: self.arrived,
            heard: self.heard,
            asked: self.asked,
            telnet: self.telnet,
            certificate,
            output,
        };
        debug!(
            address = %start.guest.address(),
            transport = ?match start.certificate {
                Some(_) => Transport::Tls,
                None => Transport::Plain,
            },
            protocol = chosen.protocol.name(),
            "protocol chosen"
        );
        let mut session = PeerSession::new(start, chosen.protocol);
        if chosen.first.is_empty() {
            session.tick(now);
        } else {
            session.take_plain(&chosen.first, now);
        }
        session
    }

    /// Whether there is something to write. A room that has closed is told first.
    pub fn gather(&mut self) -> bool {
        if self.written < self.output.len() {
            return true;
        }
        // An idle connection holds no buffer.
        self.output = Vec::new();
        self.written = 0;
        // Nothing can be said to a peer in the middle of a handshake.
        if self.is_over || self.awaits_handshake() {
            return false;
        }
        let over = self.hub().room().over();
        if let Some(closing) = over {
            write_notice(&closed(closing).text, &mut self.output);
            self.end(Why::Quit);
        }
        !self.output.is_empty()
    }

    /// The bytes to write.
    pub fn output(&self) -> &[u8] {
        &self.output[self.written..]
    }

    /// Records that the first `count` bytes of the output were written.
    pub const fn wrote(&mut self, count: usize) {
        self.written += count;
    }

    /// Ends the greeting: the connection still writes the output.
    fn end(&mut self, why: Why) {
        self.is_over = true;
        self.guest.leave(why);
    }

    /// Handles the end of the peer's sending half, or of the connection.
    pub fn lose(&mut self, why: Why, now: Instant) {
        if self.awaits_handshake() && !self.is_over {
            self.guest.refused(Refusal::ClosedDoor(Unserved::Tls));
        }
        self.is_over = true;
        self.guest.lose(why, now);
    }
}
