//! The fixed behaviour of a room.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use chatroom::protocol::sniff::Protocol;
use chatroom::room::{Closing, Why};
use chatroom::server::{BindError, Ended, Event, Server, Settings};
use serde_json::json;

use super::room_of::{Host as _, Peer, TestServer};
use crate::sentences::{self, from_server, joined, left, someone_joined, welcome};

#[test]
fn a_message_goes_to_everyone_by_every_door() {
    let server = TestServer::start();
    let mut person = Peer::text(&server, "person");
    let mut original = Peer::original(&server, "original");
    let mut bot = Peer::native(&server, "bot");
    person.until(&(joined("bot", 3) + "\n"));
    original.until(&joined("bot", 3));

    person.send("from person\n");
    assert_eq!(original.until("from person"), "person: from person");
    assert_eq!(bot.heard(), "from person");
    original.send("from original");
    assert_eq!(original.until("from original"), "original: from original");
    assert_eq!(person.line(), "original: from original");
    assert_eq!(bot.heard(), "from original");
    bot.say("1", "from bot");
    assert_eq!(bot.heard(), "from bot");
    assert_eq!(person.line(), "bot: from bot");
    assert_eq!(original.until("from bot"), "bot: from bot");
}

#[test]
fn a_name_in_use_or_reserved_or_empty_becomes_another() {
    let server = TestServer::start();
    let mut peers = Vec::new();
    for (wanted, name) in [
        ("ada", "ada"),
        ("ada", "ada_1"),
        ("ADA", "ADA_2"),
        ("\u{430}d\u{430}", "\u{430}d\u{430}_3"),
        ("", "USR"),
        ("SERVER", "USR_1"),
        ("server", "USR_2"),
        ("\u{405}ERVER", "USR_3"),
        (":\u{200b}", "USR_4"),
    ] {
        let (peer, welcome) = Peer::greet(&server, wanted);
        assert_eq!(welcome["you"]["name"], name, "{wanted:?}");
        peers.push(peer);
    }
    let mut text = Peer::connect(server.address());
    text.send("ada\n");
    assert!(
        text.line()
            .starts_with(&from_server(&welcome("Test", "ada_4")))
    );
}

#[test]
fn who_gives_no_name_in_time_is_usr_by_every_door() {
    let server = TestServer::with(|settings| settings.name_timeout = Duration::from_millis(300));
    let mut silent = Peer::connect(server.address());
    assert!(
        silent
            .line()
            .starts_with(&from_server(&welcome("Test", "USR")))
    );
    // Its first chunk still selects lines or chunks.
    let mut bob = Peer::native(&server, "bob");
    silent.until(&(someone_joined(2) + "\n"));
    silent.send("at last\n");
    assert_eq!(bob.heard(), "at last");

    let mut native = Peer::connect(server.address());
    native.send("{\"ping\":{}}\n{\"hel");
    native.expect("pong");
    assert_eq!(native.expect("welcome")["you"]["name"], "USR_1");
}

#[test]
fn who_says_nothing_is_asked_for_a_name() {
    let server = TestServer::start();
    let mut person = Peer::connect(server.address());
    assert_eq!(person.line(), from_server(sentences::WHAT_IS_YOUR_NAME));
    person.send("ada\n");
    assert!(
        person
            .line()
            .starts_with(&from_server(&welcome("Test", "ada")))
    );
    // A native client may still come after the question.
    let mut bot = Peer::connect(server.address());
    assert_eq!(bot.line(), from_server(sentences::WHAT_IS_YOUR_NAME));
    bot.write(&json!({"hello": {"protocol": 1, "name": "bot"}}));
    bot.expect("welcome");
}

#[test]
fn who_leaves_the_door_without_a_name_was_never_a_member() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    drop(Peer::connect(server.address()));
    let quitter = Peer::connect(server.address());
    (&quitter.stream).write_all(b"?{quit}").unwrap();
    let mut pinger = Peer::connect(server.address());
    pinger.write(&json!({"ping": {}}));
    pinger.expect("pong");
    pinger.break_off();
    let mut quitter = quitter;
    assert_eq!(quitter.rest(), "");
    bob.say("1", "nobody came");
    bob.expect("message");
}

#[test]
fn a_broken_connection_is_told_like_a_leave() {
    let server = TestServer::start();
    let mut bob = Peer::text(&server, "bob");
    Peer::text(&server, "ada").break_off();
    assert_eq!(bob.line(), from_server(&joined("ada", 2)));
    assert_eq!(bob.line(), from_server(&left("ada", 1)));
}

#[test]
fn an_empty_room_ends_by_itself() {
    for protocol in [Protocol::Text, Protocol::Native] {
        let server = TestServer::with(|settings| {
            settings.stay_open = false;
            settings.rules.grace = Duration::ZERO;
        });
        // A connection that was never a member does not end the room.
        drop(Peer::connect(server.address()));
        let member = match protocol {
            Protocol::Text => Peer::text(&server, "ada"),
            Protocol::Native => Peer::native(&server, "ada"),
        };
        drop(member);
        assert_eq!(server.wait(), Ended::Empty);
    }
}

#[test]
fn an_empty_room_waits_for_who_is_at_the_door() {
    let server = TestServer::with(|settings| {
        settings.stay_open = false;
        settings.rules.grace = Duration::ZERO;
    });
    let ada = Peer::native(&server, "ada");
    assert!(matches!(server.event(), Event::Joined { .. }));
    let mut bob = Peer::connect(server.address());
    bob.write(&json!({"ping": {}}));
    bob.expect("pong");
    ada.break_off();
    assert!(matches!(server.event(), Event::Left { count: 0, .. }));
    bob.write(&json!({"hello": {"protocol": 1, "name": "bob"}}));
    assert_eq!(bob.expect("welcome")["members"]["count"], 1);
    // It also ends when they leave before joining.
    let mut eve = Peer::connect(server.address());
    eve.write(&json!({"ping": {}}));
    eve.expect("pong");
    drop(bob);
    drop(eve);
    assert_eq!(server.wait(), Ended::Empty);
}

#[test]
fn a_newcomer_who_comes_as_the_last_one_leaves_is_let_in() {
    for _ in 0..50 {
        let server = TestServer::with(|settings| settings.stay_open = false);
        let mut ada = Peer::native(&server, "ada");
        ada.write(&json!({"bye": {}}));
        let mut bob = Peer::connect(server.address());
        bob.write(&json!({"hello": {"protocol": 1, "name": "bob"}}));
        bob.expect("welcome");
    }
}

#[test]
fn a_room_that_stays_open_goes_on_when_it_is_empty() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    ada.write(&json!({"bye": {}}));
    while !matches!(server.event(), Event::Left { count: 0, .. }) {}
    Peer::native(&server, "bob");
    assert_eq!(
        server.close(Closing::ForGood),
        Ended::Closed(Closing::ForGood)
    );
}

#[test]
fn closing_tells_everyone_by_every_door() {
    let server = TestServer::start();
    let mut person = Peer::text(&server, "person");
    let mut original = Peer::original(&server, "original");
    let mut bot = Peer::native(&server, "bot");
    let mut door = Peer::connect(server.address());
    door.write(&json!({"ping": {}}));
    door.expect("pong");
    original.until(&joined("bot", 3));
    assert_eq!(
        server.close(Closing::ForGood),
        Ended::Closed(Closing::ForGood)
    );
    let words = from_server(sentences::ROOM_CLOSED);
    assert!(person.rest().ends_with(&format!("\n{words}\n")));
    assert_eq!(original.rest(), words + "?{quit}");
    let closed = bot.expect("closed");
    assert_eq!(
        (&closed["code"], closed.get("retry_ms")),
        (&json!("host-closed"), None)
    );
    assert_eq!(bot.rest(), "");
    assert_eq!(door.expect("closed")["code"], "host-closed");
}

#[test]
fn the_original_program_gets_the_quit_command_by_itself() {
    let server = TestServer::start();
    let mut original = Peer::original(&server, "original");
    server.running().handle().close(Closing::ForGood);
    let mut bytes = [0; 1_024];
    let mut read = || {
        let count = original.stream.read(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    assert_eq!(read(), from_server(sentences::ROOM_CLOSED));
    assert_eq!(read(), "?{quit}");
    assert_eq!(read(), "");
}

#[test]
fn a_service_that_stops_says_that_coming_back_is_worth_a_try() {
    let server = TestServer::start();
    let mut bot = Peer::native(&server, "bot");
    server.close(Closing::Service { retry_ms: 700 });
    let closed = bot.expect("closed");
    assert_eq!(closed["code"], "service-stopping");
    assert_eq!(closed["retry_ms"], 700);
}

#[test]
fn what_was_said_before_the_closing_still_comes() {
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    for n in 1..=500 {
        ada.chat(&n.to_string());
    }
    ada.find("message");
    while ada.find("message")["seq"] != 500 {}
    server.close(Closing::ForGood);
    for seq in 1..=500 {
        assert_eq!(bob.expect("message")["seq"], seq);
    }
    bob.expect("closed");
}

#[test]
fn a_port_taken_by_a_room_is_told_from_one_taken_by_something_else() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let port = server.running().port();
    let settings = || Settings {
        port,
        ..Settings::default()
    };
    let error = Server::bind(settings()).unwrap_err();
    assert!(
        matches!(error, BindError::RoomOpen(taken) if taken == port),
        "{error:?}"
    );
    assert_eq!(error.to_string(), sentences::room_already_open(port));
    // The attempt does not disturb the running room: nobody joined.
    ada.say("1", "still here");
    ada.expect("message");

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let error = Server::bind(Settings {
        port,
        ..Settings::default()
    })
    .unwrap_err();
    assert!(
        matches!(error, BindError::PortTaken(taken) if taken == port),
        "{error:?}"
    );
}

#[test]
fn a_port_whose_connections_are_going_down_can_be_taken_again() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let port = server.running().port();
    server.close(Closing::ForGood);
    ada.rest();
    drop(ada);
    let server = TestServer::with(|settings| settings.port = port);
    Peer::native(&server, "ada");
}

#[test]
fn a_room_can_be_reached_by_ipv4_and_ipv6() {
    let server = TestServer::start();
    let port = server.running().port();
    let mut v4 = Peer::connect(([127, 0, 0, 1], port).into());
    v4.send("four\n");
    v4.line();
    let mut v6 = Peer::connect((std::net::Ipv6Addr::LOCALHOST, port).into());
    v6.send("six\n");
    v6.line();
    v4.until(&(joined("six", 2) + "\n"));
    let Event::Joined { address, .. } = server.event() else {
        panic!()
    };
    assert!(address.is_ipv4(), "{address}");
    let Event::Joined { address, .. } = server.event() else {
        panic!()
    };
    assert!(address.is_ipv6(), "{address}");
}

#[test]
fn a_room_listens_only_where_it_is_told_to() {
    let server = TestServer::with(|settings| settings.bind = vec!["127.0.0.1".parse().unwrap()]);
    let port = server.running().port();
    assert_eq!(
        server.running().addresses()[0].to_string(),
        format!("127.0.0.1:{port}")
    );
    Peer::native(&server, "ada");
    let v6 = (std::net::Ipv6Addr::LOCALHOST, port);
    assert!(std::net::TcpStream::connect(v6).is_err());

    let both = ["127.0.0.1", "::1"].map(|ip| ip.parse().unwrap()).to_vec();
    let server = TestServer::with(|settings| settings.bind = both);
    let v6 = (std::net::Ipv6Addr::LOCALHOST, server.running().port());
    Peer::native(&server, "ada");
    Peer::connect(v6.into());

    let all = ["0.0.0.0", "::", "::"]
        .map(|ip| ip.parse().unwrap())
        .to_vec();
    let server = TestServer::with(|settings| settings.bind = all);
    let v6 = (std::net::Ipv6Addr::LOCALHOST, server.running().port());
    Peer::native(&server, "ada");
    Peer::connect(v6.into());

    let elsewhere = Settings {
        port: 0,
        bind: vec!["192.0.2.1".parse().unwrap()],
        ..Settings::default()
    };
    let error = Server::bind(elsewhere).unwrap_err();
    let words = sentences::not_an_address_here("192.0.2.1");
    assert_eq!(error.to_string(), words);
}

#[test]
fn whoever_runs_it_is_told_of_joins_and_leaves() {
    let server = TestServer::start();
    let ada = Peer::text(&server, "ada");
    let from = server.origin(&ada);
    let Event::Joined {
        name,
        address,
        protocol,
        count,
    } = server.event()
    else {
        panic!()
    };
    assert_eq!(
        (&*name, address, protocol, count),
        ("ada", from, Protocol::Text, 1)
    );
    drop(ada);
    let Event::Left {
        name,
        address,
        protocol,
        why,
        count,
    } = server.event()
    else {
        panic!()
    };
    assert_eq!(
        (&*name, address, protocol, why, count),
        ("ada", from, Protocol::Text, Why::Quit, 0)
    );
}

#[test]
fn joins_and_leaves_of_a_big_room_are_gathered() {
    let server = TestServer::with(|settings| {
        settings.max_per_address = 0;
        settings.rules.grace = Duration::ZERO;
    });
    let mut first = Peer::native(&server, "first");
    let mut person = Peer::text(&server, "person");
    let crowd: Vec<Peer> = (3..=100)
        .map(|n| Peer::native(&server, &format!("p{n}")))
        .collect();
    for _ in 2..=100 {
        first.expect("joined");
    }
    let more: Vec<Peer> = (101..=140)
        .map(|n| Peer::native(&server, &format!("p{n}")))
        .collect();
    let mut joined = 0;
    while joined < 40 {
        let presence = first.expect("presence");
        let names = presence["joined"].as_array().unwrap().len();
        assert!(names <= 20);
        joined += names + usize::try_from(presence["joined_more"].as_u64().unwrap()).unwrap();
        assert_eq!(presence["left"].as_array().unwrap().len(), 0);
        if joined == 40 {
            assert_eq!(presence["count"], 140);
        }
    }
    person.until(&(someone_joined(140) + "\n"));
    drop(more);
    drop(crowd);
    // The server collects leaves while more than a hundred are there, then reports each.
    let mut left = 0;
    while left < 138 {
        let frame = first.frame();
        if let Some(presence) = frame.get("presence") {
            let names = presence["left"].as_array().unwrap().len();
            left += names + usize::try_from(presence["left_more"].as_u64().unwrap()).unwrap();
        } else {
            assert!(frame["left"]["count"].as_u64().unwrap() < 100, "{frame}");
            left += 1;
        }
    }
    assert_eq!(left, 138);
}

#[test]
fn who_leaves_before_it_has_read_the_past_is_told_no_later_message() {
    let server = TestServer::with(|settings| settings.rules.rate_limit.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    for n in 0..40 {
        ada.chat(&format!("{n} {}", "x".repeat(3_900)));
        ada.expect("message");
    }
    let mut bob = Peer::connect(server.address());
    let frames = [
        json!({"hello": {"protocol": 1, "after": 0}}),
        json!({"say": {"text": "hi"}}),
        json!({"bye": {}}),
    ];
    bob.send(frames.map(|frame| format!("{frame}\n")).concat());
    let told = bob.rest();
    let seqs = told.lines().filter_map(|line| {
        let frame: serde_json::Value = serde_json::from_str(line).unwrap();
        frame["message"]["seq"].as_u64()
    });
    for (wanted, seq) in (1..).zip(seqs) {
        assert_eq!(seq, wanted);
    }
}
