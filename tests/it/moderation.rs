//! Moderation of a running server: by its hosts and its administrator, over a restart too.

use std::time::Duration;

use chatroom::room::{Banned, Closing, MemberId};
use chatroom::server::{NotModerated, Target};
use serde_json::{Value, json};

use crate::common::{Host as _, Peer, TestServer};
use crate::private::host_of;

const LIMIT: Duration = Duration::from_mins(10);

fn name(name: &str) -> Target {
    Target::Name(name.to_owned())
}

fn id(welcome: &Value) -> u64 {
    welcome["you"]["id"].as_u64().unwrap()
}

/// What comes of a hello with the session of an earlier welcome.
fn come_back(server: &TestServer, welcome: &Value) -> (Peer, Value) {
    let mut peer = Peer::connect(server.address());
    let session = &welcome["session"];
    peer.write(&json!({"hello": {"protocol": 1, "session": session, "after": 0}}));
    let answer = peer.frame();
    (peer, answer)
}

#[test]
fn what_hosts_did_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("room.db");
    let start = || {
        TestServer::with(|settings| {
            settings.store = Some(file.clone());
            settings.stay_open = true;
        })
    };
    let server = start();
    let (_tunnel, mut kim, _) = host_of(&server, "kim");
    let (mut ada, ada_welcome) = Peer::greet(&server, "ada");
    let (_bob, bob_welcome) = Peer::greet(&server, "bob");
    let (_cy, cy_welcome) = Peer::greet(&server, "cy");
    ada.chat("a slip of the tongue");
    let (bob, cy) = (id(&bob_welcome), id(&cy_welcome));
    kim.find("message");
    kim.write(&json!({"erase": {"seq": 1}}));
    assert_eq!(kim.expect("erased")["of"], 1);
    kim.write(&json!({"mute": {"id": cy, "for_s": 600}}));
    assert_eq!(kim.expect("muted")["for_s"], 600);
    kim.write(&json!({"slow": {"every_s": 7}}));
    assert_eq!(kim.expect("limits")["every_s"], 7);
    kim.write(&json!({"kick": {"id": bob, "ban_s": 600}}));
    // This computer itself is never kept out; the session is.
    let kicked = kim.find("kicked");
    assert_eq!((&kicked["id"], kicked.get("ban_s")), (&json!(bob), None));
    kim.write(&json!({"host": {"id": id(&ada_welcome)}}));
    kim.expect("host");
    kim.write(&json!({"invite": {"new": true}}));
    assert_eq!(kim.expect("error")["code"], "not-host");
    server.running().handle().new_invitation().unwrap();
    let keys = |server: &TestServer| {
        let handle = server.running().handle();
        (handle.invitation(false).unwrap().key, handle.host_key())
    };
    let before = keys(&server);
    server.close(Closing::Service { retry_ms: 0 });

    let server = start();
    assert_eq!(keys(&server), before);
    let (mut ada, back) = come_back(&server, &ada_welcome);
    let back = &back["welcome"];
    assert_eq!(back["you"]["host"], true, "{back}");
    assert_eq!(back["limits"]["every_s"], 7);
    let erased = ada.expect("message");
    assert_eq!(
        (&erased["text"], &erased["erased"]),
        (&json!(""), &json!(true))
    );
    let (mut cy, _) = come_back(&server, &cy_welcome);
    cy.write(&json!({"say": {"text": "hi"}}));
    assert_eq!(cy.find("error")["code"], "muted");
    let (_, refused) = come_back(&server, &bob_welcome);
    assert_eq!(refused["error"]["code"], "banned", "{refused}");
    let bans = server.running().handle().bans();
    assert_eq!(bans.len(), 1);
    assert!(bans[0].remaining <= LIMIT && bans[0].name.as_deref() == Some("bob"));
    // Nothing of the erased text is in the files of the store.
    server.close(Closing::ForGood);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("slip of the tongue"));
    }
}

#[test]
fn a_room_with_a_store_keeps_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = || {
        let server = TestServer::with(|settings| {
            settings.store = Some(folder.path().join("room.db"));
            settings.private = true;
            settings.stay_open = true;
        });
        let handle = server.running().handle();
        // Another record is on disk only after those of the keys.
        handle.slow(Duration::ZERO).unwrap();
        let keys = (handle.invitation(false).unwrap().key, handle.host_key());
        server.close(Closing::Service { retry_ms: 0 });
        keys
    };
    assert_eq!(keys(), keys());
}

#[test]
fn an_administrator_moderates_without_being_a_member() {
    let server = TestServer::start();
    let handle = server.running().handle().clone();
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.chat("one");
    bob.find("message");
    assert_eq!(&*handle.mute(&name("ADA"), LIMIT).unwrap(), "ada");
    ada.write(&json!({"say": {"text": "two"}}));
    assert_eq!(ada.find("error")["code"], "muted");
    handle.erase(1).unwrap();
    let erased = bob.expect("erased");
    assert_eq!(erased["by"], json!({"name": "SERVER"}));
    assert_eq!(handle.erase(1), Err(NotModerated::Erased));
    assert_eq!(handle.erase(99), Err(NotModerated::NoSuchMessage));
    handle.slow(Duration::from_secs(3)).unwrap();
    assert_eq!(bob.expect("limits")["every_s"], 3);
    assert_eq!(&*handle.make_host(&name("bob")).unwrap(), "bob");
    assert_eq!(bob.expect("host")["name"], "bob");
    // A host already; and nobody lost the role.
    bob.write(&json!({"mute": {"id": 1, "for_s": 0}}));
    bob.expect("muted");
    let kicked = handle.kick(&name("ada"), Some(LIMIT)).unwrap();
    assert_eq!((kicked.shared, kicked.ban), (1, None));
    assert_eq!(ada.find("closed")["code"], "removed");
    assert_eq!(ada.rest(), "");
    for nobody in [name("ada"), Target::Id(MemberId::new(77).unwrap())] {
        assert_eq!(handle.kick(&nobody, None), Err(NotModerated::NoSuchMember));
    }
    assert_eq!(handle.bans().len(), 1);
    assert_eq!(handle.unban(Banned::Name("ada".into())), Ok(1));
    assert!(handle.bans().is_empty());
}

#[test]
fn a_message_that_only_the_store_has_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("room.db");
    let server = TestServer::with(|settings| {
        settings.store = Some(file.clone());
        settings.rules.retention.entries = 4;
        settings.rules.rate_limit.per_second = 0;
    });
    let (_tunnel, mut kim, _) = host_of(&server, "kim");
    let (mut ada, _) = Peer::greet(&server, "ada");
    for n in 1..=100 {
        ada.say(&format!("{n}"), &format!("message {n}"));
        ada.find("message");
    }
    kim.write(&json!({"erase": {"seq": 1}}));
    assert_eq!(kim.find("erased")["of"], 1);
    // By its sender, and not by someone else.
    ada.write(&json!({"erase": {"seq": 2}}));
    assert_eq!(ada.find("erased")["of"], 1);
    assert_eq!(ada.find("erased")["of"], 2);
    let mut eve = Peer::native(&server, "eve");
    eve.write(&json!({"erase": {"seq": 3}}));
    assert_eq!(eve.find("error")["code"], "not-host");
    let handle = server.running().handle();
    handle.erase(4).unwrap();
    assert_eq!(handle.erase(4), Err(NotModerated::Erased));
    ada.write(&json!({"history": {"before": 6, "limit": 5}}));
    let page = ada.find("page");
    let erased = page["messages"].as_array().unwrap().iter();
    let erased: Vec<bool> = erased.map(|it| it["erased"] == true).collect();
    assert_eq!(erased, [true, true, false, true, false]);
}

#[test]
fn a_removed_member_and_a_person_at_the_text_door_are_disconnected_at_once() {
    let server = TestServer::start();
    let handle = server.running().handle();
    let native = Peer::native(&server, "ada");
    let text = Peer::text(&server, "bob");
    for (mut peer, who) in [(native, "ada"), (text, "bob")] {
        handle.kick(&name(who), None).unwrap();
        let rest = peer.rest();
        assert!(rest.contains("A host has removed you"), "{rest}");
    }
    assert_eq!(handle.members(), 0);
}

#[test]
fn an_invitation_names_the_server_and_has_the_key_of_a_private_room_only() {
    for private in [false, true] {
        let server = TestServer::with(|settings| settings.private = private);
        let handle = server.running().handle();
        let first = handle.invitation(false).unwrap();
        assert_eq!(first.pin, Some(handle.pin()));
        assert_eq!(first.address.port, server.running().port());
        assert_eq!(
            (first.key.is_some(), first.host_key.is_some()),
            (private, false)
        );
        let host = handle.invitation(true).unwrap();
        assert_eq!(host.host_key, Some(handle.host_key()));
        let second = handle.new_invitation().unwrap();
        assert_eq!(second.key != first.key, private);
        assert_eq!(handle.invitation(false), Some(second));
        assert_eq!(handle.stats().private, private);
    }
    let fixed = TestServer::with(|settings| settings.key_is_fixed = true);
    let refused = fixed.running().handle().new_invitation();
    assert_eq!(refused, Err(NotModerated::KeyIsFixed));
}
