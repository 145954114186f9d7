//! The native door.

use std::time::Duration;

use serde_json::json;

use super::room_of::{Host as _, Peer, TestServer};
use crate::private::host_of;
use crate::sentences::{self, from_server};

#[test]
fn a_client_is_welcomed_with_all_it_needs() {
    let server = TestServer::start();
    let _bob = Peer::native(&server, "bob");
    let (_ada, welcome) = Peer::greet(&server, "ada");
    assert_eq!(welcome["protocol"], 1);
    assert_eq!(welcome["room"], "Test");
    assert_eq!(welcome["durable"], false);
    assert_eq!(welcome["next"], 1);
    assert_eq!(welcome["you"], json!({"id": 2, "name": "ada"}));
    let list = json!([{"id": 1, "name": "bob"}, {"id": 2, "name": "ada"}]);
    assert_eq!(
        welcome["members"],
        json!({"count": 2, "list": list, "more": false})
    );
    let limits = json!({"frame": 65536, "text": 4000, "burst": 20, "per_second": 5});
    assert_eq!(welcome["limits"], limits);
    assert_eq!(welcome["epoch"].as_str().unwrap().len(), 32);
    assert_eq!(welcome["session"].as_str().unwrap().len(), 32);
}

#[test]
fn a_message_comes_to_everyone_with_its_seq_and_to_its_sender_as_an_echo() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.expect("joined");
    ada.say("k-1", "hi \"bob\"\nhow are you?");
    let echo = ada.expect("message");
    assert_eq!(echo["seq"], 1);
    assert_eq!(echo["id"], "k-1");
    assert_eq!(echo["from"], json!({"id": 1, "name": "ada"}));
    assert_eq!(echo["text"], "hi \"bob\"\nhow are you?");
    let at = echo["at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
    assert_eq!(bob.expect("message"), echo);
}

#[test]
fn joins_and_leaves_are_told_with_their_reason() {
    let server = TestServer::with(|settings| settings.rules.grace = Duration::ZERO);
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    assert_eq!(
        ada.expect("joined"),
        json!({"id": 2, "name": "bob", "count": 2})
    );
    bob.write(&json!({"bye": {}}));
    assert_eq!(bob.expect("closed")["code"], "bye");
    assert_eq!(bob.rest(), "");
    assert_eq!(
        ada.expect("left"),
        json!({"id": 2, "name": "bob", "why": "quit", "count": 1})
    );

    Peer::native(&server, "eve").break_off();
    ada.expect("joined");
    assert_eq!(ada.expect("left")["why"], "lost");

    let kim = Peer::native(&server, "kim");
    ada.expect("joined");
    kim.half_close();
    assert_eq!(ada.expect("left")["why"], "lost");
}

#[test]
fn unknown_frames_and_keys_are_ignored() {
    let server = TestServer::start();
    let mut ada = Peer::connect(server.address());
    ada.send("{\"hello\":{\"protocol\":1,\"name\":\"ada\",\"colour\":\"red\"},\"x\":1}\n");
    ada.expect("welcome");
    ada.send("{\"wave\":{\"at\":\"bob\"}}\n\r\n{\"say\":{\"text\":\"hi\",\"loud\":true}}\r\n");
    assert_eq!(ada.expect("message")["text"], "hi");
}

#[test]
fn what_is_not_a_frame_ends_that_connection_and_no_other() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    for (bytes, code) in [
        (b"hello\n".to_vec(), "bad-frame"),
        (b"{\"say\":{\"text\":\"hi\"}\n".to_vec(), "bad-frame"),
        (
            b"{\"say\":{\"text\":5},\"ping\":{}}\n".to_vec(),
            "bad-frame",
        ),
        (
            "[".repeat(60_000)
                .into_bytes()
                .into_iter()
                .chain(*b"\n")
                .collect(),
            "bad-frame",
        ),
        (b"{\"wave\":\xff}\n".to_vec(), "bad-frame"),
        (vec![b' '; 70_000], "frame-too-long"),
    ] {
        let mut eve = Peer::native(&server, "eve");
        bob.expect("joined");
        eve.send(bytes);
        let error = eve.expect("error");
        assert_eq!(
            (&error["code"], &error["fatal"]),
            (&json!(code), &json!(true))
        );
        assert_eq!(eve.rest(), "");
        assert_eq!(bob.expect("left")["why"], "protocol");
    }
    bob.say("1", "still here");
    assert_eq!(bob.heard(), "still here");
}

#[test]
fn a_frame_may_be_as_long_as_the_limit() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let frame = r#"{"say":{"text":"hi"}}"#;
    let padded = frame.to_owned() + &" ".repeat(65_536 - frame.len());
    ada.send(padded + "\n");
    assert_eq!(ada.heard(), "hi");
}

#[test]
fn hello_comes_first_and_once() {
    let server = TestServer::start();
    let mut early = Peer::connect(server.address());
    early.say("1", "hi");
    assert_eq!(early.expect("error")["code"], "hello-first");
    early.rest();

    let mut ada = Peer::native(&server, "ada");
    ada.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    let error = ada.expect("error");
    assert_eq!(
        (&error["code"], &error["fatal"]),
        (&json!("hello-twice"), &json!(false))
    );

    let mut newer = Peer::connect(server.address());
    newer.write(&json!({"hello": {"protocol": 2, "name": "new"}}));
    assert_eq!(newer.expect("error")["code"], "protocol-version");
    newer.rest();
}

#[test]
fn what_cannot_be_said_is_answered_and_ends_nothing() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    for (id, text, code) in [
        ("1", "x".repeat(4_001), "too-long"),
        ("2", "é".repeat(4_001), "too-long"),
        ("lines", "x\n".repeat(100) + "x", "too-long"),
        ("3", " \n ".to_owned(), "empty-text"),
        ("4", "\u{7}\u{202e}".to_owned(), "empty-text"),
        (&"i".repeat(65), "hi".to_owned(), "bad-id"),
        ("", "hi".to_owned(), "bad-id"),
    ] {
        ada.say(id, &text);
        let error = ada.expect("error");
        assert_eq!(
            (&error["code"], &error["fatal"]),
            (&json!(code), &json!(false))
        );
        if code != "bad-id" {
            assert_eq!(error["id"], id);
        }
    }
    ada.say("5", &"é".repeat(4_000));
    assert_eq!(ada.expect("message")["seq"], 1);
}

#[test]
fn a_newcomer_is_sent_the_last_messages_or_those_it_asks_for() {
    let server = TestServer::with(|settings| {
        settings.history = 3;
        settings.rules.rate_limit.per_second = 0;
    });
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    for n in 1..=10 {
        ada.chat(&n.to_string());
        ada.expect("message");
    }
    let mut late = Peer::native(&server, "late");
    for seq in 8..=10 {
        assert_eq!(late.expect("message")["seq"], seq);
    }
    let epoch = &welcome["epoch"];
    for (hello, first) in [
        (json!({"protocol": 1, "name": "a", "after": 4}), 5),
        (
            json!({"protocol": 1, "name": "b", "after": 4, "epoch": epoch}),
            5,
        ),
        (json!({"protocol": 1, "name": "c", "after": 0}), 1),
        (
            json!({"protocol": 1, "name": "d", "after": 4, "epoch": "another"}),
            8,
        ),
    ] {
        let mut peer = Peer::connect(server.address());
        peer.write(&json!({"hello": hello}));
        assert_eq!(peer.expect("welcome")["next"], 11);
        for seq in first..=10 {
            assert_eq!(peer.expect("message")["seq"], seq, "{hello}");
        }
        peer.write(&json!({"ping": {}}));
        peer.expect("pong");
        peer.write(&json!({"bye": {}}));
        peer.find("closed");
    }
}

#[test]
fn a_newcomer_is_told_which_of_the_messages_it_asks_for_are_gone() {
    let server = TestServer::with(|settings| {
        settings.rules.rate_limit.per_second = 0;
        settings.rules.retention.entries = 5;
    });
    let mut ada = Peer::native(&server, "ada");
    for n in 1..=10 {
        ada.chat(&n.to_string());
        ada.expect("message");
    }
    let mut late = Peer::connect(server.address());
    late.write(&json!({"hello": {"protocol": 1, "name": "late", "after": 2}}));
    late.expect("welcome");
    assert_eq!(late.expect("gap"), json!({"from": 3, "to": 5}));
    for seq in 6..=10 {
        assert_eq!(late.expect("message")["seq"], seq);
    }
}

#[test]
fn the_past_is_given_by_pages() {
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    for n in 1..=250 {
        ada.chat(&n.to_string());
        ada.expect("message");
    }
    let mut before = 251;
    for (count, more) in [(100, true), (100, true), (50, false)] {
        ada.write(&json!({"history": {"before": before, "limit": 1_000}}));
        let page = ada.expect("page");
        let messages = page["messages"].as_array().unwrap();
        assert_eq!(
            (messages.len(), page["more"].as_bool()),
            (count, Some(more))
        );
        assert_eq!(messages[count - 1]["seq"], before - 1);
        before = i32::try_from(messages[0]["seq"].as_i64().unwrap()).unwrap();
        assert_eq!(messages[0]["text"], before.to_string());
        assert_eq!(messages[0]["from"]["name"], "ada");
    }
    ada.write(&json!({"history": {"before": 1}}));
    assert_eq!(ada.expect("page"), json!({"messages": [], "more": false}));
    ada.write(&json!({"history": {}}));
    assert_eq!(ada.expect("page")["messages"][99]["seq"], 250);
}

#[test]
fn a_page_is_bounded_in_bytes_and_is_the_newest_part() {
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    for _ in 0..60 {
        ada.chat(&"😀".repeat(4_000));
        ada.expect("message");
    }
    ada.write(&json!({"history": {}}));
    let page = ada.expect("page");
    let messages = page["messages"].as_array().unwrap();
    assert!((2..60).contains(&messages.len()), "{}", messages.len());
    assert_eq!(messages.last().unwrap()["seq"], 60);
    assert_eq!(page["more"], true);
}

#[test]
fn members_are_listed_in_parts() {
    let server = TestServer::with(|settings| settings.max_per_address = 0);
    let peers: Vec<Peer> = (1..=150)
        .map(|n| Peer::native(&server, &format!("peer {n}")))
        .collect();
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    assert_eq!(welcome["members"]["count"], 151);
    assert_eq!(welcome["members"]["list"].as_array().unwrap().len(), 100);
    assert_eq!(welcome["members"]["more"], true);
    ada.write(&json!({"members": {"after": 0, "limit": 2}}));
    assert_eq!(ada.find("members")["list"][0]["id"], 1);
    ada.write(&json!({"members": {"after": 100, "limit": 30}}));
    let part = ada.find("members");
    assert_eq!(part["list"][0]["id"], 101);
    assert_eq!(
        (part["list"].as_array().unwrap().len(), &part["more"]),
        (30, &json!(true))
    );
    ada.write(&json!({"members": {"after": 130}}));
    let part = ada.find("members");
    assert_eq!(
        (part["list"].as_array().unwrap().len(), &part["more"]),
        (21, &json!(false))
    );
    drop(peers);
}

#[test]
fn a_ping_is_answered_also_before_hello() {
    let server = TestServer::start();
    let mut probe = Peer::connect(server.address());
    probe.write(&json!({"ping": {}}));
    assert_eq!(probe.frame(), json!({"pong": {}}));
    drop(probe);
    let mut ada = Peer::native(&server, "ada");
    ada.write(&json!({"ping": {}}));
    ada.expect("pong");
}

#[test]
fn a_silent_client_is_asked_and_then_taken_for_lost() {
    let server = TestServer::with(|settings| {
        settings.heartbeat = Duration::from_millis(100);
        settings.dead_after = Duration::from_millis(400);
        settings.rules.grace = Duration::ZERO;
    });
    let mut ada = Peer::native(&server, "ada");
    for _ in 0..10 {
        // With answers, the connection lasts longer than a dead one would.
        ada.expect("ping");
        ada.write(&json!({"pong": {}}));
    }
    let mut dead = Peer::native(&server, "dead");
    dead.expect("ping");
    loop {
        match ada.frame() {
            frame if frame.get("ping").is_some() => ada.write(&json!({"pong": {}})),
            frame if frame.get("left").is_some() => {
                assert_eq!(frame["left"]["why"], "timeout");
                break;
            }
            _ => {}
        }
    }
    dead.rest();
}

#[test]
fn the_host_is_told_where_others_can_join() {
    let server = TestServer::start();
    let (_tunnel, mut host, welcome) = host_of(&server, "ada");
    assert_eq!(welcome["you"]["host"], true);
    let notice = host.expect("notice");
    assert_eq!(notice["code"], "address");
    let port = server.running().port().to_string();
    assert!(
        notice["addresses"][0].as_str().unwrap().ends_with(&port),
        "{notice}"
    );
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    let welcome = eve.expect("welcome");
    assert_eq!(welcome["you"].get("host"), None);
    assert_eq!(welcome["members"]["list"][0]["host"], true);
}

#[test]
fn what_was_said_last_is_echoed_before_the_goodbye() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    ada.send("{\"say\":{\"text\":\"last\"}}\n{\"bye\":{}}\n");
    assert_eq!(ada.expect("message")["text"], "last");
    ada.expect("closed");
    assert_eq!(ada.rest(), "");
}

#[test]
fn who_says_hello_late_is_still_asked_whether_it_is_there() {
    let server = TestServer::with(|settings| {
        settings.heartbeat = Duration::from_millis(100);
    });
    let mut late = Peer::connect(server.address());
    assert_eq!(late.line(), from_server(sentences::WHAT_IS_YOUR_NAME));
    late.write(&json!({"hello": {"protocol": 1, "name": "late"}}));
    late.expect("welcome");
    late.expect("ping");
}

#[test]
fn a_frame_that_cannot_be_read_is_answered_and_the_next_one_is_taken() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    for (frame, id) in [
        (r#"{"say":{"id":"k-1"}}"#, json!("k-1")),
        (r#"{"say":{"id":"k-2","text":5}}"#, json!("k-2")),
        (r#"{"say":{"id":"k-3","text":null}}"#, json!("k-3")),
        (r#"{"say":{"id":7,"text":"hi"}}"#, json!(null)),
        (r#"{"say":"hi"}"#, json!(null)),
        (r#"{"members":{"after":"x"}}"#, json!(null)),
        (r#"{"members":{"limit":-1}}"#, json!(null)),
        (r#"{"history":{"before":1.5}}"#, json!(null)),
        (r#"{"ping":1}"#, json!(null)),
        (r#"{"hello":{"name":5}}"#, json!(null)),
    ] {
        ada.send(format!("{frame}\n"));
        let error = ada.expect("error");
        assert_eq!(
            (&error["code"], &error["fatal"]),
            (&json!("bad-frame"), &json!(false)),
            "{frame}"
        );
        assert_eq!(error["id"], id, "{frame}");
    }
    // Neither long ids nor long texts come back.
    let (id, text) = ("i".repeat(65), "x".repeat(60_000));
    ada.write(&json!({"say": {"id": id, "text": [text]}}));
    let error = ada.expect("error");
    assert!(error["id"].is_null() && error.to_string().len() < 1_000);
    ada.say("k-1", "hi");
    assert_eq!(ada.expect("message")["id"], "k-1");
}

#[test]
fn who_sends_only_what_cannot_be_read_is_not_read_from_for_a_while() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let start = std::time::Instant::now();
    ada.send("{\"say\":{}}\n".repeat(50));
    ada.say("1", "hi");
    for _ in 0..50 {
        ada.expect("error");
    }
    assert_eq!(ada.heard(), "hi");
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn null_is_as_if_it_were_not_there() {
    let server = TestServer::start();
    let mut ada = Peer::connect(server.address());
    ada.write(
        &json!({"hello": {"protocol": 1, "name": null, "after": null, "epoch": null,
        "session": null, "nonce": null, "host": null}, "ping": null}),
    );
    assert_eq!(ada.expect("welcome")["you"]["name"], "USR");
    ada.write(&json!({"ping": null}));
    ada.write(&json!({"bye": null, "hello": null, "say": {"id": null, "text": "hi"}}));
    assert_eq!(ada.expect("message")["text"], "hi");
    ada.write(&json!({"members": {"after": null, "limit": null}}));
    assert_eq!(ada.expect("members")["count"], 1);
    ada.write(&json!({"history": {"before": null, "limit": null}}));
    assert_eq!(ada.expect("page")["messages"][0]["text"], "hi");
}

#[test]
fn half_characters_are_replaced() {
    let server = TestServer::start();
    let mut ada = Peer::connect(server.address());
    ada.send("{\"hello\":{\"protocol\":1,\"name\":\"ada \\ud83d\"}}\n");
    assert_eq!(ada.expect("welcome")["you"]["name"], "ada \u{fffd}");
    for (line, text) in [
        (&br#"{"say":{"text":"hi \ud83d"}}"#[..], "hi \u{fffd}"),
        (br#"{"say":{"text":"\ud83d\ud83d\ude00"}}"#, "\u{fffd}😀"),
        (br#"{"say":{"text":"\ude00\ud83d"}}"#, "\u{fffd}\u{fffd}"),
        (br#"{"say":{"text":"\ud83d\ude00 \\ud83d"}}"#, "😀 \\ud83d"),
        (b"{\"say\":{\"text\":\"caf\xe9\"}}", "caf\u{fffd}"),
        (
            b"{\"say\":{\"text\":\"\xed\xa0\xbd\"},\"wave\":\"\xff\\udc00\"}",
            "\u{fffd}\u{fffd}\u{fffd}",
        ),
    ] {
        ada.send([line, b"\n"].concat());
        assert_eq!(ada.heard(), text);
    }
    ada.send(b"{\"say\":{\"id\":\"\\ud800\",\"text\":\"x\"}}\n");
    assert_eq!(ada.expect("message")["id"], "\u{fffd}");
}

#[test]
fn names_keep_the_joiners_that_writing_needs_and_are_compared_without() {
    let server = TestServer::start();
    for (wanted, name) in [
        ("علی\u{200c}رضا", "علی\u{200c}رضا"),
        ("علیرضا", "علیرضا_1"),
        ("👩\u{200d}💻", "👩\u{200d}💻"),
        ("👩💻", "👩💻_1"),
        ("a\u{200d}da", "ada"),
        ("ada", "ada_1"),
    ] {
        let (peer, welcome) = Peer::greet(&server, wanted);
        assert_eq!(welcome["you"]["name"], name, "{wanted:?}");
        // It stays, so that its name is in use.
        std::mem::forget(peer);
    }
}
