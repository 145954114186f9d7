//! Encrypted connections, with a server that sees the raw bytes of the client too.

use std::io::{self, Read};

use rustls::{ServerConnection, StreamOwned};

use super::back::welcome;
use super::*;
use crate::protocol::Pin;
use crate::tls::{Identity, ServerTls};

/// A server that encrypts.
pub struct Host {
    pub listener: TcpListener,
    tls: ServerTls,
}

/// What a client sends over TCP, beside the stream that it is on.
pub struct Tap {
    stream: TcpStream,
    wire: Vec<u8>,
}

/// The server's side of an encrypted connection.
pub struct SecurePeer(BufReader<StreamOwned<ServerConnection, Tap>>);

pub const ABOUT: &str = r#"{"about":{}}"#;
pub const HELLO: &str = r#"{"hello":{"protocol":1,"name":"ada"}}"#;

/// What a server says of a room that anyone may join.
pub fn about(room: &str) -> String {
    format!(r#"{{"about":{{"protocol":1,"room":"{room}"}}}}"#)
}

pub fn new_tls() -> ServerTls {
    ServerTls::new(Arc::new(Identity::generate().unwrap()), None).unwrap()
}

impl Host {
    pub fn new() -> (Self, Settings) {
        let (listener, settings) = local();
        let tls = new_tls();
        let settings = Settings {
            encryption: Encryption::Tls,
            ..settings
        };
        (Self { listener, tls }, settings)
    }

    pub fn pin(&self) -> Pin {
        self.tls.identity().pin()
    }

    /// From now on with another certificate.
    pub fn change(&mut self) {
        self.tls = new_tls();
    }

    pub fn accept(&self) -> SecurePeer {
        SecurePeer::new(accepted(&self.listener), &self.tls)
    }

    /// Lets a client in that meets this server for the first time.
    pub fn let_in(&self) -> SecurePeer {
        let mut peer = self.accept();
        assert_eq!(peer.hear(), ABOUT);
        peer.tell(&about("R"));
        assert_eq!(peer.hear(), HELLO);
        peer.tell(WELCOME);
        peer
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.wire.extend_from_slice(&buffer[..length]);
        Ok(length)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl SecurePeer {
    pub fn new(stream: TcpStream, tls: &ServerTls) -> Self {
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        let server = ServerConnection::new(Arc::clone(tls.offer().config())).unwrap();
        let wire = Vec::new();
        let stream = StreamOwned::new(server, Tap { stream, wire });
        Self(BufReader::new(stream))
    }

    /// The next line, without its end; empty at the end of all lines.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(_) => {}
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ),
                "{error}"
            ),
        }
        line.trim_end().to_owned()
    }

    pub fn tell(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }

    /// Sends a part of a record, and breaks the connection.
    fn cut(self, line: &str) {
        let mut stream = self.0.into_inner();
        stream.conn.writer().write_all(line.as_bytes()).unwrap();
        let mut record = Vec::new();
        stream.conn.write_tls(&mut record).unwrap();
        stream.sock.write_all(&record[..record.len() / 2]).unwrap();
    }

    /// Asserts that the client sends nothing but a handshake, and goes.
    pub fn hears_a_handshake_alone(&mut self) {
        assert_eq!(self.hear(), "");
        let records = records(&self.0.get_ref().sock.wire);
        let kinds: Vec<u8> = records.iter().map(|(kind, _)| *kind).collect();
        // ClientHello, the change of cipher that does nothing, and Finished: with the
        // longest hash it has 52 bytes, and the record adds 17.
        assert_eq!(kinds, [22, 20, 23], "{records:?}");
        assert!(records[2].1 <= 52 + 17, "{records:?}");
    }
}

/// The records in these bytes: the kind and the length of each.
pub fn records(mut wire: &[u8]) -> Vec<(u8, usize)> {
    let mut records = Vec::new();
    while let [kind, 3, 1 | 3, high, low, rest @ ..] = wire {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        wire = &rest[length..];
    }
    assert_eq!(wire, b"", "{records:?}");
    records
}

pub fn security(events: &Receiver<Event>) -> Security {
    match next_of_all(events) {
        Event::Secured(security) => security,
        event => panic!("{event:?}"),
    }
}

/// Asserts that the client is in the room, and returns how it is protected.
pub fn welcomed(events: &Receiver<Event>) -> Security {
    let security = security(events);
    match next_of_all(events) {
        Event::Welcomed(_) | Event::Returned(_) => security,
        event => panic!("{event:?}"),
    }
}

#[test]
fn a_client_encrypts_without_being_told_and_says_so() {
    let (host, settings) = Host::new();
    let (client, events) = Client::connect(settings.clone());
    let mut peer = host.let_in();
    let trust = Trust::FirstUse;
    let pin = host.pin();
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
    let id = client.say("hi").unwrap();
    assert!(peer.hear().starts_with(r#"{"say":"#));
    peer.tell(&message_of(2, 1, &id));
    assert!(matches!(next(&events), Event::Message(_)));
    // Nothing of it is on the wire.
    let kinds = records(&peer.0.get_ref().sock.wire);
    assert!(kinds.iter().all(|(kind, _)| [20, 22, 23].contains(kind)));
    client.leave();
    assert_eq!(peer.hear(), r#"{"bye":{}}"#);
    peer.tell(CLOSED);
    assert_eq!(end(&events), End::Left);

    // The server of an invitation need not tell who it is.
    let (_client, events) = Client::connect(Settings {
        pin: Some(pin),
        ..settings
    });
    let mut peer = host.accept();
    assert_eq!(peer.hear(), HELLO);
    peer.tell(WELCOME);
    let trust = Trust::Pinned;
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
}

/// A client that comes back, and is in the room. The system holds little of what it sends.
fn staying(change: impl FnOnce(&mut Settings)) -> (Client, Receiver<Event>, SecurePeer, Host) {
    let (host, mut settings) = Host::new();
    let listener = socket2::SockRef::from(&host.listener);
    listener.set_recv_buffer_size(4_096).unwrap();
    settings.comes_back = true;
    settings.first_retry = SECOND / 100;
    settings.longest_retry = SECOND / 20;
    change(&mut settings);
    let (client, events) = Client::connect(settings);
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(&about("R"));
    assert_eq!(peer.hear(), HELLO);
    peer.tell(&welcome(1, 2, false));
    welcomed(&events);
    (client, events, peer, host)
}

const COME_BACK: &str =
    r#"{"hello":{"protocol":1,"name":"ada","epoch":"e","session":"s","after":1}}"#;

#[test]
fn a_cut_in_the_middle_of_a_record_is_a_lost_connection_and_nothing_is_missed() {
    let (client, events, mut peer, host) = staying(|_| {});
    let id = client.say("hi").unwrap();
    let say = peer.hear();
    peer.tell(&message(1));
    assert!(matches!(next(&events), Event::Message(it) if it.seq == 1));
    peer.cut(&message_of(2, 2, &id));
    let Event::Interrupted(lost) = next(&events) else {
        panic!()
    };
    assert_eq!(lost, End::Lost(Loss::Ended));

    let mut peer = host.accept();
    assert_eq!(peer.hear(), COME_BACK);
    peer.tell(&welcome(2, 2, true));
    assert_eq!(peer.hear(), say);
    peer.tell(&message_of(2, 2, &id));
    welcomed(&events);
    assert!(matches!(next(&events), Event::Message(it) if it.seq == 2));

    // An announced end is the end of a connection too, if nobody said goodbye.
    let mut stream = peer.0.into_inner();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    drop(stream);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    host.accept().hear();
}

#[test]
fn a_server_that_goes_away_during_the_handshake_is_tried_again() {
    let (_client, events, peer, host) = staying(|_| {});
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    for answer in [&b""[..], b"HTTP/1.1 502 Bad Gateway\r\n\r\n"] {
        let mut stream = accepted(&host.listener);
        let mut hello = [0; 100];
        stream.read_exact(&mut hello).unwrap();
        assert_eq!(hello[0], 22);
        stream.write_all(answer).unwrap();
    }
    let mut peer = host.accept();
    assert!(peer.hear().contains(r#""session":"s""#));
    peer.tell(&welcome(1, 2, true));
    let trust = Trust::FirstUse;
    let pin = host.pin();
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
}

#[test]
fn reading_and_writing_do_not_wait_for_each_other() {
    const COUNT: usize = 2_000;
    // Nothing but the messages makes the client write.
    let (client, events, peer, _host) = staying(|settings| settings.answer_within = 60 * SECOND);
    let mut stream = peer.0.into_inner();
    // More than the system holds on the way, while nobody reads it.
    let texts: Vec<String> = (0..60).map(|_| "x".repeat(16_000)).collect();
    for text in &texts {
        client.say(text).unwrap();
    }
    for seq in 1..=COUNT {
        stream.write_all((message(seq) + "\n").as_bytes()).unwrap();
        // The client reads on although it cannot write.
        assert!(matches!(next(&events), Event::Message(it) if it.seq == seq as u64));
    }
    let mut lines = BufReader::new(stream);
    let mut said = 0;
    while said < texts.len() {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.starts_with(r#"{"say":"#) {
            assert_eq!(
                line.len(),
                texts[said].len() + r#"{"say":{"id":"","text":""}}"#.len() + 17
            );
            said += 1;
        }
    }
}
