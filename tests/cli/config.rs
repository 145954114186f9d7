//! The configuration file, at the start and while the room is open.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::sentences;
use super::serve::{opened, serving};
use super::support::{CHATROOM, Host as _, Peer, Program};

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatroom.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn started(path: &Path) -> (Program, u16) {
    serving(&["--config", path.to_str().unwrap()])
}

fn room_of(peer: &str) -> String {
    let welcome: serde_json::Value = serde_json::from_str(peer).unwrap();
    welcome["welcome"]["room"].as_str().unwrap().to_owned()
}

/// The name of the room in a new member's welcome.
fn room(port: u16) -> String {
    let mut peer = Peer::connect(port.address());
    peer.tell(r#"{"hello":{"protocol":1}}"#);
    room_of(&peer.line())
}

#[test]
fn the_file_counts_less_than_a_flag() {
    // The server must not use this port: the flag wins.
    let (_folder, path) = file("port = 1\nroom-name = \"Attic\"\nstay-open = true\n");
    let (_program, port) = started(&path);
    assert_eq!(room(port), "Attic");
}

#[test]
fn a_wrong_file_ends_it_with_78_and_its_place() {
    let (_folder, path) = file("port = 4000\nname-timeout = 0\n");
    let program = Program::start(&["--server", "--config", path.to_str().unwrap()]);
    let (out, complaint, code) = program.end();
    assert_eq!((&*out, code), ("", Some(78)));
    let place = format!("{}, line 2, column 16", path.display());
    let words = sentences::not_within(0, 1, 3600);
    assert_eq!(complaint, format!("{place}: {words}\n"));
}

#[test]
fn nothing_in_a_file_or_its_name_acts_on_the_terminal() {
    let (folder, path) = file("\"\\u001b[2J\" = 1\n");
    let named = folder.path().join("\u{1b}[2J\u{9b}31m.toml");
    for path in [&path, &named] {
        let program = Program::start(&["--server", "--config", path.to_str().unwrap()]);
        let (_, complaint, code) = program.end();
        assert_eq!(code, Some(78));
        let complaint = complaint.strip_suffix('\n').unwrap();
        assert!(complaint.contains("\u{fffd}[2J"), "{complaint:?}");
        assert!(!complaint.contains(char::is_control), "{complaint:?}");
    }
}

#[test]
fn a_file_can_be_checked_without_a_server() {
    let (_folder, path) = file("port = 4000\n");
    let check = || {
        let mut command = Command::new(CHATROOM);
        command.arg("--check-config").arg(&path).output().unwrap()
    };
    let right = check();
    assert_eq!(right.status.code(), Some(0));
    assert!(right.stdout.is_empty() && right.stderr.is_empty());
    fs::write(&path, "prot = 1").unwrap();
    let wrong = check();
    assert_eq!(wrong.status.code(), Some(78));
    let words = String::from_utf8(wrong.stderr).unwrap();
    let place = format!("line 1, column 1: {}", sentences::unknown_key("prot"));
    assert!(words.contains(&place), "{words}");
}

#[test]
fn a_hang_up_reads_the_file_again_and_everyone_stays() {
    let (_folder, path) = file("room-name = \"Attic\"\n");
    let (mut program, port) = started(&path);
    let mut ada = Peer::native(port, "ada");
    assert!(program.line().starts_with(&sentences::log_joining("ada")));
    fs::write(&path, "room-name = \"Cellar\"\nport = 1\n").unwrap();
    program.send(Signal::HUP);
    assert_eq!(program.line(), sentences::SETTINGS_CHANGED);
    assert_eq!(room(port), "Cellar");
    // The log of the peer that joined and left.
    program.line();
    program.line();
    fs::write(&path, "prot = 1\n").unwrap();
    program.send(Signal::HUP);
    let line = program.line();
    assert!(line.starts_with(sentences::SETTINGS_UNCHANGED), "{line}");
    assert!(line.contains("line 1, column 1"), "{line}");
    assert_eq!(room(port), "Cellar");
    ada.chat("hi");
    ada.line_with(r#"{"message":"#);
}

#[test]
fn with_a_file_too_a_terminal_that_goes_away_closes_the_room() {
    let (_folder, path) = file("");
    let arguments = [
        "--server",
        "--port",
        "0",
        "--config",
        path.to_str().unwrap(),
    ];
    let (mut program, port) = opened(Program::start_in_terminal(200, &arguments));
    let mut ada = Peer::native(port, "ada");
    program.close_output();
    ada.line_with(r#"{"closed":{"code":"host-closed""#);
    assert_eq!(program.code(), Some(0));
}
