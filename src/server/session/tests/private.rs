//! Private rooms: who gets in, what of an attack is refused, and what a peer learns before.

use crate::protocol::Pin;
use crate::protocol::proof::{Binding, Label, Nonce};
use crate::room::RoomKey;

use super::super::phase::Phase;
use super::*;

const CERTIFICATE: Pin = Pin([3; 32]);
const NONCE: Nonce = Nonce([7; 16]);
const CAN_PROVE: &str = ",\"name\":\"ada\",\"nonce\":\"BwcHBwcHBwcHBwcHBwcHBw\"";

fn private_hub() -> Arc<Hub> {
    hub(|settings| {
        settings.private = true;
        settings.room_name = Some("The den".to_owned());
    })
}

/// A host, which has read everything.
pub(super) fn host(hub: &Arc<Hub>, name: &str, now: Instant) -> PeerSession {
    let hello = CAN_PROVE.replace("ada", name) + ",\"host\":true";
    let mut session = come_encrypted(hub, &hello, now);
    let binding = challenged(&mut session);
    prove(
        &mut session,
        &binding,
        &hub.keys().host_key,
        Label::Host,
        now,
    );
    let welcome = told(&mut session);
    assert!(welcome.starts_with("{\"welcome\""), "{welcome}");
    session
}

/// A native client over an encrypted connection, which sends a hello with the rest of this
/// frame.
fn come_encrypted(hub: &Arc<Hub>, hello: &str, now: Instant) -> PeerSession {
    let mut session = arrive_with(hub, Protocol::Native, Some(CERTIFICATE), now);
    let hello = format!("{{\"hello\":{{\"protocol\":1{hello}}}}}\n");
    session.take(hello.as_bytes(), now);
    session
}

fn value_of<'a>(told: &'a str, key: &str) -> &'a str {
    let (_, rest) = told
        .split_once(&format!("\"{key}\":\""))
        .unwrap_or_else(|| panic!("{key}: {told}"));
    rest.split('"').next().unwrap()
}

/// What a proof is bound to, of a client that has just been challenged.
fn challenged(session: &mut PeerSession) -> Binding {
    let told = told(session);
    assert!(
        told.starts_with("{\"challenge\":{\"how\":[\"hmac-sha256\"]"),
        "{told}"
    );
    Binding {
        server: value_of(&told, "nonce").parse().unwrap(),
        client: NONCE,
        certificate: CERTIFICATE,
    }
}

fn prove(session: &mut PeerSession, binding: &Binding, key: &RoomKey, label: Label, now: Instant) {
    let mac = binding.prove(key, label).to_base64();
    let proof = format!("{{\"proof\":{{\"how\":\"hmac-sha256\",\"mac\":\"{mac}\"}}}}\n");
    session.take(proof.as_bytes(), now);
}

/// A member of a private room, and its welcome.
fn member(hub: &Arc<Hub>, now: Instant) -> (PeerSession, String) {
    let mut session = come_encrypted(hub, CAN_PROVE, now);
    let binding = challenged(&mut session);
    prove(&mut session, &binding, &hub.keys().key, Label::Member, now);
    let welcome = told(&mut session);
    assert!(welcome.starts_with("{\"welcome\""), "{welcome}");
    (session, welcome)
}

/// Asserts that the session was ended by this fatal error, and that its peer has not learned
/// anything of the room.
fn assert_refused(session: &mut PeerSession, code: &str) {
    let told = told(session);
    assert!(
        told.contains(&format!("\"{code}\"")) && told.contains("\"fatal\":true"),
        "{code}: {told}"
    );
    assert!(!told.contains("The den") && !told.contains("kim"), "{told}");
    assert!(session.ending().is_some());
}

#[test]
fn who_proves_the_key_gets_in_and_the_server_proves_it_too() {
    let (hub, now) = (private_hub(), Instant::now());
    let mut ada = come_encrypted(&hub, CAN_PROVE, now);
    let binding = challenged(&mut ada);
    assert_eq!(hub.members(), 0);
    let key = hub.keys().key.clone();
    prove(&mut ada, &binding, &key, Label::Member, now);
    let welcome = told(&mut ada);
    assert!(welcome.starts_with("{\"welcome\""), "{welcome}");
    assert!(welcome.contains("\"private\":true") && welcome.contains("\"The den\""));
    let proof = value_of(&welcome, "proof").parse().unwrap();
    assert!(binding.verify(&key, Label::Room, &proof));
    // A second proof has no effect.
    prove(&mut ada, &binding, &key, Label::Member, now);
    let told = told(&mut ada);
    assert!(told.contains("\"hello-twice\"") && told.contains("\"fatal\":false"));
    let stats = hub.stats(1);
    assert!(stats.private);
    assert_eq!((stats.tls_members, stats.members), (1, 1));
    drop(ada);
    assert_eq!(hub.stats(1).tls_members, 0);
}

#[test]
fn who_has_no_key_is_told_so_and_nothing_else() {
    let (hub, now) = (private_hub(), Instant::now());
    let (kim, _) = member(&hub, now);
    let _kim = kim;
    for (hello, code) in [
        ("", "key-needed"),
        (",\"name\":\"ada\"", "key-needed"),
        (",\"nonce\":\"short\"", "key-needed"),
        (
            ",\"session\":\"00000000000000000000000000000000\"",
            "key-needed",
        ),
    ] {
        let mut session = come_encrypted(&hub, hello, now);
        assert_refused(&mut session, code);
    }
    // A hello that never comes.
    let mut silent = arrive_with(&hub, Protocol::Native, Some(CERTIFICATE), now);
    let due = silent.deadline().unwrap();
    silent.tick(due);
    assert_refused(&mut silent, "key-needed");
    assert_eq!((hub.members(), hub.counters.refused().key_needed), (1, 5));
}

#[test]
fn a_private_room_has_no_door_without_encryption() {
    let (hub, now) = (private_hub(), Instant::now());
    let (_kim, welcome) = member(&hub, now);
    let session = session_of(&welcome);
    for hello in [
        String::new(),
        CAN_PROVE.to_owned(),
        format!(",\"session\":\"{session}\""),
    ] {
        assert_refused(&mut come(&hub, &hello, now), "tls-needed");
    }
    for first in [&b"ada\n"[..], b"\n", b"ada"] {
        let mut text = arrive(&hub, Protocol::Text, now);
        text.take(first, now);
        let told = told(&mut text);
        let sentence = "SERVER: This room is private. Use: ncat --ssl HOST PORT";
        assert_eq!(told.trim_end(), sentence, "{first:?}");
        assert!(text.ending().is_some());
    }
    let mut silent = arrive(&hub, Protocol::Text, now);
    silent.tick(silent.deadline().unwrap());
    assert!(told(&mut silent).contains("ncat --ssl"));
    assert_eq!(hub.counters.refused().tls_needed, 7);
}

#[test]
fn a_room_that_takes_encrypted_connections_only_needs_no_key() {
    let now = Instant::now();
    let hub = hub(|settings| settings.tls.only = true);
    assert_refused(&mut come(&hub, "", now), "tls-needed");
    let mut text = arrive(&hub, Protocol::Text, now);
    text.take(b"ada\n", now);
    assert!(told(&mut text).contains("This room is encrypted. Use: ncat --ssl HOST PORT"));
    let mut ada = come_encrypted(&hub, "", now);
    let told = told(&mut ada);
    assert!(
        told.starts_with("{\"welcome\"") && !told.contains("private"),
        "{told}"
    );
}

/// What an attack is, the key and the label of its proof, and what that is bound to, from
/// its own connection and an earlier one.
type Attack<'a> = (&'a str, &'a RoomKey, Label, fn(Binding, Binding) -> Binding);

#[test]
fn every_wrong_proof_is_refused() {
    let (hub, now) = (private_hub(), Instant::now());
    let other = private_hub();
    let keys = hub.keys();
    let (key, old) = (&keys.key, &other.keys().key);
    let attacks: [Attack<'_>; 7] = [
        ("another key", old, Label::Member, |it, _| it),
        ("the host key", &keys.host_key, Label::Member, |it, _| it),
        (
            "a proof of the server, sent back",
            key,
            Label::Room,
            |it, _| it,
        ),
        ("the label of a host", key, Label::Host, |it, _| it),
        (
            "a proof of another connection",
            key,
            Label::Member,
            |_, earlier| earlier,
        ),
        ("another certificate", key, Label::Member, |it, _| Binding {
            certificate: Pin([4; 32]),
            ..it
        }),
        ("the nonces exchanged", key, Label::Member, |it, _| {
            Binding {
                server: it.client,
                client: it.server,
                ..it
            }
        }),
    ];
    let mut earlier = come_encrypted(&hub, CAN_PROVE, now);
    let earlier = challenged(&mut earlier);
    for (attack, key, label, change) in attacks {
        let mut eve = come_encrypted(&hub, CAN_PROVE, now);
        let binding = change(challenged(&mut eve), earlier);
        prove(&mut eve, &binding, key, label, now);
        assert!(eve.ending().is_some(), "{attack}");
        assert_refused(&mut eve, "key-wrong");
    }
    for proof in [
        "{\"how\":\"hmac-sha256\",\"mac\":\"\"}".to_owned(),
        format!(
            "{{\"how\":\"hmac-sha256\",\"mac\":\"{}\"}}",
            "A".repeat(60_000)
        ),
        format!("{{\"how\":\"none\",\"mac\":\"{}\"}}", "A".repeat(43)),
    ] {
        let mut eve = come_encrypted(&hub, CAN_PROVE, now);
        challenged(&mut eve);
        eve.take(format!("{{\"proof\":{proof}}}\n").as_bytes(), now);
        assert_refused(&mut eve, "key-wrong");
    }
    assert_eq!((hub.members(), hub.counters.refused().key_wrong), (0, 10));
}

#[test]
fn frames_in_another_order_let_nobody_in() {
    let (hub, now) = (private_hub(), Instant::now());
    // A proof before the challenge.
    let mut early = arrive_with(&hub, Protocol::Native, Some(CERTIFICATE), now);
    let binding = Binding {
        server: NONCE,
        client: NONCE,
        certificate: CERTIFICATE,
    };
    prove(&mut early, &binding, &hub.keys().key, Label::Member, now);
    assert_refused(&mut early, "hello-first");
    for (frame, code) in [
        ("{\"hello\":{\"protocol\":1}}\n", "hello-twice"),
        ("{\"say\":{\"text\":\"hi\"}}\n", "key-needed"),
        ("{\"members\":{}}\n", "key-needed"),
        ("{\"history\":{}}\n", "key-needed"),
        ("{\"kick\":{\"id\":1}}\n", "key-needed"),
        ("{\"invite\":{}}\n", "key-needed"),
    ] {
        let mut session = come_encrypted(&hub, CAN_PROVE, now);
        challenged(&mut session);
        session.take(frame.as_bytes(), now);
        assert_refused(&mut session, code);
    }
    // Nothing follows the end.
    let mut session = come_encrypted(&hub, CAN_PROVE, now);
    let binding = challenged(&mut session);
    session.take(b"{\"say\":{\"text\":\"hi\"}}\n", now);
    prove(&mut session, &binding, &hub.keys().key, Label::Member, now);
    assert_refused(&mut session, "key-needed");
    // Pings are answered, and a goodbye too.
    let mut session = come_encrypted(&hub, CAN_PROVE, now);
    challenged(&mut session);
    session.take(b"{\"ping\":{}}\n{\"bye\":{}}\n", now);
    let told = told(&mut session);
    assert!(
        told.contains("\"pong\"") && told.contains("\"bye\""),
        "{told}"
    );
    assert_eq!(hub.members(), 0);
}

#[test]
fn a_challenge_has_the_time_of_a_name_and_no_more() {
    let (hub, now) = (private_hub(), Instant::now());
    let later = now + Duration::from_secs(6);
    let mut session = arrive_with(&hub, Protocol::Native, Some(CERTIFICATE), now);
    session.take(
        format!("{{\"hello\":{{\"protocol\":1{CAN_PROVE}}}}}\n").as_bytes(),
        later,
    );
    let binding = challenged(&mut session);
    let due = now + hub.live().name_timeout;
    assert_eq!(session.deadline(), Some(due));
    session.tick(due);
    prove(&mut session, &binding, &hub.keys().key, Label::Member, due);
    assert_refused(&mut session, "key-needed");
    assert_eq!(hub.members(), 0);
}

#[test]
fn a_challenge_holds_little_of_what_was_sent() {
    let (hub, now) = (private_hub(), Instant::now());
    let long = "x".repeat(30_000);
    let hello = format!("{CAN_PROVE},\"session\":\"{long}\",\"x\":\"{long}\"");
    let hello = hello.replace("ada", &long[..4_000]);
    let mut session = come_encrypted(&hub, &hello, now);
    challenged(&mut session);
    let Phase::Challenged(challenged) = &session.phase else {
        panic!()
    };
    let hail = &challenged.hail;
    assert!(hail.name.len() <= 128 && hail.session.is_none());
}

#[test]
fn nonces_are_new_for_each_connection() {
    let (hub, now) = (private_hub(), Instant::now());
    let nonces: std::collections::HashSet<[u8; 16]> = (0..100)
        .map(|_| {
            let mut session = come_encrypted(&hub, CAN_PROVE, now);
            challenged(&mut session).server.0
        })
        .collect();
    assert_eq!(nonces.len(), 100);
}

#[test]
fn a_valid_session_replaces_the_proof() {
    let (hub, now) = (private_hub(), Instant::now());
    let (mut ada, welcome) = member(&hub, now);
    let session = format!(",\"session\":\"{}\"", session_of(&welcome));
    ada.break_off(crate::room::Why::Lost, now);
    let mut back = come_encrypted(&hub, &session, now);
    let told = told(&mut back);
    assert!(
        told.starts_with("{\"welcome\"") && told.contains("\"resumed\":true"),
        "{told}"
    );
    assert!(!told.contains("\"proof\""));
    // Also with a nonce; and one that is over does not.
    let mut again = come_encrypted(&hub, &format!("{session}{CAN_PROVE}"), now);
    assert!(super::told(&mut again).contains("\"resumed\":true"));
    again.take(b"{\"bye\":{}}\n", now);
    super::told(&mut again);
    let mut over = come_encrypted(&hub, &session, now);
    assert_refused(&mut over, "key-needed");
}

#[test]
fn who_is_in_stays_when_the_room_becomes_private() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut ada = come(&hub, ",\"name\":\"ada\"", now);
    told(&mut ada);
    let mut waiting = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    let mut settings = hub.settings.clone();
    settings.private = true;
    hub.change(&settings);
    ada.take(SAY, now);
    assert!(told(&mut ada).contains("\"hi\""));
    assert_refused(&mut come(&hub, "", now), "tls-needed");
    assert_refused(&mut come_encrypted(&hub, "", now), "key-needed");
    // A line of one that is still at the door is a key now.
    waiting.take(b"kim\n", now);
    assert!(told(&mut waiting).contains("not the room's key"));
    settings.private = false;
    hub.change(&settings);
    waiting.take(b"kim\n", now);
    assert!(told(&mut waiting).contains("Welcome"));
}

#[test]
fn the_host_key_makes_a_host_in_any_room_and_only_over_an_encrypted_connection() {
    let now = Instant::now();
    let host = ",\"name\":\"kim\",\"host\":true,\"nonce\":\"BwcHBwcHBwcHBwcHBwcHBw\"";
    for private in [false, true] {
        let hub = hub(|settings| settings.private = private);
        let keys = hub.keys();
        assert_refused(
            &mut come(&hub, &host.replace("kim", "eve"), now),
            "tls-needed",
        );
        let nonceless = ",\"host\":true";
        assert_refused(&mut come_encrypted(&hub, nonceless, now), "key-needed");
        for (key, label) in [
            (&keys.key, Label::Host),
            (&keys.key, Label::Member),
            (&keys.host_key, Label::Member),
        ] {
            let mut eve = come_encrypted(&hub, host, now);
            let binding = challenged(&mut eve);
            prove(&mut eve, &binding, key, label, now);
            assert_refused(&mut eve, "key-wrong");
        }
        let mut kim = come_encrypted(&hub, host, now);
        let binding = challenged(&mut kim);
        prove(&mut kim, &binding, &keys.host_key, Label::Host, now);
        let welcome = told(&mut kim);
        let you = "\"you\":{\"id\":1,\"name\":\"kim\",\"host\":true}";
        assert!(welcome.contains(you), "{welcome}");
        let proof = value_of(&welcome, "proof").parse().unwrap();
        assert!(binding.verify(&keys.host_key, Label::Room, &proof));
        assert!(welcome.contains("Others can join at"), "{welcome}");
    }
}

#[test]
fn the_host_gets_into_a_full_room() {
    let now = Instant::now();
    let hub = hub(|settings| settings.rules.max_members = 1);
    let _ada = come(&hub, "", now);
    assert_refused(&mut come(&hub, "", now), "room-full");
    let mut host = come_encrypted(&hub, &format!("{CAN_PROVE},\"host\":true"), now);
    let binding = challenged(&mut host);
    prove(&mut host, &binding, &hub.keys().host_key, Label::Host, now);
    assert!(told(&mut host).starts_with("{\"welcome\""));
}

#[test]
fn after_ten_wrong_keys_an_address_must_wait() {
    let (hub, now) = (private_hub(), Instant::now());
    let other = private_hub().keys().key.clone();
    let late = come_encrypted(&hub, CAN_PROVE, now);
    let mut late = late;
    let late_binding = challenged(&mut late);
    for n in 0..10 {
        let mut eve = come_encrypted(&hub, CAN_PROVE, now + Duration::from_secs(n));
        let binding = challenged(&mut eve);
        prove(&mut eve, &binding, &other, Label::Member, now);
        assert_refused(&mut eve, "key-wrong");
    }
    let soon = now + Duration::from_secs(59);
    assert_refused(
        &mut come_encrypted(&hub, CAN_PROVE, soon),
        "too-many-connections",
    );
    // The server does not even look at a peer that was challenged before.
    prove(
        &mut late,
        &late_binding,
        &hub.keys().key,
        Label::Member,
        soon,
    );
    assert_refused(&mut late, "too-many-connections");
    let mut text = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), soon);
    text.take(hub.keys().key.secret().as_bytes(), soon);
    assert!(told(&mut text).contains("Too many connections"));
    // Another address is not concerned, and the time ends.
    let elsewhere = Guest::arriving(&hub, ([192, 0, 2, 2], 1).into(), soon).unwrap();
    assert!(elsewhere.may_try_key(soon));
    let mut again = come_encrypted(&hub, CAN_PROVE, now + Duration::from_mins(1));
    challenged(&mut again);
}

#[test]
fn a_wrong_key_is_reported_without_names_or_keys() {
    let (sender, events) = async_channel::bounded(100);
    let now = Instant::now();
    let hub = hub(|settings| {
        settings.private = true;
        settings.events = Some(sender);
    });
    let mut eve = come_encrypted(&hub, CAN_PROVE, now);
    let binding = challenged(&mut eve);
    let wrong: RoomKey = "aaaabbbbccccdddd".parse().unwrap();
    prove(&mut eve, &binding, &wrong, Label::Member, now);
    let event = events.try_recv().unwrap();
    let address = ([192, 0, 2, 1], 1).into();
    assert_eq!(event, super::super::super::Event::WrongKey { address });
    assert!(events.try_recv().is_err());
}

#[test]
fn the_text_door_asks_for_the_key_first() {
    let (hub, now) = (private_hub(), Instant::now());
    let key = hub.keys().key.clone();
    for written in [key.secret().to_owned(), key.grouped().to_uppercase()] {
        let mut kim = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
        kim.take(b"\n", now);
        assert_eq!(
            told(&mut kim),
            "SERVER: This room is private. Send its key first.\n"
        );
        kim.take(format!("{written}\n").as_bytes(), now);
        assert_eq!(told(&mut kim), "SERVER: What is your name?\n");
        assert_eq!(hub.members(), 0);
        kim.take(b"kim\nhello\n", now);
        let told = told(&mut kim);
        assert!(told.contains("Welcome to “The den”"), "{told}");
        kim.half_close(now);
    }
    assert_eq!(hub.messages(), 2);
    // All in one piece; and then no name in time.
    let mut kim = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    kim.take(format!("{}\nkim\n", key.grouped()).as_bytes(), now);
    assert!(told(&mut kim).contains("Welcome"));
    let mut kim = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    kim.take(format!("{}\n", key.grouped()).as_bytes(), now);
    kim.tick(kim.deadline().unwrap());
    assert!(told(&mut kim).contains("“USR”"));
}

#[test]
fn the_text_door_takes_three_keys_at_most() {
    let (hub, now) = (private_hub(), Instant::now());
    let lines = ["kim", "", "aaaa-bbbb-cccc-dddd", &"x".repeat(5_000)];
    let mut eve = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    let mut all = String::new();
    for line in lines {
        assert!(eve.ending().is_none());
        eve.take(format!("{line}\n").as_bytes(), now);
        all += &told(&mut eve);
    }
    assert!(eve.ending().is_some());
    assert_eq!(all.matches("Send it again").count(), 2, "{all}");
    assert!(all.ends_with("Ask for a new invitation.\n"), "{all}");
    assert!(!all.contains("The den"));
    // The right one after that, in the same piece, is too late.
    let mut eve = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    let lines = format!("a\nb\nc\n{}\neve\n", hub.keys().key.secret());
    eve.take(lines.as_bytes(), now);
    assert!(eve.ending().is_some());
    assert_eq!((hub.members(), hub.counters.refused().key_wrong), (0, 6));
    // No key in time.
    let mut eve = arrive_with(&hub, Protocol::Text, Some(CERTIFICATE), now);
    eve.tick(eve.deadline().unwrap());
    assert!(told(&mut eve).contains("did not come in time") && eve.ending().is_some());
    assert_eq!(hub.members(), 0);
}

#[test]
fn about_says_what_anyone_may_know() {
    let now = Instant::now();
    for (private, only, encrypted, expected) in [
        (
            false,
            false,
            false,
            "{\"about\":{\"protocol\":1,\"room\":\"The den\"}}\n",
        ),
        (
            false,
            true,
            true,
            "{\"about\":{\"protocol\":1,\"room\":\"The den\"}}\n",
        ),
        (false, true, false, "{\"about\":{\"protocol\":1}}\n"),
        (
            true,
            false,
            false,
            "{\"about\":{\"protocol\":1,\"private\":true}}\n",
        ),
        (
            true,
            false,
            true,
            "{\"about\":{\"protocol\":1,\"private\":true}}\n",
        ),
    ] {
        let hub = hub(|settings| {
            settings.private = private;
            settings.tls.only = only;
            settings.room_name = Some("The den".to_owned());
        });
        let certificate = encrypted.then_some(CERTIFICATE);
        let mut session = arrive_with(&hub, Protocol::Native, certificate, now);
        session.take(b"{\"about\":{}}\n", now);
        assert_eq!(told(&mut session), expected);
    }
}

#[test]
fn outcomes_that_come_later_change_nothing_of_a_challenge() {
    let (hub, now) = (private_hub(), Instant::now());
    hub.delay_outcomes();
    let mut ada = come_encrypted(&hub, CAN_PROVE, now);
    assert_eq!(told(&mut ada), "");
    assert!(hub.apply_next());
    go_on(&mut ada, now);
    let binding = challenged(&mut ada);
    prove(&mut ada, &binding, &hub.keys().key, Label::Member, now);
    assert!(hub.apply_next());
    go_on(&mut ada, now);
    assert!(told(&mut ada).starts_with("{\"welcome\""));
    assert_eq!(hub.stats(1).tls_members, 1);
}
