//! Servers that are not the expected one: nothing is sent to them.

use super::secure::*;
use super::*;
use crate::protocol::Pin;

const OTHER: Pin = Pin([9; 32]);

fn other(room: Option<&str>, expected: Pin, found: Pin) -> End {
    End::OtherIdentity {
        room: room.map(str::to_owned),
        expected,
        found,
    }
}

fn key() -> RoomKey {
    "abcdefghijklmnop".parse().unwrap()
}

#[test]
fn a_server_with_another_pin_gets_nothing_but_a_handshake() {
    let (host, settings) = Host::new();
    let (client, events) = Client::connect(Settings {
        pin: Some(OTHER),
        key: Some(key()),
        host_key: Some(key()),
        resume: Some(Resume {
            session: "s".to_owned(),
            epoch: "e".to_owned(),
            after: 7,
        }),
        unsent: vec![("a".to_owned(), "a draft".to_owned())],
        ..settings
    });
    client.say("hi").unwrap();
    host.accept().hears_a_handshake_alone();
    assert_eq!(unsent(&events), "a");
    assert!(matches!(next(&events), Event::Unsent { text, .. } if text == "hi"));
    assert_eq!(end(&events), other(None, OTHER, host.pin()));
}

#[test]
fn a_changed_certificate_ends_a_session_before_anything_is_sent() {
    let (mut host, mut settings) = Host::new();
    settings.comes_back = true;
    settings.first_retry = SECOND / 100;
    let (client, events) = Client::connect(settings);
    let peer = host.let_in();
    welcomed(&events);
    let before = host.pin();
    host.change();
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let id = client.say("hi").unwrap();
    host.accept().hears_a_handshake_alone();
    assert_eq!(unsent(&events), id);
    assert_eq!(end(&events), other(None, before, host.pin()));
}

#[test]
fn of_several_addresses_the_one_with_the_right_server_counts() {
    let ((wrong, settings), (right, of_right)) = (Host::new(), Host::new());
    let (closed, of_closed) = local();
    drop(closed);
    let settings = Settings {
        pin: Some(right.pin()),
        more_addresses: vec![of_closed.address, of_right.address.clone()],
        comes_back: true,
        first_retry: SECOND / 100,
        longest_retry: SECOND / 20,
        ..settings
    };
    let (client, events) = Client::connect(settings.clone());
    let wrong_hears = std::thread::spawn(move || {
        for _ in 0..3 {
            wrong.accept().hears_a_handshake_alone();
        }
        wrong
    });
    let mut peer = right.accept();
    assert_eq!(peer.hear(), HELLO);
    peer.tell(WELCOME);
    welcomed(&events);
    // It alternates: gone, and then at the first address.
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let mut peer = right.accept();
    assert!(peer.hear().contains(r#""session":"s""#));
    peer.tell(WELCOME);
    welcomed(&events);
    drop(right);
    drop(peer);
    // Nobody is at the second address for a while: that is no end.
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let wrong = wrong_hears.join().unwrap();
    assert!(events.is_empty());
    let (wrong_pin, right_pin) = (wrong.pin(), settings.pin.unwrap());
    drop((client, events));

    // If that is all that there is, the user learns it.
    let (_client, events) = Client::connect(Settings {
        more_addresses: Vec::new(),
        ..settings
    });
    wrong.accept().hears_a_handshake_alone();
    assert_eq!(end(&events), other(None, right_pin, wrong_pin));
}

#[test]
fn without_a_pin_or_a_key_only_the_first_address_is_tried() {
    let ((host, settings), (second, of_second)) = (Host::new(), local());
    drop(host);
    second.set_nonblocking(true).unwrap();
    let refused = End::Refused(settings.address.clone());
    let (_client, events) = Client::connect(Settings {
        more_addresses: vec![of_second.address],
        ..settings
    });
    assert_eq!(end(&events), refused);
    assert!(second.accept().is_err());
}

#[test]
fn a_session_of_an_earlier_run_goes_only_to_the_server_that_it_comes_from() {
    let resumed = |settings: &Settings| Settings {
        resume: Some(Resume {
            session: "s".to_owned(),
            epoch: "e".to_owned(),
            after: 0,
        }),
        unsent: vec![("a".to_owned(), "a draft".to_owned())],
        ..settings.clone()
    };
    let (host, settings) = Host::new();
    // A server that the client meets for the first time.
    let (client, events) = Client::connect(resumed(&settings));
    let id = client.say("new").unwrap();
    let mut peer = host.let_in();
    welcomed(&events);
    assert_eq!(unsent(&events), "a");
    assert_eq!(
        peer.hear(),
        format!(r#"{{"say":{{"id":"{id}","text":"new"}}}}"#)
    );

    // The one that it comes from.
    let (_client, events) = Client::connect(Settings {
        pin: Some(host.pin()),
        ..resumed(&settings)
    });
    let mut peer = host.accept();
    assert!(peer.hear().contains(r#""session":"s""#));
    peer.tell(WELCOME);
    welcomed(&events);
    assert_eq!(peer.hear(), r#"{"say":{"id":"a","text":"a draft"}}"#);

    // A server that does not encrypt.
    let (listener, settings) = local();
    let (_client, events) = Client::connect(Settings {
        encryption: Encryption::Tls,
        ..resumed(&settings)
    });
    drop(Peer::accept(&listener));
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), HELLO);
    peer.tell(WELCOME);
    assert_eq!(welcomed(&events), Security::Plain);
    assert_eq!(unsent(&events), "a");
}
