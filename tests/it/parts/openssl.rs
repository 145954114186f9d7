//! `openssl s_client`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Part, missing};
use crate::common::{Host as _, Peer, TestServer};
use crate::private::{KEY, join, key, private_room};
use crate::sentences::{self, from_server};
use crate::support::Tunnel;

fn s_client(server: &TestServer) -> Part {
    let address = server.address().to_string();
    Part::start("openssl", &["s_client", "-quiet", "-connect", &address])
}

#[test]
fn a_person_talks_by_the_text_door() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut person = s_client(&server);
    person.types("kim");
    person.line_with(&from_server(sentences::WELCOME));
    assert_eq!(bob.expect("joined")["name"], "kim");
    person.types("hello");
    assert_eq!(bob.heard(), "hello");
    bob.chat("hi");
    assert_eq!(person.line_with("bob: "), "bob: hi");
    person.types("?{quit}");
    assert_eq!(bob.find("left")["why"], "quit");
}

#[test]
fn a_person_comes_into_a_private_room_by_its_key() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, _) = join(&tunnel, "ada", &key(KEY));
    let mut person = s_client(&server);
    for line in [KEY, "kim", "hello"] {
        person.types(line);
    }
    assert_eq!(ada.heard(), "hello");
    let welcome = person.line_with(&from_server(sentences::WELCOME));
    assert!(welcome.contains("kim"), "{welcome}");
}

#[test]
fn the_fingerprint_is_the_pin() {
    let server = TestServer::start();
    let run = |arguments: &[&str], input: &[u8]| {
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing("openssl", &error));
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let address = server.address().to_string();
    let connect = ["s_client", "-connect", &address, "-alpn", "chatroom/1"];
    let shown = run(&connect, b"");
    let text = String::from_utf8_lossy(&shown).into_owned();
    for what in [
        "TLSv1.3",
        "TLS_AES_128_GCM_SHA256",
        "ALPN protocol: chatroom/1",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let printed = run(&["x509", "-fingerprint", "-sha256", "-noout"], &shown);
    let printed = String::from_utf8(printed).unwrap();
    let pin = server.running().handle().pin();
    assert_eq!(
        printed.trim().rsplit('=').next(),
        Some(&*pin.fingerprint()),
        "{printed}"
    );
}
