//! `tcpdump`: what someone sees who records everything that is on the way.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chatroom::client::{Client, Event, Settings};
use chatroom::protocol::address::Address;
use rustix::process::{Pid, Signal, kill_process};

use super::missing;
use crate::common::{Host as _, PATIENCE, Peer, TestServer};
use crate::docs::InvitedBot;
use crate::private::{HOST_KEY, KEY, ROOM, key, private_room};

/// The test runs once more in a network of its own, where it may record everything.
#[test]
fn nothing_of_a_private_room_is_readable_on_the_way() {
    let output = Command::new("unshare")
        // As root, tcpdump would want to become someone else.
        .args([
            "--user",
            "--map-user=1000",
            "--map-group=1000",
            "--keep-caps",
            "--net",
        ])
        .args(["--", "sh", "-euc"])
        .arg("ip link set lo up; exec \"$@\"")
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "parts::tcpdump::inside",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap_or_else(|error| missing("unshare", &error));
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "what the test above runs in a network of its own"]
fn inside() {
    let server = private_room();
    let public = TestServer::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recorded");
    let recording = Recording::start(&file);

    // What is found if it can be read.
    let mut plain = Peer::native(&public, "plain-member");
    plain.chat("plainly written");
    assert_eq!(plain.heard(), "plainly written");

    let invitation = server.running().handle().invitation(false).unwrap();
    let join = |name: &str| {
        Client::connect(Settings {
            address: Address::new("127.0.0.1", server.address().port()),
            name: name.to_owned(),
            ..Settings::invited(invitation.clone())
        })
    };
    let (ada, heard_by_ada) = join("ada-lovelace");
    let (bob, heard_by_bob) = join("bob-hopkins");
    let bot = InvitedBot::start(&server, &server);
    let hears = |events: &async_channel::Receiver<Event>, start: &str| loop {
        match events.recv_blocking().unwrap() {
            Event::Message(message) if message.text().unwrap().starts_with(start) => break,
            Event::Ended(end) => panic!("{end:?}"),
            _ => {}
        }
    };
    loop {
        match heard_by_ada.recv_blocking().unwrap() {
            Event::Joined(joined) if joined.name == "clock" => break,
            Event::Ended(end) => panic!("{end:?}"),
            _ => {}
        }
    }
    ada.say("meet me at the old mill").unwrap();
    hears(&heard_by_bob, "meet me");
    bob.say("!time").unwrap();
    hears(&heard_by_ada, "bob-hopkins, it is ");
    server.close(chatroom::room::Closing::ForGood);
    bot.end();

    plain.chat("the very end");
    assert_eq!(plain.heard(), "the very end");
    let recorded = recording.end("the very end");
    let finds = |text: &str| memchr::memmem::find(&recorded, text.as_bytes()).is_some();
    for plain in ["plain-member", "plainly written", "welcome"] {
        assert!(finds(plain), "the recording misses {plain}");
    }
    let (key, host_key) = (key(KEY), key(HOST_KEY));
    for secret in [
        "meet me",
        "old mill",
        "!time",
        "it is ",
        "ada-lovelace",
        "bob-hopkins",
        "clock",
        ROOM,
        key.secret(),
        host_key.secret(),
        "challenge",
        "proof",
        "nonce",
    ] {
        assert!(!finds(secret), "{secret} can be read on the way");
    }
}

/// `tcpdump`, while it records everything on the loopback interface.
struct Recording<'a> {
    child: Child,
    file: &'a Path,
}

impl<'a> Recording<'a> {
    fn start(file: &'a Path) -> Self {
        let mut child = Command::new("tcpdump")
            .args([
                "-i",
                "lo",
                "--immediate-mode",
                "-n",
                "-U",
                "-s",
                "0",
                "-B",
                "32768",
                "-w",
            ])
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| missing("tcpdump", &error));
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on lo") {
            line.clear();
            let count = words.read_line(&mut line).unwrap();
            assert!(count > 0, "tcpdump records nothing");
        }
        child.stderr = Some(words.into_inner());
        Self { child, file }
    }

    /// What it has recorded: everything up to these words.
    fn end(mut self, last: &str) -> Vec<u8> {
        let patience = Instant::now() + PATIENCE;
        let has_all = |recorded: &[u8]| memchr::memmem::find(recorded, last.as_bytes()).is_some();
        while !has_all(&fs::read(self.file).unwrap()) {
            assert!(Instant::now() < patience, "the recording has no end");
            thread::sleep(Duration::from_millis(10));
        }
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let mut words = String::new();
        let mut told = self.child.stderr.take().unwrap();
        told.read_to_string(&mut words).unwrap();
        self.child.wait().unwrap();
        assert!(words.contains("\n0 packets dropped by kernel"), "{words}");
        fs::read(self.file).unwrap()
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
