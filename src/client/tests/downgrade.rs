//! Servers that do not encrypt: who is asked again without, and who never is.

use std::io::Read;
use std::thread::JoinHandle;

use super::secure::*;
use super::*;
use crate::protocol::Pin;

/// What a server does instead of a handshake.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Words(&'static str),
    Close,
    Stall,
}

const ANSWERS: [Answer; 4] = [
    Answer::Words("SERVER: What is your name?\n"),
    Answer::Words("{\"error\":{\"code\":\"x\",\"text\":\"\",\"fatal\":true}}\n"),
    Answer::Close,
    Answer::Stall,
];

/// Answers one connection so, and returns all that came over it.
fn serve(listener: TcpListener, answer: Answer) -> JoinHandle<(Vec<u8>, TcpListener)> {
    std::thread::spawn(move || {
        let mut stream = accepted(&listener);
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        let mut wire = vec![0; 5];
        stream.read_exact(&mut wire).unwrap();
        let length = usize::from(u16::from_be_bytes([wire[3], wire[4]]));
        wire.resize(5 + length, 0);
        stream.read_exact(&mut wire[5..]).unwrap();
        match answer {
            Answer::Words(words) => stream.write_all(words.as_bytes()).unwrap(),
            Answer::Close => stream.shutdown(std::net::Shutdown::Write).unwrap(),
            Answer::Stall => {}
        }
        let _ = stream.read_to_end(&mut wire);
        (wire, listener)
    })
}

/// Asserts that the client sends a `ClientHello`, and perhaps an alert, whatever the server
/// does, and says that it does not encrypt.
fn refuses(change: impl Fn(&mut Settings)) {
    for answer in ANSWERS {
        let (listener, mut settings) = local();
        settings.encryption = Encryption::Tls;
        if let Answer::Stall = answer {
            settings.connect_within = SECOND / 5;
        }
        change(&mut settings);
        let (client, events) = Client::connect(settings);
        let id = client.say("hi").unwrap();
        let serving = serve(listener, answer);
        assert_eq!(unsent(&events), id);
        assert_eq!(end(&events), End::NotEncrypted, "{answer:?}");
        let (wire, listener) = serving.join().unwrap();
        let kinds: Vec<u8> = records(&wire).iter().map(|(kind, _)| *kind).collect();
        assert!(matches!(kinds[..], [22] | [22, 21]), "{answer:?} {kinds:?}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{answer:?}: it tries again");
    }
}

#[test]
fn who_has_a_pin_never_speaks_without_encryption() {
    refuses(|settings| settings.pin = Some(Pin([1; 32])));
}

#[test]
fn who_has_a_key_never_speaks_without_encryption() {
    let key: RoomKey = "abcdefghijklmnop".parse().unwrap();
    refuses(|settings| settings.key = Some(key.clone()));
    refuses(|settings| settings.host_key = Some(key.clone()));
}

#[test]
fn a_host_that_encrypted_once_is_never_spoken_to_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.json");
    // A name of this computer, and its address. Another server may have the address, but
    // one that does not encrypt gets nothing there either.
    for host in ["127.1", "127.0.0.1"] {
        refuses(|settings| {
            settings.address.host = host.to_owned();
            settings.known_rooms = Some(path.clone());
            let known =
                |known: &mut KnownRooms| known.remember(Pin([1; 32]), "R", &settings.address);
            KnownRooms::update(&path, known).unwrap();
        });
    }
}

#[test]
fn a_session_that_is_encrypted_stays_so() {
    for answer in [ANSWERS[0], ANSWERS[2]] {
        let (host, mut settings) = Host::new();
        settings.comes_back = true;
        settings.first_retry = SECOND / 100;
        let (client, events) = Client::connect(settings);
        let peer = host.let_in();
        welcomed(&events);
        drop(peer);
        assert!(matches!(next(&events), Event::Interrupted(_)));
        client.say("hi").unwrap();
        let mut listener = host.listener;
        for _ in 0..3 {
            let (wire, it) = serve(listener, answer).join().unwrap();
            listener = it;
            let kinds: Vec<u8> = records(&wire).iter().map(|(kind, _)| *kind).collect();
            assert!(matches!(kinds[..], [22] | [22, 21]), "{answer:?} {kinds:?}");
        }
        assert!(events.is_empty());
    }
}

#[test]
fn a_server_of_which_nothing_is_known_may_be_one_that_cannot_encrypt() {
    for answer in [Answer::Close, ANSWERS[0]] {
        let (listener, settings) = local();
        let (_client, events) = Client::connect(Settings {
            encryption: Encryption::Tls,
            comes_back: true,
            first_retry: SECOND / 100,
            ..settings
        });
        let (_, listener) = serve(listener, answer).join().unwrap();
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.hear(), HELLO);
        peer.tell(WELCOME);
        assert_eq!(welcomed(&events), Security::Plain);

        // It may learn to, and then it is the same one to the client.
        drop(peer);
        assert!(matches!(next(&events), Event::Interrupted(_)));
        let stream = accepted(&listener);
        let tls = new_tls();
        let mut peer = SecurePeer::new(stream, &tls);
        assert_eq!(peer.hear(), ABOUT);
        peer.tell(&about("R"));
        assert!(peer.hear().contains(r#""session":"s""#));
        peer.tell(WELCOME);
        let (pin, trust) = (tls.identity().pin(), Trust::FirstUse);
        assert_eq!(welcomed(&events), Security::Tls { pin, trust });
    }
}

#[test]
fn a_server_that_says_nothing_at_all_is_not_asked_again() {
    let (listener, settings) = local();
    let timed_out = End::TimedOut(settings.address.clone());
    let (_client, events) = Client::connect(Settings {
        encryption: Encryption::Tls,
        connect_within: SECOND / 5,
        ..settings
    });
    let serving = serve(listener, Answer::Stall);
    assert_eq!(end(&events), timed_out);
    let (wire, _) = serving.join().unwrap();
    assert_eq!(records(&wire).len(), 1);
}

#[test]
fn a_server_of_another_kind_that_encrypts_is_told() {
    let (listener, settings) = local();
    let not_chatroom = End::NotChatroom(settings.address.clone());
    let (_client, events) = Client::connect(Settings {
        encryption: Encryption::Tls,
        ..settings
    });
    // It has no version in common.
    let mut stream = accepted(&listener);
    stream.read_exact(&mut [0; 100]).unwrap();
    stream.write_all(&[21, 3, 3, 0, 2, 2, 70]).unwrap();
    assert_eq!(end(&events), not_chatroom);

    // It answers in its own language.
    let (host, settings) = Host::new();
    let not_chatroom = End::NotChatroom(settings.address.clone());
    let (_client, events) = Client::connect(settings);
    let mut peer = host.accept();
    assert_eq!(peer.hear(), ABOUT);
    peer.tell("HTTP/1.1 400 Bad Request\r\n\r\n");
    drop(peer);
    assert_eq!(end(&events), not_chatroom);
}

#[test]
fn who_wants_no_encryption_says_nothing_secret() {
    let (listener, settings) = local();
    let key: RoomKey = "abcdefghijklmnop".parse().unwrap();
    let (_client, events) = Client::connect(Settings {
        key: Some(key),
        ..settings
    });
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), HELLO);
    peer.tell(r#"{"error":{"code":"tls-needed","text":"x","fatal":true}}"#);
    assert_eq!(end(&events), End::TlsNeeded);
}
