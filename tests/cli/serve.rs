//! `chatroom --server`, with native clients and listeners.

use std::process::Command;

use rustix::process::Signal;

use super::sentences::{self, from_server};
use super::support::{CHATROOM, Peer, Program, port_of};

/// A server on a free port that has reported that it is open, and that port.
pub fn serving(arguments: &[&str]) -> (Program, u16) {
    opened(Program::start(
        &[&["--server", "--port", "0"], arguments].concat(),
    ))
}

pub fn opened(mut program: Program) -> (Program, u16) {
    let (addresses, after) = program.opening();
    assert!(after.starts_with(sentences::IN_MEMORY), "{after}");
    (program, port_of(&addresses))
}

#[test]
fn it_tells_who_comes_and_goes_and_ends_with_the_last_one() {
    let (mut program, port) = serving(&["--room-name", "Ada's"]);
    let mut ada = Peer::native(port, "ada");
    let address = ada.stream.local_addr().unwrap();
    assert_eq!(
        program.line(),
        sentences::log_joined("ada", "native", address, 1)
    );
    ada.tell(r#"{"bye":{}}"#);
    assert_eq!(
        program.line(),
        sentences::log_left("ada", "native", address, 0)
    );
    let (out, complaint, code) = program.end();
    assert_eq!(out, format!("{}\n", sentences::LOG_ROOM_EMPTY));
    assert_eq!((&*complaint, code), ("", Some(0)));
}

#[test]
fn each_signal_closes_the_room_and_tells_whether_to_come_back() {
    for (signal, closed) in [
        (Signal::INT, r#"{"closed":{"code":"host-closed""#),
        (Signal::HUP, r#"{"closed":{"code":"host-closed""#),
        (Signal::TERM, r#"{"closed":{"code":"service-stopping""#),
    ] {
        let (program, port) = serving(&[]);
        let mut ada = Peer::native(port, "ada");
        program.send(signal);
        let words = ada.line_with(closed);
        let retry = words.contains(r#""retry_ms":500"#);
        assert_eq!(retry, signal == Signal::TERM, "{words}");
        let (out, complaint, code) = program.end();
        let end = format!("\n{}\n", sentences::LOG_ROOM_CLOSED);
        assert!(out.ends_with(&end), "{out}");
        assert_eq!((&*complaint, code), ("", Some(0)), "{signal:?}");
    }
}

#[test]
fn a_terminal_that_goes_away_closes_the_room() {
    let (mut program, port) = opened(Program::start_in_terminal(
        200,
        &["--server", "--port", "0"],
    ));
    let mut ada = Peer::native(port, "ada");
    program.close_output();
    ada.line_with(r#"{"closed":{"code":"host-closed""#);
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_terminal_shows_colours_unless_they_are_unwanted() {
    for (environment, colour) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let arguments = ["--server", "--port", "0", "--stay-open"];
        let (mut program, port) = opened(Program::start_in_terminal_with(
            200,
            &arguments,
            environment,
        ));
        let _ada = Peer::native(port, "ada");
        let line = program.line();
        let start = if colour {
            "\u{1b}[32m“ada”"
        } else {
            "“ada”"
        };
        assert!(line.starts_with(start), "{line:?}");
        assert_eq!(line.ends_with("\u{1b}[0m"), colour, "{line:?}");
    }
}

#[test]
fn a_server_tells_how_it_is_doing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(CHATROOM);
    command
        .args(["--server", "--port", "0", "--room-name", "Ada's"])
        .env_remove("RUNTIME_DIRECTORY")
        .env("XDG_RUNTIME_DIR", folder.path());
    let (program, port) = opened(Program::start_command(&mut command));
    let _ada = Peer::native(port, "ada");
    let status = |arguments: &[&str]| {
        Command::new(CHATROOM)
            .args([&["--status", "--port", &port.to_string()], arguments].concat())
            .env_remove("RUNTIME_DIRECTORY")
            .env("XDG_RUNTIME_DIR", folder.path())
            .output()
            .unwrap()
    };
    let words = String::from_utf8(status(&[]).stdout).unwrap();
    let start = sentences::serving("Ada's", port);
    assert!(words.starts_with(&start), "{words}");
    let json: serde_json::Value = serde_json::from_slice(&status(&["--json"]).stdout).unwrap();
    assert_eq!((&json["members"], &json["port"]), (&1.into(), &port.into()));
    drop(program);
    let none = status(&[]);
    assert_eq!(none.status.code(), Some(1));
    let words = String::from_utf8(none.stderr).unwrap();
    assert!(words.starts_with(&sentences::no_server_on(port)), "{words}");
}

#[test]
fn two_servers_with_one_port_are_both_told_and_one_outlives_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let start = |port: &str, address: &str| {
        let mut command = Command::new(CHATROOM);
        command
            .args(["--server", "--port", port, "--bind", address])
            .args(["--room-name", address])
            .env_remove("RUNTIME_DIRECTORY")
            .env("XDG_RUNTIME_DIR", folder.path());
        opened(Program::start_command(&mut command))
    };
    let (one, port) = start("0", "127.0.0.2");
    let port = port.to_string();
    let (other, _) = start(&port, "127.0.0.3");
    let rooms = || {
        let output = Command::new(CHATROOM)
            .args(["--status", "--json", "--port", &port])
            .env_remove("RUNTIME_DIRECTORY")
            .env("XDG_RUNTIME_DIR", folder.path())
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut rooms: Vec<String> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|room| format!("{} {}", room["room"], room["listening"][0]))
            .collect();
        rooms.sort();
        rooms
    };
    let told = |address: &str| format!("\"{address}\" \"{address}:{port}\"");
    assert_eq!(rooms(), [told("127.0.0.2"), told("127.0.0.3")]);
    // Killed, it leaves its socket, which is removed.
    one.send(Signal::KILL);
    drop(one);
    assert_eq!(rooms(), [told("127.0.0.3")]);
    let sockets = std::fs::read_dir(folder.path().join("chatroom")).unwrap();
    assert_eq!(sockets.count(), 1);
    other.send(Signal::TERM);
    assert_eq!(other.end().2, Some(0));
    assert_eq!(rooms(), [""; 0]);
}

#[test]
fn an_empty_room_with_an_idle_timeout_ends_though_nobody_came() {
    let (program, _) = serving(&["--idle-timeout", "1"]);
    let (out, complaint, code) = program.end();
    assert_eq!(out, format!("{}\n", sentences::LOG_ROOM_EMPTY));
    assert_eq!((&*complaint, code), ("", Some(0)));
}

#[test]
fn a_port_that_is_taken_ends_it_with_1_and_a_sentence() {
    let (mut first, port) = serving(&[]);
    let second = Program::start(&["--server", "--port", &port.to_string()]);
    let complaint = sentences::room_already_open(port) + "\n";
    assert_eq!(second.end(), (String::new(), complaint, Some(1)));
    // The first one goes on.
    let _ada = Peer::native(port, "ada");
    assert!(first.line().starts_with(&sentences::log_joining("ada")));
}

#[test]
fn a_closed_pipe_stops_the_printing_and_not_the_room() {
    let (mut program, port) = serving(&["--stay-open"]);
    program.close_output();
    for _ in 0..5 {
        let mut ada = Peer::native(port, "ada");
        ada.chat("hi");
        ada.line_with(r#"{"message":"#);
    }
    program.send(Signal::TERM);
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_stopped_terminal_stops_the_printing_and_not_the_room() {
    let arguments = ["--server", "--port", "0", "--stay-open", "--rate", "0"];
    let (mut program, port) = opened(Program::start_in_terminal(200, &arguments));
    let mut bob = Peer::native(port, "bob");
    // Several times the output that a terminal can hold; nobody reads it.
    for number in 0..200 {
        let mut ada = Peer::native(port, &"a".repeat(30));
        let words = format!("hi {number}");
        ada.chat(&words);
        assert!(bob.line_with(r#"{"message":"#).contains(&words));
    }
    program.send(Signal::TERM);
    bob.line_with(r#"{"closed":"#);
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_listener_hears_the_room_and_its_end() {
    let (server, port) = serving(&[]);
    let mut listener = Program::start(&["--listen", &format!("[::1]:{port}"), "--name", "eve"]);
    assert!(
        listener
            .line()
            .starts_with(&from_server(sentences::WELCOME))
    );
    let line = listener.line();
    let start = from_server(sentences::ENCRYPTED);
    assert!(line.starts_with(&start), "{line}");
    let mut ada = Peer::native(port, "ada");
    ada.chat("hi\n\u{1b}c");
    assert_eq!(listener.line(), from_server(&sentences::joined("ada", 2)));
    assert_eq!(listener.line(), "ada: hi");
    assert_eq!(listener.line(), "ada: c");
    server.send(Signal::INT);
    let (out, complaint, code) = listener.end();
    assert_eq!(out, from_server(sentences::ROOM_CLOSED) + "\n");
    assert_eq!((&*complaint, code), ("", Some(0)));
}
