//! The limits.

use std::time::Duration;

use chatroom::room::Why;
use chatroom::server::{Event, Refusal};
use serde_json::json;

use crate::common::{Host, Peer, TestServer};
use crate::private::host_of;
use crate::sentences::{self, from_server};

#[test]
fn who_speaks_too_fast_is_refused_until_the_time_it_was_told() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    for n in 1..=25 {
        ada.say(&n.to_string(), "hi");
    }
    for seq in 1..=20 {
        assert_eq!(ada.expect("message")["seq"], seq);
    }
    let mut retry = 0;
    for n in 21..=25 {
        let error = ada.expect("error");
        assert_eq!(
            (&error["code"], &error["id"]),
            (&json!("too-fast"), &json!(n.to_string()))
        );
        assert_eq!(error["fatal"], false);
        retry = error["retry_ms"].as_u64().unwrap();
        assert!((1..=1_000).contains(&retry));
    }
    // The event is the end of the announced wait.
    std::thread::sleep(Duration::from_millis(retry));
    ada.say("26", "hi");
    assert_eq!(ada.expect("message")["seq"], 21);
}

#[test]
fn a_person_who_pastes_too_much_is_told_how_much_was_not_sent() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut ada = Peer::text(&server, "ada");
    bob.expect("joined");
    ada.send("line\n".repeat(50));
    let mut not_sent = 0;
    while not_sent < 30 {
        let line = ada.line();
        let words = line.strip_prefix(&from_server("")).unwrap();
        assert!(words.contains(sentences::TOO_FAST), "{words}");
        not_sent += words.split(' ').next().unwrap().parse().unwrap_or(1);
    }
    assert_eq!(not_sent, 30);
    for seq in 1..=20 {
        assert_eq!(bob.expect("message")["seq"], seq);
    }
}

#[test]
fn a_line_too_long_is_refused_in_words_and_ends_nothing() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.line();
    for long in [5_000, 100_000] {
        ada.send("x".repeat(long) + "\n");
        let line = ada.line();
        assert_eq!(line, from_server(sentences::TOO_LONG));
    }
    ada.send("short\n");
    assert_eq!(bob.heard(), "short");
}

#[test]
fn a_full_room_says_so_at_every_door() {
    let server = TestServer::with(|settings| settings.rules.max_members = 2);
    let mut ada = Peer::native(&server, "ada");
    let _bob = Peer::text(&server, "bob");
    let mut native = Peer::connect(server.address());
    native.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    let error = native.expect("error");
    assert_eq!(
        (&error["code"], &error["fatal"]),
        (&json!("room-full"), &json!(true))
    );
    assert_eq!(native.rest(), "");
    let mut text = Peer::connect(server.address());
    text.send("eve\n");
    assert_eq!(text.rest(), from_server(sentences::ROOM_FULL) + "\n");
    let refused = |event| {
        matches!(
            event,
            Event::Refused {
                why: Refusal::RoomFull,
                ..
            }
        )
    };
    server.event();
    server.event();
    assert!(refused(server.event()) && refused(server.event()));
    // The host can join: without it nobody could close the room.
    let (_tunnel, mut host, _) = host_of(&server, "host");
    host.write(&json!({"bye": {}}));
    // A new member can have a free place.
    ada.write(&json!({"bye": {}}));
    while !matches!(server.event(), Event::Left { count: 1, .. }) {}
    Peer::native(&server, "eve");
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let server = TestServer::with(|settings| settings.max_per_address = 2);
    let _ada = Peer::native(&server, "ada");
    let _bob = Peer::native(&server, "bob");
    // Each gets an answer, however soon it sends its hello.
    for _ in 0..50 {
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
        assert_eq!(eve.expect("error")["code"], "too-many-connections");
    }
    let mut person = Peer::connect(server.address());
    person.send("eve\n");
    let refusal = from_server(sentences::TOO_MANY_CONNECTIONS);
    assert!(person.rest().starts_with(&refusal));
    // Another address is not affected.
    let v6 = (std::net::Ipv6Addr::LOCALHOST, server.running().port());
    let mut kim = Peer::connect(v6.into());
    kim.write(&json!({"hello": {"protocol": 1, "name": "kim"}}));
    kim.expect("welcome");
}

#[test]
fn who_comes_and_goes_without_end_is_held_off() {
    let server = TestServer::with(|settings| settings.max_per_address = 20);
    let mut refused = 0;
    for _ in 0..100 {
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
        refused += usize::from(eve.frame().get("error").is_some());
    }
    assert!(refused > 50, "{refused}");
}

/// Someone who never reads, and whose system holds little for it.
fn stalled(server: &impl Host) -> Peer {
    let (peer, _) = Peer::greet(server, "stalled");
    socket2::SockRef::from(&peer.stream)
        .set_recv_buffer_size(4_096)
        .unwrap();
    peer
}

#[test]
fn where_many_stop_reading_those_for_whom_most_is_held_are_let_go_of() {
    let server = TestServer::with(|settings| {
        settings.held_limit = 1 << 20;
        settings.rules.rate_limit.per_second = 0;
        settings.rules.grace = Duration::ZERO;
    });
    let stalled: Vec<Peer> = (0..20).map(|_| stalled(&server)).collect();
    let mut ada = Peer::native(&server, "ada");
    let text = "x".repeat(4_000);
    // Of each of them the server holds 128 KiB at least, so of 20 it holds too much.
    let mut let_go = 0;
    for said in 0.. {
        assert!(said < 2_000, "{let_go} were let go of");
        ada.chat(&text);
        ada.find("message");
        while let Some(event) = server.event_now() {
            if let Event::Left { name, why, .. } = event {
                assert!(name.starts_with("stalled") && why == Why::Timeout);
                let_go += 1;
            }
        }
        if let_go >= 12 {
            break;
        }
    }
    assert!(server.running().handle().members() > 1, "some can stay");
    drop(stalled);
}
