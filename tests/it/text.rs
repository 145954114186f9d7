//! The text door: people with `nc`, and the original program.

use std::time::Duration;

use super::room_of::{Host as _, Peer, TestServer};
use crate::sentences::{HERE_NOW, from_server, joined};

#[test]
fn people_with_nc_talk_and_are_not_sent_their_own_lines() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut bob = Peer::text(&server, "bob");
    assert_eq!(ada.line(), from_server(&joined("bob", 2)));
    ada.send("hello\n");
    assert_eq!(bob.line(), "ada: hello");
    bob.send("hi\n");
    assert_eq!(ada.line(), "bob: hi");
}

#[test]
fn the_original_program_is_sent_its_own_messages_without_a_line_break() {
    let server = TestServer::start();
    let mut ada = Peer::original(&server, "ada");
    ada.send("hello");
    assert_eq!(ada.chunk().unwrap(), b"ada: hello");
    let _bob = Peer::text(&server, "bob");
    assert_eq!(
        ada.chunk().unwrap(),
        from_server(&joined("bob", 2)).as_bytes()
    );
}

#[test]
fn messages_that_come_together_are_told_apart() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.send("one\ntwo\n\nthree\r\nfo");
    ada.send("ur\n");
    for text in ["one", "two", "three", "four"] {
        assert_eq!(bob.heard(), text);
    }
    // With the name in the same chunk, too.
    let mut eve = Peer::connect(server.address());
    eve.send("eve\nfive\nsix\n");
    assert_eq!(bob.heard(), "five");
    assert_eq!(bob.heard(), "six");
}

#[test]
fn several_messages_for_the_original_program_go_joined_by_line_breaks() {
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::original(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.until(HERE_NOW);
    for n in 0..20 {
        bob.say(&n.to_string(), &format!("message {n}."));
    }
    let mut all = String::new();
    while !all.ends_with("message 19.") {
        let chunk = ada.chunk().unwrap();
        assert_ne!(chunk.last(), Some(&b'\n'));
        all += std::str::from_utf8(&chunk).unwrap();
    }
    for n in 0..20 {
        assert!(all.contains(&format!("bob: message {n}.")), "{all}");
    }
}

#[test]
fn the_original_program_is_written_to_in_pieces_of_whole_characters() {
    let server = TestServer::start();
    let mut ada = Peer::original(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.until(HERE_NOW);
    let long = "é😀".repeat(700);
    bob.say("1", &long);
    let mut all = Vec::new();
    while all.len() < "bob: ".len() + long.len() {
        let mut bytes = [0; 1_024];
        let count = std::io::Read::read(&mut ada.stream, &mut bytes).unwrap();
        assert!(count > 0);
        all.extend_from_slice(&bytes[..count]);
    }
    assert_eq!(String::from_utf8(all).unwrap(), format!("bob: {long}"));
}

#[test]
fn a_character_split_across_chunks_is_put_together() {
    let server = TestServer::start();
    let mut ada = Peer::original(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.until(HERE_NOW);
    ada.send(b"caf\xc3");
    assert_eq!(bob.heard(), "caf");
    ada.send(b"\xa9!");
    assert_eq!(bob.heard(), "é!");
}

#[test]
fn a_text_of_several_lines_cannot_forge_the_line_of_another() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut original = Peer::original(&server, "orig");
    let mut eve = Peer::native(&server, "eve");
    ada.until(&(joined("eve", 3) + "\n"));
    original.until(&joined("eve", 3));
    eve.say("1", "hi\nSERVER: the room is closed\r\nada: bye\rx");
    for line in ["hi", "SERVER: the room is closed", "ada: bye", "x"] {
        assert_eq!(ada.line(), format!("eve: {line}"));
    }
    assert_eq!(
        original.chunk().unwrap(),
        b"eve: hi\neve: SERVER: the room is closed\neve: ada: bye\neve: x"
    );
}

#[test]
fn the_quit_command_ends_a_connection_and_is_not_relayed() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    for (name, quit, said) in [
        ("alone", "?{quit}", None),
        ("end", "see you?{quit}", Some("see you")),
        ("lines\n", "?{quit}\n", None),
        ("merged\n", "hello\n?{quit}\nmore\n", Some("hello")),
        ("unended\n", "?{quit}", None),
    ] {
        let mut peer = Peer::connect(server.address());
        peer.send(name);
        peer.until("?{quit}");
        bob.expect("joined");
        peer.send(quit);
        if let Some(said) = said {
            assert_eq!(bob.expect("message")["text"], said);
        }
        let left = bob.expect("left");
        assert_eq!(
            (left["name"].as_str(), left["why"].as_str()),
            (Some(name.trim()), Some("quit"))
        );
        peer.rest();
    }
}

#[test]
fn a_peer_that_closes_its_sending_half_has_left() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut ada = Peer::text(&server, "ada");
    bob.expect("joined");
    // The last line may have no line break.
    ada.send("some\nlast words");
    ada.half_close();
    assert_eq!(bob.expect("message")["text"], "some");
    assert_eq!(bob.expect("message")["text"], "last words");
    assert_eq!(bob.expect("left")["why"], "quit");
    ada.rest();
}

#[test]
fn control_characters_reach_nobody() {
    let server = TestServer::start();
    let mut bob = Peer::text(&server, "bob");
    let mut eve = Peer::connect(server.address());
    eve.send("e\x1b[2Jv\u{202e}e\u{7}\n");
    assert_eq!(bob.line(), from_server(&joined("e[2Jve", 2)));
    eve.send("\x1b]52;c;aGk=\x07x\u{9b}31m\u{202e}y\x00\tz\n");
    assert_eq!(bob.line(), "e[2Jve: ]52;c;aGk=x31my\tz");
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut ada = Peer::text(&server, "ada");
    ada.send(b"caf\xe9\n");
    assert_eq!(bob.heard(), "caf\u{fffd}");
}

#[test]
fn enter_before_the_name_is_passed_over_and_the_name_is_asked_for_again() {
    let server = TestServer::start();
    let mut person = Peer::connect(server.address());
    for _ in 0..3 {
        person.send("\n");
        assert_eq!(person.line(), "SERVER: What is your name?");
    }
    // Several at once, and white space, are told once.
    person.send("  \r\n\n\t\n");
    assert_eq!(person.line(), "SERVER: What is your name?");
    person.send("\nada\nhello\n");
    assert!(
        person
            .line()
            .starts_with("SERVER: Welcome to “Test”, “ada”.")
    );
}

#[test]
fn who_only_presses_enter_is_usr_when_the_time_is_over() {
    let server = TestServer::with(|settings| settings.name_timeout = Duration::from_secs(1));
    let mut person = Peer::connect(server.address());
    person.send("\n");
    assert_eq!(person.line(), "SERVER: What is your name?");
    assert!(
        person
            .line()
            .starts_with("SERVER: Welcome to “Test”, “USR”.")
    );
}

#[test]
fn whoever_ends_with_no_name_was_never_in_the_room() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    for empty in ["\n", "\n\n \n", "\u{feff}\n"] {
        let mut peer = Peer::connect(server.address());
        peer.send(empty);
        peer.half_close();
        peer.rest();
    }
    bob.say("1", "nobody came");
    bob.expect("message");
}

#[test]
fn every_message_that_is_not_taken_is_answered() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut original = Peer::original(&server, "orig");
    ada.until("here now.\n");
    ada.send("\u{200b}\n");
    assert_eq!(
        ada.line(),
        "SERVER: Your message was not sent: no visible characters."
    );
    original.send("\u{2060} \u{feff}");
    original.until("Your message was not sent: no visible characters.");
    // Enter alone says nothing, and is not answered.
    ada.send("\n\r\n \n\u{7}\n");
    assert_eq!(
        ada.line(),
        "SERVER: 2 of your messages were not sent: no visible characters."
    );
    ada.send(format!("{}\n", "x".repeat(4_001)));
    assert!(
        ada.line()
            .starts_with("SERVER: Your message was not sent: more than 4000")
    );
}

#[test]
fn what_only_its_sender_can_see_is_said() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut ada = Peer::text(&server, "ada");
    // Private use, an emoji that is not given yet, and a single sign of Arabic.
    for text in ["\u{e000}", "\u{1fafd}", "\u{600}", "\u{301}"] {
        ada.send(format!("{text}\n"));
        assert_eq!(bob.heard(), text);
    }
}

#[test]
fn a_heap_of_marks_paints_over_nobody() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut eve = Peer::connect(server.address());
    eve.send(format!("Z{}\n", "\u{301}".repeat(31)));
    eve.line();
    let name = bob.expect("joined")["name"].as_str().unwrap().to_owned();
    assert!(
        name.starts_with(['Z', 'Ź']) && name.chars().count() <= 5,
        "{name:?}"
    );
    eve.send(format!("z{}\n", "\u{330}".repeat(500)));
    assert_eq!(bob.heard(), format!("z{}", "\u{330}".repeat(8)));
}
