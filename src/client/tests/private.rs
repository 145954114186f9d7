//! Private rooms: proofs of both sides, and people in between.

use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

use super::secure::*;
use super::*;
use crate::protocol::Pin;
use crate::protocol::native::frame::read_request;
use crate::protocol::proof::{Binding, Label, Mac, Nonce};
use crate::room::Closing;
use crate::server::{self, Server};

const SERVER_NONCE: Nonce = Nonce([7; 16]);

fn key(written: &str) -> RoomKey {
    written.parse().unwrap()
}

fn mine() -> RoomKey {
    key("abcdefghijklmnop")
}

fn welcome_with(proof: Option<Mac>) -> String {
    let proof = proof.map(|it| format!(r#","proof":"{}""#, it.to_base64()));
    let private = format!(r#""private":true{}}}}}"#, proof.unwrap_or_default());
    WELCOME.replace(r#""text":4000}}}"#, &format!(r#""text":4000}},{private}"#))
}

/// The proof in a welcome, by what it should be bound to and the client's own.
type Answer = fn(&Binding, Mac) -> Option<Mac>;

/// The nonce in a client's hello.
fn nonce(hello: &str) -> Nonce {
    match read_request(hello.as_bytes()) {
        Ok(Some(Request::Hello(hello))) => hello.nonce.unwrap().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Challenges a client that has said hello, and returns what its proof is bound to, and
/// the proof.
fn challenge(peer: &mut SecurePeer, pin: Pin) -> (Binding, Mac) {
    let mut hello = peer.hear();
    if hello == ABOUT {
        peer.tell(r#"{"about":{"protocol":1,"private":true}}"#);
        hello = peer.hear();
    }
    let binding = Binding {
        server: SERVER_NONCE,
        client: nonce(&hello),
        certificate: pin,
    };
    peer.tell(&format!(
        r#"{{"challenge":{{"how":["tomorrow","hmac-sha256"],"nonce":"{SERVER_NONCE}"}}}}"#
    ));
    let proof = peer.hear();
    let Ok(Some(Request::Proof(proof))) = read_request(proof.as_bytes()) else {
        panic!("{proof}")
    };
    assert_eq!(proof.how, "hmac-sha256");
    (binding, proof.mac.parse().unwrap())
}

#[test]
fn a_key_is_proved_by_both_sides_and_authenticates_the_server() {
    let (host, settings) = Host::new();
    let pin = host.pin();
    for (change, label, trust) in [
        (
            &(|it: &mut Settings| it.key = Some(mine())) as &dyn Fn(&mut Settings),
            Label::Member,
            Trust::Key,
        ),
        (&|it| it.host_key = Some(mine()), Label::Host, Trust::Key),
        // A host need not prove the other key too.
        (
            &|it| (it.host_key, it.key) = (Some(mine()), Some(key("7777777777777777"))),
            Label::Host,
            Trust::Key,
        ),
        (
            &|it| (it.key, it.pin) = (Some(mine()), Some(pin)),
            Label::Member,
            Trust::Pinned,
        ),
    ] {
        let mut settings = settings.clone();
        change(&mut settings);
        let (_client, events) = Client::connect(settings);
        let mut peer = host.accept();
        let (binding, mac) = challenge(&mut peer, pin);
        assert!(binding.verify(&mine(), label, &mac), "{label:?}");
        peer.tell(&welcome_with(Some(binding.prove(&mine(), Label::Room))));
        assert_eq!(welcomed(&events), Security::Tls { pin, trust });
    }
}

#[test]
fn a_server_that_does_not_prove_the_key_too_is_not_the_host() {
    let (host, mut settings) = Host::new();
    settings.key = Some(mine());
    let answers: [Answer; 5] = [
        |_, _| None,
        // The client's own proof, sent back.
        |_, mac| Some(mac),
        |binding, _| Some(binding.prove(&key("bbcdefghijklmnop"), Label::Room)),
        |binding, _| Some(binding.prove(&mine(), Label::Host)),
        // Another connection's.
        |binding, _| {
            let client = Nonce([8; 16]);
            Some(Binding { client, ..*binding }.prove(&mine(), Label::Room))
        },
    ];
    for (number, answer) in answers.iter().enumerate() {
        // The right pin does not help a proof that is wrong.
        for pin in [None, Some(host.pin())] {
            let (client, events) = Client::connect(Settings {
                pin,
                ..settings.clone()
            });
            let id = client.say("hi").unwrap();
            let mut peer = host.accept();
            let (binding, mac) = challenge(&mut peer, host.pin());
            peer.tell(&welcome_with(answer(&binding, mac)));
            assert_eq!(unsent(&events), id);
            assert_eq!(end(&events), End::NotProven, "{number}");
            assert_eq!(peer.hear(), "");
        }
    }
}

#[test]
fn a_server_that_asks_for_no_proof_is_not_known_by_the_key() {
    let (host, mut settings) = Host::new();
    settings.key = Some(mine());
    let (_client, events) = Client::connect(settings.clone());
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell(&about("R"));
    peer.hear();
    peer.tell(WELCOME);
    assert_eq!(end(&events), End::NotProven);

    // One that the client knows may have opened its room to everyone.
    settings.pin = Some(host.pin());
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    peer.hear();
    peer.tell(WELCOME);
    let (pin, trust) = (host.pin(), Trust::Pinned);
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });
}

#[test]
fn a_session_replaces_the_proof_at_the_same_server() {
    let (host, mut settings) = Host::new();
    settings.key = Some(mine());
    settings.comes_back = true;
    settings.first_retry = SECOND / 100;
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    let (binding, _) = challenge(&mut peer, host.pin());
    peer.tell(&welcome_with(Some(binding.prove(&mine(), Label::Room))));
    let before = welcomed(&events);
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let mut peer = host.accept();
    let hello = peer.hear();
    assert!(hello.contains(r#""session":"s""#) && hello.contains("nonce"));
    peer.tell(&welcome_with(None));
    assert_eq!(welcomed(&events), before);
}

#[test]
fn challenges_that_nobody_can_answer_are_refused() {
    let nonce = format!("{SERVER_NONCE}");
    for (has_key, challenge, wanted) in [
        (
            false,
            format!(r#"{{"how":["hmac-sha256"],"nonce":"{nonce}"}}"#),
            End::KeyNeeded,
        ),
        (
            true,
            format!(r#"{{"how":["tomorrow"],"nonce":"{nonce}"}}"#),
            End::OtherVersion,
        ),
        (
            true,
            r#"{"how":["hmac-sha256"],"nonce":"short"}"#.to_owned(),
            End::Garbled,
        ),
        (
            true,
            format!(
                "{{\"how\":[\"hmac-sha256\"],\"nonce\":\"{nonce}\"}}}}\n{{\"challenge\":{{\"how\":[\"hmac-sha256\"],\"nonce\":\"{nonce}\"}}"
            ),
            End::Garbled,
        ),
    ] {
        let (host, mut settings) = Host::new();
        settings.pin = Some(host.pin());
        settings.key = has_key.then(mine);
        let (_client, events) = Client::connect(settings);
        let mut peer = host.accept();
        peer.hear();
        peer.tell(&format!(r#"{{"challenge":{challenge}}}"#));
        assert_eq!(end(&events), wanted, "{challenge}");
    }
}

/// Passes on what the two say, line by line, each over an encrypted connection of its own.
/// Returns the last line of the server.
fn relay(mut client: SecurePeer, server: TcpStream) -> String {
    let config = Tls::new().unwrap().config();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let to_server = ClientConnection::new(config, name).unwrap();
    let mut server = BufReader::new(StreamOwned::new(to_server, server));
    let mut last = String::new();
    loop {
        let line = client.hear();
        if line.is_empty() {
            return last;
        }
        let line = format!("{line}\n");
        server.get_mut().write_all(line.as_bytes()).unwrap();
        last.clear();
        server.read_line(&mut last).unwrap();
        client.tell(last.trim_end());
    }
}

#[test]
fn someone_in_between_cannot_pass_a_proof_on() {
    let server = Server::bind(server::Settings {
        port: 0,
        bind: vec!["127.0.0.1".parse().unwrap()],
        private: true,
        key: Some(mine()),
        stay_open: true,
        ..server::Settings::default()
    });
    let running = server.unwrap().start().unwrap();
    let address = ("127.0.0.1", running.port());

    // Directly, the key lets the client in.
    let (_client, events) = Client::connect(Settings {
        address: Address::new(address.0, address.1),
        key: Some(mine()),
        comes_back: false,
        ..Settings::default()
    });
    let (pin, trust) = (running.handle().pin(), Trust::Key);
    assert_eq!(welcomed(&events), Security::Tls { pin, trust });

    // Through someone else, the server refuses the proof, ...
    let (between, mut settings) = Host::new();
    settings.key = Some(mine());
    let (_client, events) = Client::connect(settings.clone());
    let client = between.accept();
    let last = relay(client, TcpStream::connect(address).unwrap());
    assert!(last.contains("key-wrong"), "{last}");
    assert_eq!(end(&events), End::KeyWrong);

    // ... and a welcome without the server's proof is none.
    let (_client, events) = Client::connect(settings);
    let mut peer = between.accept();
    challenge(&mut peer, between.pin());
    peer.tell(&welcome_with(None));
    assert_eq!(end(&events), End::NotProven);
    running.close(Closing::ForGood).unwrap();
}

#[test]
fn what_a_host_or_a_key_decides_is_for_good() {
    let error = |code: &str, more: &str| {
        format!(r#"{{"error":{{"code":"{code}","text":"x","fatal":true{more}}}}}"#)
    };
    for (line, wanted) in [
        (error("key-needed", ""), End::KeyNeeded),
        (error("key-wrong", ""), End::KeyWrong),
        (error("tls-needed", ""), End::TlsNeeded),
        (
            error("banned", r#","retry_ms":90000"#),
            End::Banned {
                retry: Some(90 * SECOND),
            },
        ),
        (
            r#"{"closed":{"code":"removed","text":"x"}}"#.to_owned(),
            End::Removed,
        ),
    ] {
        // At the door, and when the client wants to come back.
        for was_in in [false, true] {
            let (host, mut settings) = Host::new();
            settings.comes_back = true;
            settings.first_retry = SECOND / 100;
            let (_client, events) = Client::connect(settings);
            if was_in {
                drop(host.let_in());
                welcomed(&events);
                assert!(matches!(next(&events), Event::Interrupted(_)));
            }
            let mut peer = host.accept();
            peer.hear();
            peer.tell(&line);
            assert_eq!(end(&events), wanted);
        }
    }

    let (host, mut settings) = Host::new();
    settings.comes_back = true;
    let (_client, events) = Client::connect(settings);
    let mut peer = host.let_in();
    welcomed(&events);
    peer.tell(r#"{"closed":{"code":"removed","text":"x"}}"#);
    assert_eq!(end(&events), End::Removed);
}

#[test]
fn the_time_for_the_welcome_covers_the_proof() {
    let (host, mut settings) = Host::new();
    settings.key = Some(mine());
    settings.welcome_within = SECOND / 5;
    let not_chatroom = End::NotChatroom(settings.address.clone());
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    challenge(&mut peer, host.pin());
    assert_eq!(end(&events), not_chatroom);
    assert_eq!(peer.hear(), "");
}
