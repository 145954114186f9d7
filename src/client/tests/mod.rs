//! The client against a server of the test's own, with real sockets.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use async_channel::Receiver;

use super::*;
use crate::protocol::address::Address;
use crate::room::RoomKey;

mod back;
mod downgrade;
mod ends;
mod identity;
mod known;
mod model;
mod moderation;
mod outbox;
mod private;
mod secure;
mod silence;
mod talk;
mod trust;

const SECOND: Duration = Duration::from_secs(1);

const WELCOME: &str = concat!(
    r#"{"welcome":{"protocol":1,"room":"R","epoch":"e","durable":false,"session":"s","next":1,"#,
    r#""you":{"id":2,"name":"ada"},"members":{"count":1,"list":[{"id":2,"name":"ada"}],"#,
    r#""more":false},"limits":{"frame":65536,"text":4000}}}"#,
);

const CLOSED: &str = r#"{"closed":{"code":"bye","text":""}}"#;

/// The server's side of one connection.
struct Peer(BufReader<TcpStream>);

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let stream = accepted(listener);
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next line, without its end; empty at the end of all lines.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Skips all lines before this one.
    fn hear_until(&mut self, wanted: &str) {
        loop {
            match self.hear().as_str() {
                line if line == wanted => return,
                "" => panic!("the end of all lines"),
                _ => {}
            }
        }
    }

    fn tell(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }
}

/// The next connection, if it comes within 10 s.
fn accepted(listener: &TcpListener) -> TcpStream {
    let patience = Instant::now() + 10 * SECOND;
    listener.set_nonblocking(true).unwrap();
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                assert!(Instant::now() < patience, "nobody connects");
                std::thread::sleep(SECOND / 1_000);
            }
        }
    };
    listener.set_nonblocking(false).unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

fn local() -> (TcpListener, Settings) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = settings(listener.local_addr().unwrap().port());
    (listener, settings)
}

fn settings(port: u16) -> Settings {
    Settings {
        address: Address::new("127.0.0.1", port),
        name: "ada".to_owned(),
        encryption: Encryption::Plain,
        // Other frames must not end a test.
        connect_within: 60 * SECOND,
        welcome_within: 60 * SECOND,
        leave_within: 60 * SECOND,
        comes_back: false,
        ..Settings::default()
    }
}

/// A client that is in the room.
fn joined(change: impl FnOnce(&mut Settings)) -> (Client, Receiver<Event>, Peer) {
    let (listener, mut settings) = local();
    change(&mut settings);
    let (client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), r#"{"hello":{"protocol":1,"name":"ada"}}"#);
    peer.tell(WELCOME);
    assert!(matches!(next(&events), Event::Welcomed(_)));
    (client, events, peer)
}

/// The next event; not how the connection is protected, which few tests ask.
fn next(events: &Receiver<Event>) -> Event {
    loop {
        match next_of_all(events) {
            Event::Secured(_) => {}
            event => return event,
        }
    }
}

fn next_of_all(events: &Receiver<Event>) -> Event {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime
        .block_on(async { tokio::time::timeout(10 * SECOND, events.recv()).await })
        .expect("an event within 10 s")
        .expect("an event before the channel is closed")
}

/// How it ended, if the next event says so and is the last.
fn end(events: &Receiver<Event>) -> End {
    match next(events) {
        Event::Ended(end) => {
            assert!(events.recv_blocking().is_err(), "nothing follows the end");
            end
        }
        event => panic!("{event:?}"),
    }
}

/// The id of a message, if the next event tells that it is given up.
fn unsent(events: &Receiver<Event>) -> String {
    match next(events) {
        Event::Unsent { id, .. } => id,
        event => panic!("{event:?}"),
    }
}

fn message(seq: usize) -> String {
    format!(
        r#"{{"message":{{"seq":{seq},"at":"2026-11-22T10:00:00Z","from":{{"id":1,"name":"bob"}},"text":"hi"}}}}"#
    )
}

/// A message from the member with this id.
fn message_of(from: u64, seq: u64, id: &str) -> String {
    format!(
        r#"{{"message":{{"seq":{seq},"at":"2026-11-22T10:00:00Z","from":{{"id":{from},"name":"ada"}},"id":"{id}","text":"hi"}}}}"#
    )
}
