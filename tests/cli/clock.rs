//! A computer whose clock is wrong: nothing panics, and nothing is lost.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::process::Signal;

use super::support::{self, CHATROOM, Peer, Program, port_of};

const DAY: i64 = 86_400;

/// 22 November 2026.
const NOW: i64 = 1_795_305_600;

/// The library loaded into the server.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| support::library("cli/clock.c", &["-ldl"]))
}

/// A server with a store in `folder`, by a clock that shows this second.
struct Server {
    program: Program,
    port: u16,
    clock: PathBuf,
}

impl Server {
    fn start(folder: &Path, second: i64, options: &[&str]) -> Self {
        let clock = folder.join("clock");
        std::fs::write(&clock, second.to_string()).unwrap();
        let mut command = Command::new(CHATROOM);
        command
            .args(["--server", "--port", "0", "--stay-open", "--store"])
            .arg(folder.join("room.db"))
            .args(options)
            .env("LD_PRELOAD", library())
            .env("CHATROOM_TEST_CLOCK_FILE", &clock);
        let mut program = Program::start_command(&mut command);
        let (addresses, after) = program.opening();
        assert!(after.starts_with("Messages are saved in "), "{after}");
        Self {
            program,
            port: port_of(&addresses),
            clock,
        }
    }

    fn set_clock(&self, second: i64) {
        let new = self.clock.with_extension("new");
        std::fs::write(&new, second.to_string()).unwrap();
        std::fs::rename(new, &self.clock).unwrap();
    }

    /// Says something, and gives the time at which it was said.
    fn say(&self) -> String {
        let mut ada = Peer::native(self.port, "ada");
        let text = format!("from {}", ada.stream.local_addr().unwrap());
        ada.chat(&text);
        let message = loop {
            let message = ada.line_with(r#"{"message":"#);
            if message.contains(&text) {
                break message;
            }
        };
        ada.tell(r#"{"bye":{}}"#);
        ada.line_with(r#"{"closed":"#);
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        message["message"]["at"].as_str().unwrap().to_owned()
    }

    /// How many messages a newcomer can read.
    fn count(&self) -> usize {
        let mut eve = Peer::native(self.port, "eve");
        eve.tell(r#"{"history":{"limit":100}}"#);
        let page = eve.line_with(r#"{"page":"#);
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        page["page"]["messages"].as_array().unwrap().len()
    }

    fn stop(self) -> String {
        self.program.send(Signal::TERM);
        let (out, complaint, code) = self.program.end();
        assert_eq!((&*complaint, code), ("", Some(0)));
        out
    }
}

#[test]
fn a_clock_out_of_the_calendar_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (second, at) in [
        (253_402_300_800, "9999-12-30T21:59:59.000Z"),
        (i64::MAX, "9999-12-30T21:59:59.000Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (i64::MIN / 2, "1970-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00."),
    ] {
        let server = Server::start(folder.path(), second, &["--keep-days", "30"]);
        let said = server.say();
        assert!(said.starts_with(at), "{second}: {said}");
        server.stop();
    }
    let server = Server::start(folder.path(), NOW, &["--keep-days", "30"]);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_clock_that_is_wrong_at_the_start_deletes_nothing_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), NOW, &["--keep-days", "30"]);
    for _ in 0..5 {
        server.say();
    }
    server.stop();
    for (second, words) in [
        (NOW + 400 * DAY, "400 days ahead of the last time"),
        (20, "before the year 2020"),
        (NOW + 45 * DAY, "45 days ahead"),
        (NOW - 100 * DAY, "100 days behind the last time"),
    ] {
        let mut server = Server::start(folder.path(), second, &["--keep-days", "30"]);
        let told = server.program.line();
        assert!(told.contains(words), "{told}");
        assert_eq!(server.count(), 5, "{second}");
        server.stop();
    }
    let server = Server::start(folder.path(), NOW, &["--keep-days", "30"]);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_clock_that_jumps_while_people_talk_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), NOW, &["--keep-days", "30"]);
    let mut said = 0;
    for second in [NOW, NOW + 400 * DAY, 20, NOW, NOW + 4_000 * DAY, NOW + DAY] {
        server.set_clock(second);
        server.say();
        said += 1;
        assert_eq!(server.count(), said, "{second}");
    }
    let out = server.stop();
    assert!(out.contains("400 days ahead"), "{out}");
    for second in [NOW + 4_000 * DAY, NOW + DAY] {
        let server = Server::start(folder.path(), second, &["--keep-days", "30"]);
        assert_eq!(server.count(), said);
        server.stop();
    }
}
