//! Private rooms: who gets in, and what everyone else learns.

use chatroom::client::{Client, End, Event as ClientEvent, Settings as ClientSettings};
use chatroom::protocol::Pin;
use chatroom::protocol::address::Address;
use chatroom::protocol::invitation::Invitation;
use chatroom::protocol::proof::{Binding, HOW, Label, Nonce};
use chatroom::room::RoomKey;
use chatroom::server::{Event, Refusal};
use serde_json::{Value, json};

use crate::common::{Host, PATIENCE, Peer, TestServer};
use crate::sentences::{self, from_server};
use crate::support::Tunnel;

pub const KEY: &str = "abcd-efgh-ijkl-mnop";
pub const HOST_KEY: &str = "zzzz-2222-yyyy-3333";
pub const ROOM: &str = "The cellar";

pub fn key(written: &str) -> RoomKey {
    written.parse().unwrap()
}

pub fn private_room() -> TestServer {
    TestServer::with(|settings| {
        settings.private = true;
        settings.key = Some(key(KEY));
        settings.host_key = Some(key(HOST_KEY));
        settings.room_name = Some(ROOM.to_owned());
    })
}

/// A client that has been challenged, and what its proof is bound to.
pub fn challenged(tunnel: &Tunnel, hello: &Value) -> (Peer, Binding) {
    let mut peer = Peer::connect(tunnel.address());
    peer.write(&json!({ "hello": hello }));
    let challenge = peer.expect("challenge");
    assert_eq!(challenge["how"], json!([HOW]));
    let nonce = |it: &Value| it.as_str().unwrap().parse::<Nonce>().unwrap();
    let binding = Binding {
        server: nonce(&challenge["nonce"]),
        client: nonce(&hello["nonce"]),
        certificate: tunnel.pin(),
    };
    (peer, binding)
}

fn hello(name: &str) -> Value {
    let nonce = Nonce(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    json!({"protocol": 1, "name": name, "nonce": nonce.to_string()})
}

pub fn prove(peer: &mut Peer, mac: &str) {
    peer.write(&json!({"proof": {"how": HOW, "mac": mac}}));
}

/// A member that has proved this key, with its welcome.
pub fn join(tunnel: &Tunnel, name: &str, key: &RoomKey) -> (Peer, Value) {
    let (mut peer, binding) = challenged(tunnel, &hello(name));
    prove(&mut peer, &binding.prove(key, Label::Member).to_base64());
    let welcome = peer.expect("welcome");
    let proof = welcome["proof"].as_str().unwrap().parse().unwrap();
    assert!(binding.verify(key, Label::Room, &proof));
    (peer, welcome)
}

/// A member that has proved the host key as well as it could the other one.
pub fn join_as_host(tunnel: &Tunnel, name: &str, key: &RoomKey) -> (Peer, Value) {
    let mut hello = hello(name);
    hello["host"] = true.into();
    let (mut peer, binding) = challenged(tunnel, &hello);
    prove(&mut peer, &binding.prove(key, Label::Host).to_base64());
    let welcome = peer.expect("welcome");
    (peer, welcome)
}

/// The host of a server, with its welcome, and the tunnel through which it came.
pub fn host_of(server: &TestServer, name: &str) -> (Tunnel, Peer, Value) {
    let tunnel = Tunnel::to(server.running().port());
    let host_key = server.running().handle().host_key();
    let (peer, welcome) = join_as_host(&tunnel, name, &host_key);
    (tunnel, peer, welcome)
}

/// The client gets this fatal error, nothing after it, and nothing of the room.
fn refused(mut peer: Peer, code: &str) -> Value {
    let error = peer.expect("error");
    assert_eq!(
        (&error["code"], &error["fatal"]),
        (&json!(code), &json!(true))
    );
    assert!(!error.to_string().contains(ROOM));
    assert_eq!(peer.rest(), "");
    error
}

fn was_refused(server: &TestServer, expected: Refusal) {
    loop {
        if let Event::Refused { why, .. } = server.event() {
            return assert_eq!(why, expected);
        }
    }
}

#[test]
fn whoever_proves_the_key_is_in_and_the_room_proves_it_as_well() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, welcome) = join(&tunnel, "ada", &key(KEY));
    assert_eq!(welcome["private"], true);
    assert_eq!(welcome["room"], ROOM);
    let (mut bob, _) = join(&tunnel, "bob", &key(KEY));
    ada.chat("hello");
    assert_eq!(bob.heard(), "hello");
    // Nothing that went to the server has a key in it.
    let told = tunnel.told();
    assert!(told.contains("hello") && !told.contains(key(KEY).secret()));
}

#[test]
fn whoever_has_no_key_learns_nothing_of_the_room() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let mut eve = Peer::connect(tunnel.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    refused(eve, "key-needed");
    was_refused(&server, Refusal::KeyNeeded);
    let mut eve = Peer::connect(tunnel.address());
    for frame in [json!({"ping": {}}), json!({"about": {}})] {
        eve.write(&frame);
    }
    eve.expect("pong");
    assert_eq!(eve.expect("about"), json!({"protocol": 1, "private": true}));
    eve.write(&json!({"members": {}}));
    refused(eve, "hello-first");
    // Someone who is challenged is not in yet.
    let (mut eve, _) = challenged(&tunnel, &hello("eve"));
    eve.chat("let me in");
    refused(eve, "key-needed");
    assert_eq!(server.running().handle().members(), 0);
}

#[test]
fn outside_tls_there_is_no_door() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (_, welcome) = join(&tunnel, "ada", &key(KEY));
    for hello in [
        json!({"protocol": 1, "name": "eve"}),
        hello("eve"),
        json!({"protocol": 1, "session": welcome["session"]}),
    ] {
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({ "hello": hello }));
        refused(eve, "tls-needed");
        was_refused(&server, Refusal::TlsNeeded);
    }
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"about": {}}));
    assert_eq!(eve.expect("about"), json!({"protocol": 1, "private": true}));
    drop(eve);
    let mut person = Peer::connect(server.address());
    person.send("eve\n");
    assert_eq!(
        person.rest(),
        "SERVER: This room is private. Use: ncat --ssl HOST PORT\n"
    );
}

#[test]
fn a_wrong_proof_ends_the_connection_and_none_counts_for_another_thing() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mine, other) = (key(KEY), key("aaaa-aaaa-aaaa-aaaa"));
    for (key, label) in [
        (&other, Label::Member),
        (&mine, Label::Host),
        // What the server itself proves with: nobody can send it back.
        (&mine, Label::Room),
        (&key(HOST_KEY), Label::Member),
    ] {
        let (mut eve, binding) = challenged(&tunnel, &hello("eve"));
        prove(&mut eve, &binding.prove(key, label).to_base64());
        refused(eve, "key-wrong");
        while !matches!(server.event(), Event::WrongKey { .. }) {}
    }
    for mac in ["", "AAAA", &"A".repeat(60_000)] {
        let (mut eve, _) = challenged(&tunnel, &hello("eve"));
        prove(&mut eve, mac);
        refused(eve, "key-wrong");
    }
    // One proof for each connection.
    let (mut eve, binding) = challenged(&tunnel, &hello("eve"));
    let right = binding.prove(&mine, Label::Member).to_base64();
    eve.send(format!(
        "{}\n{}\n",
        json!({"proof": {"how": HOW, "mac": "AAAA"}}),
        json!({"proof": {"how": HOW, "mac": right}})
    ));
    refused(eve, "key-wrong");
}

#[test]
fn a_proof_of_one_connection_is_worth_nothing_on_another() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, binding) = challenged(&tunnel, &hello("ada"));
    let mac = binding.prove(&key(KEY), Label::Member).to_base64();
    prove(&mut ada, &mac);
    ada.expect("welcome");
    let (mut eve, _) = challenged(&tunnel, &hello("ada"));
    prove(&mut eve, &mac);
    refused(eve, "key-wrong");
    // Nor is that of the server, given back to it with the nonces of that connection.
    let (mut bob, binding) = challenged(&tunnel, &hello("bob"));
    prove(
        &mut bob,
        &binding.prove(&key(KEY), Label::Member).to_base64(),
    );
    let proof = bob.expect("welcome")["proof"].as_str().unwrap().to_owned();
    let (mut eve, _) = challenged(&tunnel, &hello("bob"));
    prove(&mut eve, &proof);
    refused(eve, "key-wrong");
}

#[test]
fn someone_between_cannot_pass_a_proof_on() {
    let server = private_room();
    let relay = Tunnel::relay(&server);
    // The client sees the certificate of the relay.
    let tunnel = Tunnel::to(&relay);
    let (mut ada, binding) = challenged(&tunnel, &hello("ada"));
    assert_eq!(relay.pin(), server.running().handle().pin());
    assert_ne!(binding.certificate, relay.pin());
    prove(
        &mut ada,
        &binding.prove(&key(KEY), Label::Member).to_base64(),
    );
    refused(ada, "key-wrong");
}

/// The events of a client of ours up to its end.
fn end_of(settings: ClientSettings) -> (Vec<ClientEvent>, End) {
    let (_client, events) = Client::connect(settings);
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut before = Vec::new();
        while let Ok(event) = events.recv_blocking() {
            if let ClientEvent::Ended(end) = event {
                let _ = sender.send((before, end));
                return;
            }
            before.push(event);
        }
    });
    ended.recv_timeout(PATIENCE).expect("the client goes on")
}

fn settings(host: impl Host, pin: Option<Pin>) -> ClientSettings {
    ClientSettings {
        address: Address::new("127.0.0.1", host.address().port()),
        name: "ada".to_owned(),
        pin,
        key: Some(key(KEY)),
        ..ClientSettings::default()
    }
}

#[test]
fn a_client_of_ours_tells_someone_between_nothing() {
    let server = private_room();
    let relay = Tunnel::relay(&server);
    let pin = server.running().handle().pin();
    let (before, end) = end_of(settings(&relay, Some(pin)));
    assert!(
        matches!(end, End::OtherIdentity { expected, .. } if expected == pin),
        "{end:?}"
    );
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(relay.told(), "");
    // With a key that was typed, and no pin, it finds out by the proof.
    let (before, end) = end_of(settings(&relay, None));
    assert!(matches!(end, End::KeyWrong | End::NotProven), "{end:?}");
    assert!(before.is_empty(), "{before:?}");
    assert!(!relay.told().contains(key(KEY).secret()));
    assert!(!relay.told().contains("session"));
}

#[test]
fn after_ten_wrong_keys_from_one_address_no_more_are_looked_at() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let other = key("aaaa-aaaa-aaaa-aaaa");
    for _ in 0..10 {
        let (mut eve, binding) = challenged(&tunnel, &hello("eve"));
        prove(&mut eve, &binding.prove(&other, Label::Member).to_base64());
        refused(eve, "key-wrong");
    }
    let mut ada = Peer::connect(tunnel.address());
    ada.write(&json!({"hello": hello("ada")}));
    refused(ada, "too-many-connections");
    let mut person = Peer::connect(tunnel.address());
    person.send(format!("{KEY}\n"));
    assert!(person.rest().starts_with("SERVER: "));
}

#[test]
fn a_person_sends_the_key_first_and_then_the_name() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, _) = join(&tunnel, "ada", &key(KEY));
    let mut person = Peer::connect(tunnel.address());
    person.send("\n");
    assert_eq!(
        person.line(),
        "SERVER: This room is private. Send its key first."
    );
    person.send("kim\n");
    assert_eq!(
        person.line(),
        "SERVER: This is not the room's key. Send it again."
    );
    // As people type it.
    person.send("ABCD efgh IJKL-mnop\n");
    assert_eq!(person.line(), "SERVER: What is your name?");
    person.send("kim\nhello\n");
    assert!(person.line().starts_with(&from_server(sentences::WELCOME)));
    assert_eq!(ada.expect("joined")["name"], "kim");
    assert_eq!(ada.heard(), "hello");
    // All in one write.
    let mut quick = Peer::connect(tunnel.address());
    quick.send(format!("{KEY}\nbob\nhi\n"));
    assert_eq!(ada.heard(), "hi");
    // Three tries.
    let mut eve = Peer::connect(tunnel.address());
    eve.send("one\ntwo\nthree\nabcd-efgh-ijkl-mnop\neve\n");
    let rest = eve.rest();
    assert!(rest.ends_with("Ask for a new invitation.\n"), "{rest}");
    assert!(!rest.contains(ROOM));
}

#[test]
fn a_session_replaces_the_proof_inside_tls() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (ada, welcome) = join(&tunnel, "ada", &key(KEY));
    ada.break_off();
    let mut again = Peer::connect(tunnel.address());
    again.write(&json!({"hello": {"protocol": 1, "session": welcome["session"]}}));
    assert_eq!(again.expect("welcome")["resumed"], true);
    // One that the server does not know proves nothing.
    let mut eve = Peer::connect(tunnel.address());
    eve.write(&json!({"hello": {"protocol": 1, "session": "c0ffee0ddba11ad1eb7a6f3c22d94e10"}}));
    refused(eve, "key-needed");
}

#[test]
fn a_room_for_tls_only_is_open_to_everyone_inside() {
    let server = TestServer::with(|settings| settings.tls.only = true);
    let tunnel = Tunnel::to(&server);
    let mut bob = Peer::native(&tunnel, "bob");
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    refused(eve, "tls-needed");
    let mut person = Peer::connect(server.address());
    person.send("kim\n");
    assert_eq!(
        person.rest(),
        "SERVER: This room is encrypted. Use: ncat --ssl HOST PORT\n"
    );
    let _kim = Peer::text(&tunnel, "kim");
    assert_eq!(bob.expect("joined")["name"], "kim");
}

#[test]
fn whoever_proves_the_host_key_is_host_in_every_room_but_only_inside_tls() {
    let public = TestServer::with(|settings| settings.host_key = Some(key(HOST_KEY)));
    for server in [private_room(), public] {
        let tunnel = Tunnel::to(&server);
        let (_ada, welcome) = join_as_host(&tunnel, "ada", &key(HOST_KEY));
        assert_eq!(welcome["members"]["list"][0]["host"], true);
        let mut asks = hello("eve");
        asks["host"] = true.into();
        // The members' key is not the host's.
        let (mut eve, binding) = challenged(&tunnel, &asks);
        prove(&mut eve, &binding.prove(&key(KEY), Label::Host).to_base64());
        refused(eve, "key-wrong");
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({ "hello": asks }));
        refused(eve, "tls-needed");
    }
}

#[test]
fn a_new_invitation_lets_the_old_key_in_no_more_and_sends_nobody_away() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut host, _) = join_as_host(&tunnel, "kim", &key(HOST_KEY));
    let (mut ada, welcome) = join(&tunnel, "ada", &key(KEY));
    // Someone who was challenged before, and proves afterwards.
    let (mut late, late_binding) = challenged(&tunnel, &hello("late"));
    ada.write(&json!({"invite": {"new": true}}));
    assert_eq!(ada.find("error")["code"], "not-host");
    host.write(&json!({"invite": {}}));
    let link = |answer: &Value| -> Invitation { answer["link"].as_str().unwrap().parse().unwrap() };
    let old = link(&host.find("invite"));
    assert_eq!(old.key, Some(key(KEY)));
    assert_eq!(old.pin, Some(tunnel.pin()));
    assert_eq!(old.host_key, None);
    host.write(&json!({"invite": {"new": true}}));
    let new = link(&host.find("invite")).key.unwrap();
    assert_ne!(new, key(KEY));

    let old_proof = late_binding.prove(&key(KEY), Label::Member);
    prove(&mut late, &old_proof.to_base64());
    refused(late, "key-wrong");
    let (mut eve, binding) = challenged(&tunnel, &hello("eve"));
    prove(
        &mut eve,
        &binding.prove(&key(KEY), Label::Member).to_base64(),
    );
    refused(eve, "key-wrong");
    let mut person = Peer::connect(tunnel.address());
    person.send(format!("{KEY}\n"));
    assert!(person.line().contains("not the room's key"));

    // Whoever is in stays, and comes back.
    ada.chat("still here");
    assert_eq!(host.heard(), "still here");
    ada.break_off();
    let mut again = Peer::connect(tunnel.address());
    again.write(&json!({"hello": {"protocol": 1, "session": welcome["session"]}}));
    assert_eq!(again.expect("welcome")["resumed"], true);
    join(&tunnel, "bob", &new);
}

#[test]
fn a_removed_member_is_out_and_a_new_invitation_keeps_it_out() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut host, _) = join_as_host(&tunnel, "kim", &key(HOST_KEY));
    let (mut ada, _) = join(&tunnel, "ada", &key(KEY));
    let (mut eve, welcome) = join(&tunnel, "eve", &key(KEY));
    let id = &welcome["you"]["id"];
    eve.write(&json!({"kick": {"id": id}}));
    assert_eq!(eve.find("error")["code"], "not-host");
    host.write(&json!({"kick": {"id": id, "ban_s": 600}}));
    assert_eq!(host.find("kicked")["name"], "eve");
    let left = ada.find("left");
    assert_eq!(
        (&left["name"], &left["why"]),
        (&json!("eve"), &json!("removed"))
    );
    let closed = eve.find("closed");
    assert_eq!(closed["code"], "removed");
    assert_eq!(eve.rest(), "");
    // Its session is worth nothing, neither alone nor for the time of the ban.
    let session = &welcome["session"];
    let mut again = Peer::connect(tunnel.address());
    again.write(&json!({"hello": {"protocol": 1, "session": session}}));
    let error = again.expect("error");
    assert!(
        error["code"] == "banned" || error["code"] == "key-needed",
        "{error}"
    );
    assert_eq!(again.rest(), "");
    host.write(&json!({"invite": {"new": true}}));
    host.find("invite");
    let (mut eve, binding) = challenged(&tunnel, &hello("eve"));
    prove(
        &mut eve,
        &binding.prove(&key(KEY), Label::Member).to_base64(),
    );
    refused(eve, "key-wrong");
}
