//! Tests of the greeting, driven by bytes and times, and of what a connection takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::NAME_PROMPT;
use crate::room::Closing;

use super::super::hub::{Guest, Hub};
use super::super::session::{Farewell, Found, PeerSession, Slices};
use super::super::settings::Settings;
use super::super::testing::told;
use super::greet::Greeting;
use super::talk::Talk;
use super::task::Connection;

fn arrive(hub: &Arc<Hub>, now: Instant) -> Talk {
    let guest = Guest::arriving(hub, ([192, 0, 2, 1], 1).into(), now).unwrap();
    Talk::new(guest, now)
}

const fn is_session(talk: &Talk) -> bool {
    matches!(talk, Talk::Session(_))
}

#[test]
fn there_is_no_session_before_the_first_bytes_show_a_protocol() {
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let mut native = arrive(&hub, now);
    // A byte order mark, white space, telnet negotiation.
    for bytes in [&b"\xef\xbb"[..], b"\xbf \r\n", b"\xff\xfd\x01"] {
        native.take(bytes, now);
        assert!(!is_session(&native), "{bytes:?}");
    }
    native.take(b"{\"hello\":{\"protocol\":1}}\n", now);
    assert!(is_session(&native));
    assert!(told(&mut native).starts_with("{\"welcome\""));

    // The start of a signature waits, and then it is a name.
    let mut text = arrive(&hub, now);
    text.take(b"GE", now);
    let deadline = text.deadline().unwrap();
    assert_eq!(deadline, now + Duration::from_millis(500));
    text.tick(now + Duration::from_millis(499));
    assert!(!is_session(&text));
    text.tick(deadline);
    assert!(told(&mut text).contains("“GE”"));
}

#[test]
fn a_peer_that_says_nothing_is_asked_for_a_name_and_then_joins_without_one() {
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let mut talk = arrive(&hub, now);
    assert_eq!(talk.deadline(), Some(now + NAME_PROMPT));
    talk.tick(now + NAME_PROMPT);
    assert_eq!(told(&mut talk), "SERVER: What is your name?\n");
    assert!(!is_session(&talk));
    let due = talk.deadline().unwrap();
    assert_eq!(due, now + hub.live().name_timeout);
    talk.tick(due);
    assert!(told(&mut talk).contains("“USR”"));
    assert_eq!(hub.members(), 1);
}

#[test]
fn a_prompt_that_was_written_in_part_is_written_whole() {
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let mut talk = arrive(&hub, now);
    talk.tick(now + NAME_PROMPT);
    let mut slices = Slices::new();
    assert!(talk.gather(&mut slices) == Found::Some);
    talk.wrote(7, &slices);
    talk.take(b"ada\n", now + NAME_PROMPT);
    let told = told(&mut talk);
    assert!(
        told.starts_with(" What is your name?\nSERVER: Welcome"),
        "{told}"
    );
}

#[test]
fn a_foreign_program_is_answered_and_closed_without_a_session() {
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let mut talk = arrive(&hub, now);
    talk.take(b"GET / HTTP/1.1\r\n", now);
    assert!(told(&mut talk).starts_with("HTTP/1.1 "));
    assert!(!is_session(&talk) && !talk.wants_input());
    assert_eq!(
        (talk.ending(), talk.deadline()),
        (Some(Farewell::Silent), None)
    );
    assert_eq!(hub.admission.at_the_door(), 0);
    assert_eq!(hub.counters.refused().closed_door, 1);
}

#[test]
fn a_peer_at_the_door_is_told_that_the_room_was_closed() {
    let (hub, now) = (Hub::in_memory(Settings::default()), Instant::now());
    let mut talk = arrive(&hub, now);
    hub.close(Closing::ForGood);
    assert!(told(&mut talk).contains("closed"));
    assert_eq!(talk.ending(), Some(Farewell::Silent));
}

/// More than this is more memory for each of thousands that do nothing.
#[test]
fn an_idle_connection_takes_little_memory() {
    assert!(size_of::<Greeting>() <= size_of::<PeerSession>());
    assert!(
        size_of::<Connection>() <= 440,
        "{}",
        size_of::<Connection>()
    );
}
