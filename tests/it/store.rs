//! A room that outlives its server: a message is on disk before anyone receives it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chatroom::room::Closing;
use chatroom::server::{BindError, Event, Server, Settings};
use serde_json::{Value, json};

use crate::common::{Host, Peer, ServerProcess, TestServer};
use crate::sentences;

/// The folder of a test's room. Dropping it deletes the folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("room.db")
    }

    /// A server in this process.
    fn server(&self, change: impl FnOnce(&mut Settings)) -> TestServer {
        TestServer::with(|settings| {
            settings.store = Some(self.file());
            change(settings);
        })
    }

    /// A server that can be killed.
    fn process(&self) -> ServerProcess {
        ServerProcess::start(&["--store", self.file().to_str().unwrap()])
    }
}

/// Sends hello with the session and epoch of an earlier `welcome`, and with `after`.
fn come_back(server: &impl Host, welcome: &Value, after: u64) -> (Peer, Value) {
    let mut peer = Peer::connect(server.address());
    peer.write(&json!({"hello": {
        "protocol": 1, "session": welcome["session"], "epoch": welcome["epoch"], "after": after,
    }}));
    let welcome = peer.expect("welcome");
    (peer, welcome)
}

#[test]
fn a_room_goes_on_after_its_server_was_killed() {
    let place = Place::new();
    let server = place.process();
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    assert_eq!(welcome["durable"], true);
    let (mut bob, _) = Peer::greet(&server, "bob");
    ada.say("a-1", "one");
    ada.say("a-2", "two");
    bob.find("message");
    assert_eq!(bob.expect("message")["seq"], 2);
    drop(server);

    let server = place.process();
    let (mut ada, back) = come_back(&server, &welcome, 1);
    assert_eq!(back["resumed"], true);
    assert_eq!(back["epoch"], welcome["epoch"]);
    assert_eq!(back["you"], welcome["you"]);
    assert_eq!(back["next"], 3);
    // Bob may come back as well.
    assert_eq!(
        back["members"]["list"][1],
        json!({"id": 2, "name": "bob", "away": true})
    );
    assert_eq!(ada.expect("message")["text"], "two");
    ada.say("a-2", "two");
    assert_eq!(ada.expect("said"), json!({"id": "a-2", "seq": 2}));
    ada.say("a-3", "three");
    assert_eq!(ada.expect("message")["seq"], 3);
    // The room never uses an id again.
    let (_eve, welcome) = Peer::greet(&server, "bob");
    assert_eq!(welcome["you"], json!({"id": 3, "name": "bob_1"}));
}

#[test]
fn who_left_before_the_server_ended_is_not_waited_for() {
    let place = Place::new();
    let server = place.process();
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    ada.write(&json!({"bye": {}}));
    ada.expect("closed");
    drop(server);
    let server = place.process();
    let (_ada, back) = come_back(&server, &welcome, 0);
    assert_eq!(back.get("resumed"), None);
    assert_eq!(back["members"]["count"], 1);
}

#[test]
fn a_room_that_was_closed_for_good_waits_for_nobody_but_knows_what_was_said() {
    let place = Place::new();
    for (closing, resumed) in [
        (Closing::Service { retry_ms: 1 }, Some(&json!(true))),
        (Closing::ForGood, None),
    ] {
        let server = place.server(|_| {});
        let (mut ada, welcome) = Peer::greet(&server, "ada");
        ada.chat("hi");
        let seq = ada.find("message")["seq"].as_u64().unwrap();
        server.close(closing);
        ada.find("closed");
        let server = place.server(|_| {});
        let (mut ada, back) = come_back(&server, &welcome, 0);
        assert_eq!(back.get("resumed"), resumed);
        let mut messages = (1..=seq).map(|_| ada.expect("message"));
        assert!(messages.all(|message| message["text"] == "hi"));
    }
}

#[test]
fn where_nobody_is_waited_for_nobody_comes_back_after_a_restart() {
    let place = Place::new();
    let server = place.process();
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    ada.chat("hi");
    ada.expect("message");
    drop(server);
    let waits_for_nobody =
        |settings: &mut Settings| settings.rules.grace = std::time::Duration::ZERO;
    let server = place.server(waits_for_nobody);
    assert_eq!(server.running().handle().members(), 0);
    server.close(Closing::Service { retry_ms: 1 });
    // The server does not wait for it later either.
    let server = place.server(|_| {});
    let (_ada, back) = come_back(&server, &welcome, 0);
    assert_eq!(back.get("resumed"), None);
}

/// Keeps ten messages in memory.
fn small(settings: &mut Settings) {
    settings.rules.retention.entries = 10;
    settings.rules.rate_limit.per_second = 0;
}

/// Sends more messages than memory can hold.
fn talk(peer: &mut Peer, messages: u64) {
    for n in 1..=messages {
        peer.chat(&n.to_string());
        assert_eq!(peer.heard(), n.to_string());
    }
}

#[test]
fn what_memory_does_not_hold_any_more_comes_from_the_store() {
    let place = Place::new();
    let server = place.server(small);
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    talk(&mut ada, 300);
    let (mut eve, _) = come_back(
        &server,
        &json!({"session": "none", "epoch": welcome["epoch"]}),
        7,
    );
    for n in 8..=300 {
        let message = eve.expect("message");
        assert_eq!(message["seq"], n);
        assert_eq!(message["text"], n.to_string());
        assert_eq!(message["from"], json!({"id": 1, "name": "ada"}));
    }
    eve.chat("301");
    assert_eq!(eve.expect("message")["seq"], 301);

    let mut page = |before: u64| {
        eve.write(&json!({"history": {"before": before, "limit": 100}}));
        eve.write(&json!({"ping": {}}));
        let page = eve.expect("page");
        eve.expect("pong");
        let messages = page["messages"].as_array().unwrap();
        let seqs: Vec<u64> = messages
            .iter()
            .map(|it| it["seq"].as_u64().unwrap())
            .collect();
        (seqs, page["more"].as_bool().unwrap())
    };
    assert_eq!(page(301), ((201..=300).collect(), true));
    assert_eq!(page(201), ((101..=200).collect(), true));
    assert_eq!(page(101), ((1..=100).collect(), false));
    assert_eq!(page(1), (vec![], false));
}

#[test]
fn only_so_much_is_kept_and_the_rest_is_told_as_a_gap() {
    let place = Place::new();
    let server = place.server(|settings| {
        small(settings);
        settings.keep.messages = Some(20);
    });
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    talk(&mut ada, 100);
    let (mut eve, _) = come_back(
        &server,
        &json!({"session": "", "epoch": welcome["epoch"]}),
        0,
    );
    assert_eq!(eve.expect("gap"), json!({"from": 1, "to": 80}));
    assert_eq!(eve.expect("message")["seq"], 81);
    eve.write(&json!({"history": {"before": 85}}));
    let page = eve.find("page");
    assert_eq!(page["messages"][0]["seq"], 81);
    assert_eq!(page["more"], false);
}

#[test]
fn a_goodbye_waits_until_what_was_said_is_on_disk() {
    let place = Place::new();
    let server = place.server(|_| {});
    let mut ada = Peer::native(&server, "ada");
    ada.send("{\"say\":{\"text\":\"last\"}}\n{\"ping\":{}}\n{\"bye\":{}}\n");
    assert_eq!(ada.expect("message")["text"], "last");
    ada.expect("pong");
    ada.expect("closed");
    assert_eq!(ada.rest(), "");
}

#[test]
fn what_is_not_on_disk_is_not_told_on_the_way_out_either() {
    let place = Place::new();
    let server = place.server(|_| {});
    let say = json!({"say": {"id": "a-1", "text": "hi"}});
    for end in ["garbage\n", ""] {
        let mut ada = Peer::native(&server, "ada");
        // The server accepts all of it before it stores any of it.
        ada.send(format!("{say}\n{say}\n{{\"ping\":{{}}}}\n{end}"));
        ada.half_close();
        let told = ada.rest();
        let [echo, said, pong] = ["message", "said", "pong"].map(|frame| {
            let frame = format!("{{\"{frame}\":");
            told.find(&frame)
        });
        assert!(said.is_none() || echo.is_some() && echo < said, "{told}");
        assert!(pong.is_none() || echo.is_some() && echo < pong, "{told}");
        assert!(end.is_empty() || told.contains("bad-frame"), "{told}");
    }
}

#[test]
fn a_store_that_cannot_be_used_is_told_in_a_sentence() {
    let place = Place::new();
    let open = |file: PathBuf| {
        let settings = Settings {
            port: 0,
            store: Some(file),
            ..Settings::default()
        };
        Server::bind(settings).map(drop).unwrap_err()
    };
    let _server = place.server(|_| {});
    let error = open(place.file());
    assert!(matches!(error, BindError::Store(_)));
    assert!(
        error.to_string().contains(sentences::STORE_IN_USE),
        "{error}"
    );
    let error = open(place.0.path().join("no/room.db"));
    let words = error.to_string();
    assert!(words.contains(sentences::STORE_NO_FOLDER), "{words}");
}

#[test]
fn a_lock_of_another_program_delays_messages_and_everyone_is_told() {
    let place = Place::new();
    let server = place.server(|settings| {
        settings.heartbeat = Duration::from_secs(2);
        settings.dead_after = Duration::from_secs(6);
    });
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::text(&server, "bob");
    let mut old = Peer::original(&server, "old");
    ada.find("joined");
    let other = rusqlite::Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ada.say("a-1", "one");
    bob.send("two\n");
    let delayed = "Messages are delayed: the server cannot save them at the moment.";
    let notice = ada.find("notice");
    assert_eq!(notice, json!({"code": "delayed", "text": delayed}));
    bob.until(&format!("SERVER: {delayed}\n"));
    old.until(delayed);
    while !matches!(server.event(), Event::Delayed(why) if why.contains("another program")) {}
    // Longer than the server takes anyone for lost who is silent, or itself was before.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(7) {
        ada.find("ping");
        ada.write(&json!({"pong": {}}));
    }
    // Who comes meanwhile waits.
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    other.execute_batch("COMMIT").unwrap();
    let first = ada.expect("message");
    assert_eq!((&first["seq"], &first["id"]), (&json!(1), &json!("a-1")));
    assert_eq!(ada.find("message")["text"], "two");
    let notice = ada.find("notice");
    let resumed = "Messages are no longer delayed.";
    assert_eq!(notice, json!({"code": "resumed", "text": resumed}));
    bob.until(&format!("SERVER: {resumed}\n"));
    old.until(resumed);
    eve.expect("welcome");
    while !matches!(server.event(), Event::Resumed(time) if time >= Duration::from_secs(6)) {}
    ada.say("a-2", "three");
    assert_eq!(ada.find("message")["seq"], 3);
}

#[test]
fn what_was_said_before_is_read_while_another_program_writes() {
    let place = Place::new();
    let server = place.server(small);
    let (mut ada, welcome) = Peer::greet(&server, "ada");
    talk(&mut ada, 60);
    let other = rusqlite::Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut eve = Peer::connect(server.address());
    ada.write(&json!({"history": {"before": 20, "limit": 5}}));
    assert_eq!(ada.find("page")["messages"][0]["seq"], 15);
    other.execute_batch("COMMIT").unwrap();
    let none = json!({"session": "none", "epoch": welcome["epoch"], "protocol": 1, "after": 0});
    eve.write(&json!({"hello": none}));
    eve.expect("welcome");
}
