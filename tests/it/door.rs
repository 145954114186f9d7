//! The first bytes select the door.

use std::time::Duration;

use chatroom::protocol::sniff::{Foreign, Unserved};
use chatroom::server::{Event, Refusal};

use super::room_of::{Host as _, Peer, TestServer};
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
            Unserved::Browser,
        ),
        (
            b"POST /room HTTP/1.1\r\n\r\n",
            "HTTP/1.1 501 ",
            Unserved::Browser,
        ),
        (
            b"HEAD / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 501 ",
            Unserved::Browser,
        ),
        (
            b"NICK ada\r\nUSER ada 0 * :Ada\r\n",
            "ERROR :",
            Unserved::Irc,
        ),
        (b"CAP LS 302\r\n", "ERROR :", Unserved::Irc),
        (b"PASS x\r\n", "ERROR :", Unserved::Irc),
        (b"USER ada 0 * :Ada\r\n", "ERROR :", Unserved::Irc),
        // A handshake that is none: the answer is an alert, and inside TLS, none.
        (
            b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\xfc",
            ["\x15\x03", ""][usize::from(TestServer::ENCRYPTS)],
            Unserved::Tls,
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
        } else if door == Unserved::Browser {
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

#[test]
fn other_programs_are_closed_without_a_word_counted_and_told() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    server.event();
    let programs: [(&[u8], Foreign); 12] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", Foreign::Ssh),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 53000\r\n{\"hello\":{\"protocol\":1}}\n",
            Foreign::Proxy,
        ),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x12\x67\xcf\x08",
            Foreign::Proxy,
        ),
        (b"EHLO mail.example.org\r\n", Foreign::Smtp),
        (b"*1\r\n$4\r\nPING\r\n", Foreign::Redis),
        (b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02ab", Foreign::Mqtt),
        (
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
            Foreign::Rdp,
        ),
        (b"\0\0\0\x85\xffSMBr\0\0\0\0\x18\x53\xc8", Foreign::Smb),
        (
            b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01",
            Foreign::Dns,
        ),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", Foreign::Other),
        (b"\x05\x01\0", Foreign::Other),
        (b"\x01\x02\x03\x04\x85\x86\xfe", Foreign::Other),
    ];
    let count = programs.len() as u64;
    for (first, foreign) in programs {
        let mut peer = Peer::connect(server.address());
        peer.send(first);
        assert_eq!(peer.rest(), "", "{foreign:?}");
        let Event::Refused { why, .. } = server.event() else {
            panic!()
        };
        assert_eq!(why, Refusal::ClosedDoor(Unserved::Foreign(foreign)));
        let told = why.to_string();
        assert!(told.ends_with(foreign.name()), "{told}");
    }
    assert_eq!(server.running().handle().stats().refused.closed_door, count);
    bob.say("1", "nobody came");
    bob.expect("message");
}

#[test]
fn a_byte_order_mark_before_json_is_passed_over() {
    let server = TestServer::start();
    for (start, name) in [
        ("\u{feff}", "one"),
        ("\r\n \u{feff}", "two"),
        ("\u{feff}\n\n", "three"),
        (" \t", "four"),
    ] {
        let mut bot = Peer::connect(server.address());
        bot.send(start);
        bot.send(format!(
            "{start}{{\"hello\":{{\"protocol\":1,\"name\":\"{name}\"}}}}\n"
        ));
        assert_eq!(bot.expect("welcome")["you"]["name"], name);
    }
}

/// What `PuTTY` sends first, before anything is typed.
const PUTTY: &[u8] =
    b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03";

#[test]
fn a_person_with_putty_speaks_lines_and_its_negotiation_is_no_name() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut person = Peer::connect(server.address());
    person.send(PUTTY);
    assert_eq!(person.line(), "SERVER: What is your name?");
    // Each key by itself, as in the mode for single characters.
    for key in ["a", "d", "a", "\r\0"] {
        person.send(key);
    }
    assert!(
        person
            .line()
            .starts_with("SERVER: Welcome to “Test”, “ada”.")
    );
    assert_eq!(bob.expect("joined")["name"], "ada");
    // The window is made larger while something is typed: cut anywhere.
    for piece in [
        &b"hel\xff"[..],
        b"\xfa\x1f\0",
        b"\xff\xff\0\x18\xff",
        b"\xf0lo\r",
        b"\n\xff\xf1",
    ] {
        person.send(piece);
    }
    assert_eq!(bob.heard(), "hello");
    person.send(b"one\r\0two\r\n\xff\xfd\x06three\xff\xff\r\n");
    for text in ["one", "two", "three\u{fffd}"] {
        assert_eq!(bob.heard(), text);
    }
    bob.say("1", "hi");
    assert_eq!(person.line(), "bob: hi");
}

#[test]
fn a_name_is_typed_before_or_with_the_negotiation_of_telnet() {
    let server = TestServer::start();
    let mut one = Peer::connect(server.address());
    one.send([PUTTY, b"ada"].concat());
    one.send("\r\n");
    assert!(one.line().contains("“ada”"));
    // Through telnet, JSON is as good as from anywhere.
    let mut two = Peer::connect(server.address());
    two.send(
        [
            PUTTY,
            b"{\"hello\":{\"protocol\":1,\"na\xff\xf1me\":\"bot\"}}\r\n",
        ]
        .concat(),
    );
    assert_eq!(two.expect("welcome")["you"]["name"], "bot");
}

#[test]
fn the_first_words_of_other_programs_are_names_where_a_person_types_them() {
    let server = TestServer::with(|settings| settings.name_timeout = Duration::from_mins(1));
    for name in [
        "SSH", "SSH-fan", "Helo", "EHLO", "PROXY", "PING", "MQTT", "*1*",
    ] {
        Peer::text(&server, name);
    }
    // The name that has the start of a signature, and nothing after it.
    let mut original = Peer::connect(server.address());
    original.send("HELO");
    assert!(original.until("?{quit}").contains("“HELO”"));
    let mut person = Peer::connect(server.address());
    person.send("*1\r\n");
    assert!(person.line().contains("“*1”"));
}
