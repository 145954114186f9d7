//! The first bytes select the door.

use std::time::Duration;

use chatroom::server::{Event, Refusal};
use chatroom::wire::door::Door;

use crate::common::{Host as _, Peer, TestServer};
use crate::sentences::{from_server, welcome};

#[test]
fn those_of_doors_to_come_are_answered_in_their_language_and_are_no_members() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    server.event();
    for (first, answer, door) in [
        (
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            "HTTP/1.1 501 ",
            Door::Browser,
        ),
        (
            b"POST /room HTTP/1.1\r\n\r\n",
            "HTTP/1.1 501 ",
            Door::Browser,
        ),
        (b"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 ", Door::Browser),
        (b"NICK ada\r\nUSER ada 0 * :Ada\r\n", "ERROR :", Door::Irc),
        (b"CAP LS 302\r\n", "ERROR :", Door::Irc),
        (b"PASS x\r\n", "ERROR :", Door::Irc),
        (b"USER ada 0 * :Ada\r\n", "ERROR :", Door::Irc),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            "",
            Door::Tls,
        ),
    ] {
        let mut peer = Peer::connect(server.address());
        peer.send(first);
        let rest = peer.rest();
        assert!(
            rest.starts_with(answer) && rest.is_empty() == answer.is_empty(),
            "{rest}"
        );
        if first.starts_with(b"HEAD") {
            assert!(rest.ends_with("\r\n\r\n"));
        } else if door == Door::Browser {
            assert!(rest.contains("Chatroom"));
        }
        let Event::Refused { why, .. } = server.event() else {
            panic!()
        };
        assert_eq!(why, Refusal::ClosedDoor(door));
    }
    bob.say("1", "nobody came");
    bob.expect("message");
}

#[test]
fn a_door_is_known_by_its_first_bytes_however_they_are_split() {
    let server = TestServer::start();
    let mut browser = Peer::connect(server.address());
    for byte in b"GET / HTTP/1.0\r\n\r\n" {
        // The server may answer before it has all of it.
        if std::io::Write::write_all(&mut browser.stream, &[*byte]).is_err() {
            break;
        }
    }
    assert!(browser.rest().starts_with("HTTP/1.1 501 "));

    let mut bot = Peer::connect(server.address());
    for byte in b"{\"hello\":{\"protocol\":1,\"name\":\"bot\"}}\n" {
        bot.send([*byte]);
    }
    assert_eq!(bot.expect("welcome")["you"]["name"], "bot");
}

#[test]
fn a_name_that_begins_like_a_door_is_a_name() {
    let server = TestServer::with(|settings| settings.name_timeout = Duration::from_mins(1));
    // The original program sends only its name, and waits.
    let mut original = Peer::connect(server.address());
    original.send("GET");
    assert!(
        original
            .until("?{quit}")
            .starts_with(&from_server(&welcome("Test", "GET")))
    );
    let mut person = Peer::connect(server.address());
    person.send("USER\n");
    assert!(
        person
            .line()
            .starts_with(&from_server(&welcome("Test", "USER")))
    );
}
