//! The program as a shell sees it: its arguments, its output, the signals that it gets,
//! and its exit code.

mod clock;
mod config;
mod listen;
mod private;
mod serve;
#[path = "../support/mod.rs"]
mod support;

use self::support::{CHATROOM, sentences};

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(CHATROOM).args(arguments).output().unwrap()
}

#[test]
fn a_wrong_command_line_ends_with_2_and_the_usage() {
    for wrong in [
        &["--nonsense"][..],
        &["--port", "1"],
        &["--server", "localhost"],
        &["--server", "--listen"],
        &["--server", "--port", "x"],
        &["http://example.org"],
    ] {
        let output = run(wrong);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(words.contains("Usage: chatroom"), "{wrong:?}: {words}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn help_and_version_are_printed_where_they_are_asked_for() {
    let help = run(&["--help"]);
    let words = String::from_utf8(help.stdout).unwrap();
    assert_eq!(help.status.code(), Some(0));
    for told in ["Usage:", "--server", "--listen", "53000", "Examples:"] {
        assert!(words.contains(told), "{told}: {words}");
    }
    let version = run(&["--version"]);
    let words = String::from_utf8(version.stdout).unwrap();
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(words, concat!("chatroom ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn without_a_window_it_tells_what_can_be_done_instead() {
    let nowhere = tempfile::tempdir().unwrap();
    let output = Command::new(CHATROOM)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .env_remove("GDK_BACKEND")
        // GTK looks for a display there if no variable names one.
        .env("XDG_RUNTIME_DIR", nowhere.path())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words.contains("--server") && words.contains("--listen"),
        "{words}"
    );
    assert_eq!(words.lines().count(), 1, "{words}");
}
