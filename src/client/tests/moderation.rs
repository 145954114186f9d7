//! What a host does, as the host and as everyone else.

use super::back::{staying, welcome};
use super::*;
use crate::protocol::native::frame::Code;

fn limits(every_s: u64) -> String {
    let every = format!(r#","every_s":{every_s}"#);
    let every = if every_s == 0 { "" } else { &every };
    format!(r#"{{"limits":{{"frame":65536,"text":4000,"burst":20,"per_second":5{every}}}}}"#)
}

fn id(number: u64) -> MemberId {
    MemberId::new(number).unwrap()
}

#[test]
fn every_request_of_a_host_is_sent_and_answered() {
    let (client, events, mut peer) = joined(|_| {});
    client.kick(id(9), None).unwrap();
    client.kick(id(9), Some(10 * 60 * SECOND)).unwrap();
    // Never less than was wanted.
    client.mute(id(9), SECOND / 10).unwrap();
    client.mute(id(9), Duration::ZERO).unwrap();
    client.slow(10 * SECOND).unwrap();
    client.erase(42).unwrap();
    client.make_host(id(9)).unwrap();
    client.invite(false).unwrap();
    client.invite(true).unwrap();
    for wanted in [
        r#"{"kick":{"id":9}}"#,
        r#"{"kick":{"id":9,"ban_s":600}}"#,
        r#"{"mute":{"id":9,"for_s":1}}"#,
        r#"{"mute":{"id":9,"for_s":0}}"#,
        r#"{"slow":{"every_s":10}}"#,
        r#"{"erase":{"seq":42}}"#,
        r#"{"host":{"id":9}}"#,
        r#"{"invite":{}}"#,
        r#"{"invite":{"new":true}}"#,
    ] {
        assert_eq!(peer.hear(), wanted);
    }
    peer.tell(r#"{"kicked":{"id":9,"name":"k:\u001bim","ban_s":600,"shared":3}}"#);
    let Event::Kicked(kicked) = next(&events) else {
        panic!()
    };
    assert_eq!((&*kicked.name, kicked.shared), ("kim", 3));
    peer.tell(r#"{"muted":{"id":9,"name":"kim\u0007","for_s":1}}"#);
    assert!(matches!(next(&events), Event::Muted(it) if it.name == "kim"));
    peer.tell(r#"{"invite":{"link":"chatroom://h/#k=abcdefghijklmnop"}}"#);
    let event = next(&events);
    assert!(!format!("{event:?}").contains("abcdefghijklmnop"));
    assert!(matches!(event, Event::Invite(it) if it.link.contains("#k=")));
    peer.tell(r#"{"error":{"code":"not-host","text":"x","fatal":false}}"#);
    assert!(matches!(next(&events), Event::Error(it) if it.code == Code::NotHost));
}

#[test]
fn a_message_of_someone_who_is_muted_is_given_back() {
    let (client, events, mut peer) = joined(|_| {});
    let ids = [client.say("hi").unwrap(), client.say("hi").unwrap()];
    for id in &ids {
        assert!(peer.hear().contains(id));
    }
    peer.tell(&format!(
        r#"{{"error":{{"code":"muted","id":"{}","text":"x","retry_ms":60000,"fatal":false}}}}"#,
        ids[0]
    ));
    assert!(matches!(next(&events), Event::Error(it) if it.code == Code::Muted));
    assert_eq!(unsent(&events), ids[0]);
    peer.tell(&message_of(2, 1, &ids[1]));
    assert!(matches!(next(&events), Event::Message(_)));
    client.say_as(&ids[0], "hi").unwrap();
    assert!(peer.hear().contains(&ids[0]));
}

#[test]
fn a_slow_room_is_kept_to_until_it_is_not_slow_any_more() {
    let (client, events, mut peer) = joined(|_| {});
    peer.tell(&limits(3_600));
    assert!(matches!(next(&events), Event::Limits(it) if it.every_s == Some(3_600)));
    let ids = [client.say("hi").unwrap(), client.say("hi").unwrap()];
    assert!(peer.hear().contains(&ids[0]));
    // The other one waits, and nothing else does.
    client.ask_members(None, 1).unwrap();
    assert!(peer.hear().contains("members"));
    peer.tell(&limits(0));
    assert!(matches!(next(&events), Event::Limits(_)));
    assert!(peer.hear().contains(&ids[1]));

    // The new host need not wait, and the old one must.
    peer.tell(&limits(3_600));
    assert!(matches!(next(&events), Event::Limits(_)));
    let third: Vec<_> = (0..3).map(|_| client.say("hi").unwrap()).collect();
    peer.tell(r#"{"host":{"id":2,"name":"ada"}}"#);
    for id in &third {
        assert!(peer.hear().contains(id));
    }
    peer.tell(r#"{"host":{"id":9,"name":"kim","from":2}}"#);
    while !matches!(next(&events), Event::Host(it) if it.id == id(9)) {}
    let last = [client.say("hi").unwrap(), client.say("hi").unwrap()];
    assert!(peer.hear().contains(&last[0]));
    client.ask_members(None, 1).unwrap();
    assert!(peer.hear().contains("members"));
}

#[test]
fn limits_that_no_clock_holds_do_no_harm() {
    let (client, events, mut peer) = joined(|_| {});
    peer.tell(&limits(u64::MAX));
    assert!(matches!(next(&events), Event::Limits(_)));
    let said = client.say("hi").unwrap();
    assert!(peer.hear().contains(&said));
    peer.tell(&format!(
        r#"{{"error":{{"code":"too-fast","id":"{said}","text":"x","retry_ms":{},"fatal":false}}}}"#,
        u64::MAX
    ));
    client.ask_members(None, 1).unwrap();
    assert!(peer.hear().contains("members"));
}

#[test]
fn an_erasure_takes_its_place_and_comes_once() {
    let (_client, events, mut peer, listener) = staying(|_| {});
    let erased = r#"{"erased":{"seq":2,"at":"2026-11-22T10:00:00Z","of":1,"by":{"id":3,"name":"b\u001bob"}}}"#;
    peer.tell(&message(1));
    peer.tell(erased);
    assert!(matches!(next(&events), Event::Message(_)));
    let Event::Erased(told) = next(&events) else {
        panic!()
    };
    assert_eq!((told.of, &*told.by.name), (1, "bob"));
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let mut peer = Peer::accept(&listener);
    assert!(peer.hear().contains(r#""after":2"#));
    peer.tell(&welcome(4, 2, true));
    peer.tell(erased);
    peer.tell(&erased.replace(r#""seq":2"#, r#""seq":3"#));
    assert!(matches!(next(&events), Event::Returned(_)));
    assert!(matches!(next(&events), Event::Erased(it) if it.seq == 3));
}

#[test]
fn an_erased_message_that_the_room_took_is_not_sent_again() {
    let (client, events, mut peer, listener) = staying(|_| {});
    let id = client.say("hi").unwrap();
    peer.hear();
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(&welcome(2, 2, true));
    peer.tell(&message_of(2, 1, &id).replace(r#""text":"hi""#, r#""text":"","erased":true"#));
    assert!(matches!(next(&events), Event::Returned(_)));
    let Event::Message(message) = next(&events) else {
        panic!()
    };
    let mut lines = Vec::new();
    write_message(&message, &mut lines);
    assert_eq!(String::from_utf8(lines).unwrap(), "ada: (erased)\n");
    peer.tell(r#"{"ping":{}}"#);
    assert_eq!(peer.hear(), r#"{"pong":{}}"#);
}

#[test]
fn what_a_host_did_is_told_in_words() {
    let (_client, events, mut peer) = joined(|_| {});
    peer.tell(r#"{"host":{"id":9,"name":"kim"}}"#);
    peer.tell(&limits(10));
    peer.tell(r#"{"erased":{"seq":2,"at":"2026-11-22T10:00:00Z","of":1,"by":{"name":"SERVER"}}}"#);
    for wanted in ["kim", "10", "erased"] {
        let mut lines = Vec::new();
        write_lines(&next(&events), &mut lines);
        let line = String::from_utf8(lines).unwrap();
        assert!(
            line.starts_with("SERVER: ") && line.contains(wanted),
            "{line}"
        );
    }
}
