//! Servers that the user has met, and others in their places.

use std::path::PathBuf;

use super::secure::*;
use super::*;
use crate::protocol::Pin;

const OTHER: Pin = Pin([9; 32]);

/// A file in which `OTHER` is known to have the room `room` at `address`.
fn known(room: &str, address: &Address) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known-rooms.json");
    KnownRooms::update(&path, |known| known.remember(OTHER, room, address)).unwrap();
    (folder, path)
}

fn at(host: &str, settings: &Settings) -> Address {
    Address::new(host, settings.address.port)
}

#[test]
fn a_server_is_remembered_and_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("known-rooms.json");
    let (host, mut settings) = Host::new();
    settings.known_rooms = Some(path.clone());
    let pin = host.pin();
    for trust in [Trust::FirstUse, Trust::Known] {
        let (_client, events) = Client::connect(settings.clone());
        let _peer = host.let_in();
        assert_eq!(welcomed(&events), Security::Tls { pin, trust });
        let known = KnownRooms::read(&path).unwrap();
        assert_eq!(known.server(pin).unwrap().rooms, ["R"]);
        assert!(known.knows(pin, &settings.address));
    }
    // By a name, it is expected.
    for _ in 0..2 {
        settings.address.host = "127.1".to_owned();
        let (_client, events) = Client::connect(settings.clone());
        let mut peer = host.accept();
        let mut line = peer.hear();
        if line == ABOUT {
            peer.tell(&about("R"));
            line = peer.hear();
        }
        assert_eq!(line, HELLO);
        peer.tell(WELCOME);
        let trust = Trust::Known;
        assert_eq!(welcomed(&events), Security::Tls { pin, trust });
    }
    let known = KnownRooms::read(&path).unwrap();
    assert_eq!(known.expected(&settings.address).unwrap().pin, pin);
}

#[test]
fn another_server_at_a_known_name_is_another_identity() {
    let (host, mut settings) = Host::new();
    settings.address.host = "127.1".to_owned();
    let (_folder, path) = known("Kitchen", &settings.address);
    settings.known_rooms = Some(path.clone());
    let (_client, events) = Client::connect(settings.clone());
    host.accept().hears_a_handshake_alone();
    let found = host.pin();
    assert_eq!(
        end(&events),
        End::OtherIdentity {
            room: Some("Kitchen".to_owned()),
            expected: OTHER,
            found,
        }
    );

    // The user accepts it, and the other one is forgotten there.
    settings.pin = Some(found);
    let (_client, events) = Client::connect(settings.clone());
    let mut peer = host.accept();
    assert_eq!(peer.hear(), HELLO);
    peer.tell(&WELCOME.replace(r#""room":"R""#, r#""room":"Kitchen""#));
    welcomed(&events);
    let known = KnownRooms::read(&path).unwrap();
    assert_eq!(known.expected(&settings.address).unwrap().pin, found);
    assert_eq!(known.server(OTHER), None);
}

#[test]
fn another_server_at_an_address_that_is_given_away_is_only_another_computer() {
    let (host, mut settings) = Host::new();
    let (_folder, path) = known("Kitchen", &settings.address);
    settings.known_rooms = Some(path.clone());
    settings.resume = Some(Resume {
        session: "s".to_owned(),
        epoch: "e".to_owned(),
        after: 0,
    });
    let (_client, events) = Client::connect(settings.clone());
    // As a newcomer: without the session.
    let _peer = host.let_in();
    let (pin, trust) = (host.pin(), Trust::FirstUse);
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
    let known = KnownRooms::read(&path).unwrap();
    assert!(known.knows(pin, &settings.address) && !known.knows(OTHER, &settings.address));
    assert_eq!(known.server(OTHER).unwrap().rooms, ["Kitchen"]);

    // The one that was there before gets its session.
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(&about("R"));
    assert!(peer.hear().contains(r#""session":"s""#));
    peer.tell(WELCOME);
    let trust = Trust::Known;
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
}

#[test]
fn a_known_room_at_another_server_is_another_identity() {
    let (host, mut settings) = Host::new();
    let (_folder, path) = known("Kitchen", &at("10.0.0.1", &settings));
    settings.known_rooms = Some(path.clone());
    let other = End::OtherIdentity {
        room: Some("Kitchen".to_owned()),
        expected: OTHER,
        found: host.pin(),
    };
    let (_client, events) = Client::connect(settings.clone());
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(&about("Kitchen"));
    // It does not even learn the user's name.
    assert_eq!(peer.hear(), "");
    assert_eq!(end(&events), other);

    // It may hide the name until the welcome.
    let (client, events) = Client::connect(settings.clone());
    let id = client.say("hi").unwrap();
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(r#"{"about":{"protocol":1,"private":true}}"#);
    assert_eq!(peer.hear(), HELLO);
    peer.tell(&WELCOME.replace(r#""room":"R""#, r#""room":"Kitchen""#));
    assert_eq!(unsent(&events), id);
    assert_eq!(end(&events), other);
    assert_eq!(peer.hear(), "");

    // None of that changed what is known.
    let known = KnownRooms::read(&path).unwrap();
    assert_eq!(known.servers().count(), 1);
}

#[test]
fn a_welcome_before_the_hello_is_none() {
    let (host, settings) = Host::new();
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(WELCOME);
    assert_eq!(end(&events), End::Garbled);
}

#[test]
fn a_damaged_file_keeps_nobody_out_and_is_told() {
    let (host, mut settings) = Host::new();
    let (_folder, path) = known("R", &settings.address);
    std::fs::write(&path, "damaged").unwrap();
    settings.known_rooms = Some(path.clone());
    let (_client, events) = Client::connect(settings.clone());
    let mut peer = host.let_in();
    welcomed(&events);
    let Event::Notice(notice) = next(&events) else {
        panic!()
    };
    assert_eq!(notice.code, NOTICE_KNOWN_ROOMS);
    assert!(notice.text.contains("damaged"), "{}", notice.text);
    peer.tell(&message(1));
    assert!(matches!(next(&events), Event::Message(_)));
    assert!(
        KnownRooms::read(&path)
            .unwrap()
            .server(host.pin())
            .is_some()
    );

    // A folder that is none: nothing can be remembered, and that is told too.
    settings.known_rooms = Some(path.join("known-rooms.json"));
    let (_client, events) = Client::connect(settings);
    let _peer = host.let_in();
    welcomed(&events);
    assert!(matches!(next(&events), Event::Notice(it) if it.code == NOTICE_KNOWN_ROOMS));
}
