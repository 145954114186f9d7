//! Coming back: a member outlives its connection.

use std::time::Duration;

use chatroom::protocol::sniff::Protocol;
use chatroom::room::Why;
use chatroom::server::{Ended, Event};
use serde_json::{Value, json};

use super::room_of::{Host, Peer, TestServer};
use crate::private::host_of;
use crate::sentences::{self, from_server};

/// Connects with a session; returns the peer and its welcome.
fn come_back(server: &impl Host, welcome: &Value, after: u64) -> (Peer, Value) {
    let mut peer = Peer::connect(server.address());
    let (session, epoch) = (&welcome["session"], &welcome["epoch"]);
    peer.write(&json!({"hello": {
        "protocol": 1, "name": "another", "session": session, "epoch": epoch, "after": after,
    }}));
    let welcome = peer.expect("welcome");
    (peer, welcome)
}

fn waiting(grace: Duration) -> TestServer {
    TestServer::with(|settings| settings.rules.grace = grace)
}

#[test]
fn who_comes_back_misses_nothing_and_says_nothing_twice() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    assert_eq!(welcome["features"], json!(["resume", "history"]));
    assert_eq!(welcome.get("resumed"), None);
    bob.expect("joined");
    ada.say("a-1", "one");
    assert_eq!(ada.expect("message")["seq"], 1);
    bob.expect("message");
    // The client does not read the echo of the second message.
    ada.say("a-2", "two");
    bob.expect("message");
    ada.break_off();
    assert_eq!(bob.expect("away"), json!({"id": 2, "name": "ada"}));
    for n in 3..=5 {
        bob.chat(&n.to_string());
        bob.expect("message");
    }
    bob.write(&json!({"members": {}}));
    let list = json!([{"id": 1, "name": "bob"}, {"id": 2, "name": "ada", "away": true}]);
    assert_eq!(bob.expect("members")["list"], list);
    let (_eve, seen) = Peer::greet(&server, "ada");
    assert_eq!(seen["you"]["name"], "ada_1");
    assert_eq!(seen["members"]["list"][1]["away"], true);
    assert_eq!(seen["members"]["count"], 3);
    bob.expect("joined");

    let (mut ada, back) = come_back(&server, &welcome, 1);
    assert_eq!(back["resumed"], true);
    assert_eq!(back["session"], welcome["session"]);
    assert_eq!(back["you"], json!({"id": 2, "name": "ada"}));
    assert_eq!(
        (&back["next"], &back["members"]["count"]),
        (&json!(6), &json!(3))
    );
    assert_eq!(bob.expect("back"), json!({"id": 2, "name": "ada"}));
    for seq in 2..=5 {
        assert_eq!(ada.expect("message")["seq"], seq);
    }
    ada.say("a-2", "two");
    assert_eq!(ada.expect("said"), json!({"id": "a-2", "seq": 2}));
    ada.say("a-3", "six");
    assert_eq!(ada.expect("message")["seq"], 6);
    assert_eq!(bob.expect("message")["text"], "six");
}

#[test]
fn who_comes_back_without_after_is_sent_the_last_messages() {
    let server = TestServer::with(|settings| settings.history = 2);
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    for _ in 0..4 {
        ada.chat("hi");
        ada.expect("message");
    }
    ada.break_off();
    let mut ada = Peer::connect(server.address());
    ada.write(&json!({"hello": {"protocol": 1, "session": welcome["session"]}}));
    assert_eq!(ada.expect("welcome")["resumed"], true);
    assert_eq!(ada.expect("message")["seq"], 3);
    assert_eq!(ada.expect("message")["seq"], 4);
}

#[test]
fn who_ends_while_it_is_sent_the_past_is_sent_nothing_beyond_a_hole() {
    const PAST: u64 = 2_000;
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    let text = "x".repeat(4_000);
    for n in 1..=PAST {
        ada.chat(&text);
        assert_eq!(ada.expect("message")["seq"], n);
    }
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve", "after": 0}}));
    ada.expect("joined");
    ada.chat("later");
    ada.expect("message");
    // The server sends more than the socket can hold.
    eve.half_close();
    ada.expect("away");
    let rest = eve.rest();
    let frames = rest.lines().map(|line| serde_json::from_str(line).unwrap());
    let messages = frames.filter(|frame: &Value| frame.get("message").is_some());
    let mut last = 0;
    for (seq, frame) in (1..).zip(messages) {
        assert_eq!(frame["message"]["seq"], seq);
        last = seq;
    }
    assert!((1..=PAST).contains(&last), "{last}");
}

#[test]
fn a_second_connection_takes_the_place_of_the_first_and_nobody_is_told() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let (mut first, welcome) = Peer::greet(&server, "ada");
    bob.expect("joined");
    let (mut second, back) = come_back(&server, &welcome, 0);
    assert_eq!(back["resumed"], true);
    // A message of the old connection comes too late.
    first.say("late", "late");
    let closed = first.expect("closed");
    assert_eq!(closed["code"], "taken-over");
    first.rest();
    drop(first);
    second.say("a-1", "hi");
    assert_eq!(second.expect("message")["text"], "hi");
    assert_eq!(bob.expect("message")["text"], "hi");
    second.write(&json!({"bye": {}}));
    second.expect("closed");
    // The member has left for good: no member has its session.
    assert_eq!(bob.expect("left")["why"], "quit");
    let (_third, welcome) = come_back(&server, &welcome, 0);
    assert_eq!(welcome.get("resumed"), None);
    assert_eq!(welcome["you"], json!({"id": 3, "name": "another"}));
}

#[test]
fn a_hello_that_comes_late_takes_the_place_of_no_newer_connection() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let (first, welcome) = Peer::greet(&server, "ada");
    bob.expect("joined");
    first.break_off();
    bob.expect("away");
    let hello = json!({"hello": {"protocol": 1, "session": welcome["session"]}});
    // Its hello takes long: the client connects again meanwhile.
    let mut late = Peer::connect(server.address());
    bob.write(&json!({"ping": {}}));
    bob.expect("pong");
    let (mut second, back) = come_back(&server, &welcome, 0);
    assert_eq!(back["resumed"], true);
    bob.expect("back");
    late.write(&hello);
    assert_eq!(late.expect("closed")["code"], "taken-over");
    late.rest();
    second.chat("hi");
    assert_eq!(second.expect("message")["text"], "hi");
    // The same holds after the newer connection is lost.
    let mut late = Peer::connect(server.address());
    let (third, _) = come_back(&server, &welcome, 1);
    assert_eq!(second.expect("closed")["code"], "taken-over");
    bob.expect("message");
    third.break_off();
    bob.expect("away");
    late.write(&hello);
    assert_eq!(late.expect("closed")["code"], "taken-over");
}

#[test]
fn who_does_not_come_back_in_time_has_left_and_its_name_is_free() {
    let server = waiting(Duration::from_millis(200));
    let mut bob = Peer::native(&server, "bob");
    let (ada, welcome) = Peer::greet(&server, "ada");
    bob.expect("joined");
    let address = server.origin(&ada);
    ada.break_off();
    bob.expect("away");
    let left = json!({"id": 2, "name": "ada", "why": "lost", "count": 1});
    assert_eq!(bob.expect("left"), left);
    let (_ada, welcome) = come_back(&server, &welcome, 0);
    assert_eq!(welcome.get("resumed"), None);
    assert_eq!(Peer::greet(&server, "ada").1["you"]["name"], "ada");

    assert!(matches!(server.event(), Event::Joined { .. }));
    assert!(matches!(server.event(), Event::Joined { .. }));
    let (name, protocol) = ("ada".into(), Protocol::Native);
    let away = Event::Away {
        name,
        address,
        protocol,
    };
    assert_eq!(server.event(), away);
    let (name, why, count) = ("ada".into(), Why::Lost, 1);
    let left = Event::Left {
        name,
        address,
        protocol,
        why,
        count,
    };
    assert_eq!(server.event(), left);
}

#[test]
fn a_silent_client_is_away_first_and_leaves_for_its_silence() {
    let server = TestServer::with(|settings| {
        settings.heartbeat = Duration::from_millis(100);
        settings.dead_after = Duration::from_millis(300);
        settings.rules.grace = Duration::from_millis(200);
    });
    let mut bob = Peer::text(&server, "bob");
    let _dead = Peer::native(&server, "dead");
    bob.line();
    assert_eq!(bob.line(), from_server(&sentences::lost("dead")));
    assert_eq!(bob.line(), from_server(&sentences::left("dead", 1)));
    server.event();
    server.event();
    assert!(matches!(server.event(), Event::Away { .. }));
    let left = server.event();
    assert!(
        matches!(
            left,
            Event::Left {
                why: Why::Timeout,
                ..
            }
        ),
        "{left:?}"
    );
}

#[test]
fn where_nobody_is_waited_for_a_lost_connection_is_a_leave() {
    let server = waiting(Duration::ZERO);
    let mut bob = Peer::native(&server, "bob");
    let (ada, welcome) = Peer::greet(&server, "ada");
    assert_eq!(welcome["features"], json!(["history"]));
    bob.expect("joined");
    ada.break_off();
    assert_eq!(bob.expect("left")["why"], "lost");
    let (_ada, welcome) = come_back(&server, &welcome, 0);
    assert_eq!(welcome.get("resumed"), None);
}

#[test]
fn who_breaks_the_protocol_and_who_came_by_text_is_not_waited_for() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut eve = Peer::native(&server, "eve");
    bob.expect("joined");
    eve.send("nonsense\n");
    assert_eq!(bob.expect("left")["why"], "protocol");
    Peer::text(&server, "kim").break_off();
    bob.expect("joined");
    assert_eq!(bob.expect("left")["why"], "lost");
}

#[test]
fn who_is_away_keeps_its_place_in_a_full_room_and_stays_the_host() {
    let server = TestServer::with(|settings| settings.rules.max_members = 2);
    let (_tunnel, host, welcome) = host_of(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    host.break_off();
    bob.expect("away");
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    assert_eq!(eve.expect("error")["code"], "room-full");
    let (_host, back) = come_back(&server, &welcome, 0);
    assert_eq!(back["you"], json!({"id": 1, "name": "ada", "host": true}));
    bob.expect("back");
}

#[test]
fn a_room_waits_for_the_last_one_and_ends_when_it_does_not_come_back() {
    let server = TestServer::with(|settings| {
        settings.stay_open = false;
        settings.rules.grace = Duration::from_millis(300);
    });
    let (ada, welcome) = Peer::greet(&server, "ada");
    ada.break_off();
    assert!(matches!(server.event(), Event::Joined { .. }));
    assert!(matches!(server.event(), Event::Away { .. }));
    let (ada, back) = come_back(&server, &welcome, 0);
    assert_eq!(back["resumed"], true);
    let address = server.origin(&ada);
    let (name, protocol) = ("ada".into(), Protocol::Native);
    let back = Event::Back {
        name,
        address,
        protocol,
    };
    assert_eq!(server.event(), back);
    ada.break_off();
    assert!(matches!(server.event(), Event::Away { .. }));
    assert!(matches!(server.event(), Event::Left { count: 0, .. }));
    assert_eq!(server.wait(), Ended::Empty);
}

#[test]
fn a_room_does_not_wait_for_one_who_said_goodbye() {
    let server = TestServer::with(|settings| settings.stay_open = false);
    let mut ada = Peer::native(&server, "ada");
    ada.write(&json!({"bye": {}}));
    assert_eq!(server.wait(), Ended::Empty);
}

#[test]
fn in_a_big_room_the_number_of_those_who_are_away_is_told() {
    let server = TestServer::with(|settings| settings.max_per_address = 0);
    let mut first = Peer::native(&server, "first");
    let mut crowd: Vec<(Peer, Value)> = (2..=120)
        .map(|n| Peer::greet(&server, &format!("p{n}")))
        .collect();
    while first.frame()["presence"]["count"] != 120 {}
    let welcomes: Vec<Value> = crowd
        .drain(..30)
        .map(|(peer, welcome)| {
            peer.break_off();
            welcome
        })
        .collect();
    let away = |presence: &Value| presence["away"].as_u64().unwrap_or(0);
    loop {
        let presence = first.expect("presence");
        assert_eq!(
            (&presence["count"], &presence["joined"]),
            (&json!(120), &json!([]))
        );
        if away(&presence) == 30 {
            break;
        }
    }
    let _back: Vec<(Peer, Value)> = welcomes
        .iter()
        .map(|welcome| come_back(&server, welcome, 0))
        .collect();
    while away(&first.expect("presence")) > 0 {}
    // A connection learns of the takeover in a big room, too.
    let (mut taken, welcome) = crowd.pop().unwrap();
    let _instead = come_back(&server, &welcome, 0);
    assert_eq!(taken.find("closed")["code"], "taken-over");
}
