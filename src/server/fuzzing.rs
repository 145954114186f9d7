//! A whole server without I/O, for the [fuzz targets](crate::fuzzing): bytes and times
//! in, bytes out, several sessions in one room.
//!
//! A script is a list of lines. The first character of a line is the peer (`0` to `3`),
//! the second what happens, and the rest belongs to that:
//!
//! | | |
//! | --- | --- |
//! | `0<text` | it sends `text` and a line break |
//! | `0,text` | it sends `text` |
//! | `0ytext` | it sends `text` as a native message, with an id that must get an answer |
//! | `0Y60` | it sends 60 messages at once, as `0y` |
//! | `0e` | it connects again, over a connection that is encrypted |
//! | `0j` | it sends a hello, by which it can prove the room's key |
//! | `0p` | it answers the last challenge with the proof that its hello promised |
//! | `0q` | it answers it with the proof of another key |
//! | `0t` | it sends the room's key as a line of text |
//! | `0i` | the room becomes private, or no longer is |
//! | `0h` | it sends a hello as the host, by which it can prove the host key |
//! | `0r` | it sends a hello with the session of its last welcome |
//! | `0n` | it connects again; this drops the connection before |
//! | `0c` | it ends its sending half |
//! | `0b` | its connection breaks |
//! | `0s12` | it accepts 12 bytes, and then nothing more |
//! | `0d` | it accepts everything again |
//! | `0w500` | 500 ms pass, with the deadlines in them |
//! | `0x` | the room closes |
//! | `0l` | from now on the outcomes of commands come later |
//! | `0o` | the outcome of the oldest command comes |
//! | `0m` | the next line, and the waits before it, happen before the server writes to anyone or handles input that it put aside |

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::harmless::assert_harmless;
use crate::protocol::native::frame::{Hello, Proof, Reply, Request, Say, read_reply, write_frame};
use crate::protocol::proof::{Binding, HOW, Nonce};
use crate::protocol::{FRAME_LIMIT, PROTOCOL, Pin};
use crate::room::{Closing, RateLimit, Rules, Slice, Why};

use super::connection::Talk;
use super::hub::{Guest, Hub, Proven};
use super::session::{Found, Slices};
use super::settings::Settings;

const PEERS: usize = 4;

/// The certificate of the server.
const CERTIFICATE: Pin = Pin([3; 32]);

/// The nonce of every peer.
const NONCE: Nonce = Nonce([7; 16]);

/// The most lines of a script that the target plays.
const STEPS: usize = 200;

/// The most messages that a peer sends at once.
const AT_ONCE: u64 = 100;

/// The longest wait in one step, in milliseconds.
const WAIT_MOST: u64 = 200_000;

/// The most bytes that the server may write to one peer before all must be written: more
/// than the log can hold of such a short script.
const ENDLESS: usize = 64 << 20;

/// Plays a script.
pub(crate) fn session(script: &[u8]) {
    let mut hall = Hall::new();
    for step in script.split(|byte| *byte == b'\n').take(STEPS) {
        hall.step(step);
    }
    hall.finish();
}

/// The server, its peers and the time.
struct Hall {
    hub: Arc<Hub>,
    now: Instant,
    peers: [Peer; PEERS],
    ids: u64,
    /// Whether a step is followed by another before anything is written.
    at_once: bool,
}

#[derive(Default)]
struct Peer {
    connection: Option<Connection>,
    /// The session token of the last welcome.
    ticket: Option<String>,
}

/// A connection, as its peer sees it.
struct Connection {
    talk: Talk,
    /// The number of bytes that it still accepts; `None` means all.
    takes: Option<usize>,
    /// Whether the last byte that it sent was a line break.
    at_line: bool,
    /// Whether its last hello asked to be the host.
    asks_to_host: bool,
    received: Received,
}

#[derive(Default)]
struct Received {
    /// An unfinished line.
    begun: Vec<u8>,
    /// Everything received, until it is known to be frames.
    words: Vec<u8>,
    is_native: bool,
    /// The nonce of the challenge, if there was one.
    challenge: Option<Nonce>,
    is_welcomed: bool,
    /// Whether nothing may follow.
    is_over: bool,
    /// The `seq` of the next message, once there was one.
    next: Option<u64>,
    /// The ids of messages that have no answer yet.
    open: BTreeSet<String>,
}

impl Hall {
    fn new() -> Self {
        let settings = Settings {
            room_name: Some("Fuzz".to_owned()),
            stay_open: true,
            history: 3,
            max_per_address: 0,
            rules: Rules {
                max_members: 3,
                rate_limit: RateLimit {
                    burst: 5,
                    per_second: 2,
                },
                grace: Duration::from_mins(1),
                ..Rules::default()
            },
            ..Settings::default()
        };
        Self {
            hub: Hub::in_memory(settings),
            now: Instant::now(),
            peers: Default::default(),
            ids: 0,
            at_once: false,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let [peer, what, rest @ ..] = step else {
            return;
        };
        let index = usize::from(*peer) % PEERS;
        match what {
            b'<' => self.send(index, &[rest, b"\n"].concat()),
            b',' => self.send(index, rest),
            b'y' => self.say(index, &String::from_utf8_lossy(rest), 1),
            b'Y' => self.say(index, "hi", number(rest).min(AT_ONCE)),
            b'h' | b'j' | b'r' => self.hello(index, *what),
            b'p' | b'q' => self.prove(index, *what == b'p'),
            b't' => {
                let key = format!("{}\n", self.hub.keys().key.grouped());
                self.send(index, key.as_bytes());
            }
            b'i' => {
                let mut settings = self.hub.settings.clone();
                settings.private = !self.hub.live().private;
                self.hub.change(&settings);
            }
            b'n' => self.connect(index, None),
            b'e' => self.connect(index, Some(CERTIFICATE)),
            b'c' => {
                if let Some(connection) = &mut self.peers[index].connection
                    && connection.talk.ending().is_none()
                    && connection.talk.wants_input()
                {
                    connection.talk.half_close(self.now);
                }
            }
            b'b' => {
                if let Some(mut connection) = self.peers[index].connection.take() {
                    connection.talk.break_off(Why::Lost, self.now);
                }
            }
            b's' | b'd' => {
                let takes = (*what == b's').then(|| usize::try_from(number(rest)).unwrap_or(0));
                if let Some(connection) = &mut self.peers[index].connection {
                    connection.takes = takes;
                }
            }
            b'w' => self.wait(number(rest).min(WAIT_MOST)),
            b'l' => self.hub.delay_outcomes(),
            b'o' => drop(self.hub.apply_next()),
            b'x' => self.hub.close(Closing::ForGood),
            _ => {}
        }
        self.at_once = *what == b'm' || (self.at_once && *what == b'w');
        self.settle();
    }

    fn connect(&mut self, index: usize, certificate: Option<Pin>) {
        let last = u8::try_from(index).unwrap_or(0);
        let address = SocketAddr::from(([192, 0, 2, last], 4_000));
        let guest = Guest::arriving(&self.hub, address, self.now);
        self.peers[index].connection = guest.ok().map(|guest| Connection {
            talk: match certificate {
                Some(certificate) => Talk::encrypted(guest, certificate, self.now),
                None => Talk::new(guest, self.now),
            },
            takes: None,
            at_line: true,
            asks_to_host: false,
            received: Received::default(),
        });
    }

    /// The peer sends bytes; the session reads them as far as it wants them. The script's
    /// next step drops the rest, as the buffers of a kernel would that nobody empties.
    fn send(&mut self, index: usize, bytes: &[u8]) {
        if self.peers[index].connection.is_none() {
            self.connect(index, None);
        }
        let Some(connection) = &mut self.peers[index].connection else {
            return;
        };
        if let Some(last) = bytes.last()
            && connection.talk.wants_input()
        {
            connection.at_line = *last == b'\n';
            connection.talk.take(bytes, self.now);
        }
    }

    /// Answers the last challenge: with the key that it is about, or with the other one.
    fn prove(&mut self, index: usize, right: bool) {
        let keys = self.hub.keys();
        let Some(connection) = &self.peers[index].connection else {
            return;
        };
        let Some(server) = connection.received.challenge else {
            return;
        };
        let asked = if connection.asks_to_host {
            Proven::Host
        } else {
            Proven::Member
        };
        let other = match asked {
            Proven::Host => Proven::Member,
            Proven::Member => Proven::Host,
        };
        let binding = Binding {
            server,
            client: NONCE,
            certificate: CERTIFICATE,
        };
        let key = keys.of(if right { asked } else { other });
        let proof = Request::Proof(Proof {
            how: HOW.into(),
            mac: binding.prove(key, asked.label()).to_base64().into(),
        });
        let mut frame = Vec::new();
        write_frame(&proof, &mut frame);
        self.send(index, &frame);
    }

    fn hello(&mut self, index: usize, what: u8) {
        let host = what == b'h';
        if self.peers[index].connection.is_none() {
            self.connect(index, None);
        }
        if let Some(connection) = &mut self.peers[index].connection {
            connection.asks_to_host = host;
        }
        let hello = Hello {
            protocol: PROTOCOL,
            name: format!("peer {index}").into(),
            host,
            nonce: (what != b'r').then(|| NONCE.to_string().into()),
            session: self.peers[index].ticket.clone().map(Into::into),
            ..Hello::default()
        };
        let mut frame = Vec::new();
        write_frame(&Request::Hello(hello), &mut frame);
        self.send(index, &frame);
    }

    fn say(&mut self, index: usize, text: &str, times: u64) {
        let Some(connection) = &mut self.peers[index].connection else {
            return;
        };
        let received = &mut connection.received;
        if !received.is_welcomed || received.is_over || !connection.talk.wants_input() {
            return;
        }
        let mut frames = if connection.at_line {
            Vec::new()
        } else {
            vec![b'\n']
        };
        for _ in 0..times {
            self.ids += 1;
            let id = format!("y{}", self.ids);
            let say = Request::Say(Say {
                id: Some(id.clone().into()),
                text: text.into(),
            });
            let before = frames.len();
            write_frame(&say, &mut frames);
            if frames.len() - before > FRAME_LIMIT {
                return;
            }
            received.open.insert(id);
        }
        self.send(index, &frames);
    }

    /// Lets time pass, from one deadline to the next.
    fn wait(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        // The heartbeat is the most frequent of the regular deadlines.
        for _ in 0..1_000 {
            let deadlines = self.connections().filter_map(|it| it.talk.deadline());
            let Some(next) = deadlines.min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            let now = self.now;
            for connection in self.connections() {
                let talk = &mut connection.talk;
                let mut rounds = 0;
                while talk.deadline().is_some_and(|deadline| deadline <= now) {
                    talk.tick(now);
                    rounds += 1;
                    assert!(rounds < 10, "a deadline is not due again at once");
                }
            }
            self.settle();
        }
        self.now = end;
        self.hub.expire(end);
        self.hub.tell_gathered();
        self.settle();
    }

    fn connections(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.peers
            .iter_mut()
            .filter_map(|peer| peer.connection.as_mut())
    }

    /// Writes pending data to everyone, until nothing happens any more.
    fn settle(&mut self) {
        if self.at_once {
            return;
        }
        for rounds in 0.. {
            assert!(rounds < 1_000, "the server becomes idle");
            let mut went_on = false;
            for peer in &mut self.peers {
                let Some(connection) = &mut peer.connection else {
                    continue;
                };
                let context = &mut Context::from_waker(Waker::noop());
                let now = self.now;
                went_on |= connection.talk.poll_outcomes(|| now, context).is_ready();
                went_on |= connection.write(&mut peer.ticket);
                if connection.talk.can_take_up() {
                    connection.talk.take_up(self.now);
                    went_on = true;
                }
            }
            if !went_on {
                return;
            }
        }
    }

    /// Every peer accepts all data: then every message must have an answer, unless the
    /// connection has ended.
    fn finish(&mut self) {
        self.at_once = false;
        for connection in self.connections() {
            connection.takes = None;
        }
        self.settle();
        // A session asks for more while outcomes come.
        while self.hub.apply_next() {
            self.settle();
        }
        self.wait(5_000);
        for connection in self.connections() {
            let is_over = connection.received.is_over || connection.talk.ending().is_some();
            let open = &connection.received.open;
            assert!(is_over || open.is_empty(), "never answered: {open:?}");
            connection.received.end();
        }
    }
}

impl Connection {
    /// Writes pending data, as far as the peer accepts it. Returns whether it accepted
    /// any.
    fn write(&mut self, ticket: &mut Option<String>) -> bool {
        let mut slices = Slices::new();
        let mut total = 0;
        loop {
            let found = self.talk.gather(&mut slices);
            if found == Found::Nothing {
                return total > 0;
            }
            let bytes: Vec<u8> = if slices.is_empty() {
                self.talk.output().to_vec()
            } else {
                slices.iter().flat_map(Slice::bytes).copied().collect()
            };
            let count = self.takes.unwrap_or(usize::MAX).min(bytes.len());
            self.takes = self.takes.map(|takes| takes - count);
            self.received.take(&bytes[..count], ticket);
            let complete = self.talk.wrote(count, &slices);
            slices.clear();
            total += count;
            assert!(total < ENDLESS, "the server stops writing at some point");
            if count < bytes.len() || (found == Found::All && complete) {
                return total > 0;
            }
        }
    }
}

impl Received {
    fn take(&mut self, bytes: &[u8], ticket: &mut Option<String>) {
        if !self.is_native {
            self.words.extend_from_slice(bytes);
        }
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            if line.starts_with(b"{\"") {
                // The text door writes a name before each message, and no name contains
                // quotes.
                self.is_native = true;
                self.take_frame(&line[..end], ticket);
            } else {
                assert!(!self.is_welcomed, "a frame: {line:?}");
            }
        }
    }

    /// Checks that a frame for a native client is as documented, and in order.
    fn take_frame(&mut self, line: &[u8], ticket: &mut Option<String>) {
        assert!(!self.is_over, "nothing follows the end: {line:?}");
        let reply = read_reply(line).expect("a frame");
        let reply = reply.expect("a known frame");
        let is_allowed_before = matches!(
            reply,
            Reply::Welcome(_)
                | Reply::Challenge(_)
                | Reply::About(_)
                | Reply::Ping(_)
                | Reply::Pong(_)
                | Reply::Error(_)
                | Reply::Closed(_)
        );
        assert!(self.is_welcomed || is_allowed_before, "not yet: {line:?}");
        match reply {
            Reply::Challenge(challenge) => {
                assert!(self.challenge.is_none(), "challenged once");
                self.challenge = Some(challenge.nonce.parse().expect("a nonce"));
            }
            Reply::About(about) => assert!(!about.private || about.room.is_none()),
            Reply::Welcome(welcome) => {
                assert!(!self.is_welcomed, "welcome once");
                self.is_welcomed = true;
                *ticket = Some(welcome.session.into_owned());
            }
            Reply::Erased(erased) => {
                assert!(erased.of < erased.seq, "only what was there");
                self.take_seq(erased.seq);
            }
            Reply::Message(message) => {
                self.take_seq(message.seq);
                if let Some(id) = message.message_id() {
                    self.open.remove(id);
                }
            }
            Reply::Gap(gap) => self.next = Some(gap.to + 1),
            Reply::Said(said) => drop(self.open.remove(&*said.id)),
            Reply::Error(error) => {
                self.is_over = error.fatal;
                if let Some(id) = error.id {
                    self.open.remove(&*id);
                }
            }
            Reply::Closed(_) => self.is_over = true,
            _ => {}
        }
    }

    /// Checks that a lasting entry is the next one.
    fn take_seq(&mut self, seq: u64) {
        let next = self.next.unwrap_or(seq);
        assert_eq!(seq, next, "one order, without a hole");
        self.next = Some(seq + 1);
    }

    /// Checks that text for a person does not act on a terminal.
    fn end(&self) {
        if !self.is_native {
            // The last character may have been cut in the middle.
            let end = (0..=3).map(|back| self.words.len().saturating_sub(back));
            let whole = end
                .map(|end| &self.words[..end])
                .find(|words| std::str::from_utf8(words).is_ok());
            let words = String::from_utf8_lossy(whole.unwrap_or(&self.words));
            // Lines for a browser end this way.
            assert_harmless(&words.replace("\r\n", "\n"));
        }
    }
}

fn number(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.trim().parse().ok())
        .unwrap_or(0)
}
