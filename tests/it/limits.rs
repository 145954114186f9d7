//! The limits, and that others notice nothing of who tries them.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chatroom::server::{Event, Refusal};
use serde_json::json;

use crate::common::{Peer, TestServer};

#[test]
fn who_speaks_too_fast_is_refused_until_the_time_it_was_told() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    for n in 1..=25 {
        ada.say(&n.to_string(), "hi");
    }
    for seq in 1..=20 {
        assert_eq!(ada.expect("message")["seq"], seq);
    }
    let mut retry = 0;
    for n in 21..=25 {
        let error = ada.expect("error");
        assert_eq!(
            (&error["code"], &error["id"]),
            (&json!("too-fast"), &json!(n.to_string()))
        );
        assert_eq!(error["fatal"], false);
        retry = error["retry_ms"].as_u64().unwrap();
        assert!((1..=1_000).contains(&retry));
    }
    // The time that it was told to wait is the event.
    std::thread::sleep(Duration::from_millis(retry));
    ada.say("26", "hi");
    assert_eq!(ada.expect("message")["seq"], 21);
}

#[test]
fn a_person_who_pastes_too_much_is_told_how_much_was_not_sent() {
    let server = TestServer::start();
    let mut bob = Peer::native(&server, "bob");
    let mut ada = Peer::text(&server, "ada");
    bob.expect("joined");
    ada.send("line\n".repeat(50));
    let mut not_sent = 0;
    while not_sent < 30 {
        let line = ada.line();
        let words = line.strip_prefix("SERVER: ").unwrap();
        assert!(words.contains("too fast"), "{words}");
        not_sent += words.split(' ').next().unwrap().parse().unwrap_or(1);
    }
    assert_eq!(not_sent, 30);
    for seq in 1..=20 {
        assert_eq!(bob.expect("message")["seq"], seq);
    }
}

#[test]
fn a_line_too_long_is_refused_in_words_and_ends_nothing() {
    let server = TestServer::start();
    let mut ada = Peer::text(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    ada.line();
    for long in [5_000, 100_000] {
        ada.send("x".repeat(long) + "\n");
        let line = ada.line();
        assert_eq!(
            line,
            "SERVER: Your message was not sent: more than 4000 characters or 100 lines."
        );
    }
    ada.send("short\n");
    assert_eq!(bob.heard(), "short");
}

#[test]
fn a_full_room_says_so_at_every_door() {
    let server = TestServer::with(|settings| settings.rules.max_members = 2);
    let ada = Peer::native(&server, "ada");
    let _bob = Peer::text(&server, "bob");
    let mut native = Peer::connect(server.address());
    native.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
    let error = native.expect("error");
    assert_eq!(
        (&error["code"], &error["fatal"]),
        (&json!("room-full"), &json!(true))
    );
    assert_eq!(native.rest(), "");
    let mut text = Peer::connect(server.address());
    text.send("eve\n");
    assert_eq!(text.rest(), "SERVER: The room is full. Try again later.\n");
    let refused = |event| {
        matches!(
            event,
            Event::Refused {
                why: Refusal::RoomFull,
                ..
            }
        )
    };
    server.event();
    server.event();
    assert!(refused(server.event()) && refused(server.event()));
    // The host is let in: without it nobody could close the room.
    let key = server.running().handle().host_key().to_owned();
    let mut host = Peer::connect(server.address());
    host.write(&json!({"hello": {"protocol": 1, "name": "host", "host_key": key}}));
    host.expect("welcome");
    drop(host);
    // A place that comes free is given.
    drop(ada);
    while !matches!(server.event(), Event::Left { count: 1, .. }) {}
    Peer::native(&server, "eve");
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let server = TestServer::with(|settings| settings.max_per_address = 2);
    let _ada = Peer::native(&server, "ada");
    let _bob = Peer::native(&server, "bob");
    // Each is told, however soon it speaks.
    for _ in 0..50 {
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
        assert_eq!(eve.expect("error")["code"], "too-many-connections");
    }
    let mut person = Peer::connect(server.address());
    person.send("eve\n");
    assert!(person.rest().starts_with("SERVER: Too many connections"));
    // Others come from elsewhere.
    let v6 = (std::net::Ipv6Addr::LOCALHOST, server.running().port());
    let mut kim = Peer::connect(v6.into());
    kim.write(&json!({"hello": {"protocol": 1, "name": "kim"}}));
    kim.expect("welcome");
}

#[test]
fn who_comes_and_goes_without_end_is_held_off() {
    let server = TestServer::with(|settings| settings.max_per_address = 20);
    let mut refused = 0;
    for _ in 0..100 {
        let mut eve = Peer::connect(server.address());
        eve.write(&json!({"hello": {"protocol": 1, "name": "eve"}}));
        refused += usize::from(eve.frame().get("error").is_some());
    }
    assert!(refused > 50, "{refused}");
}

/// The resident memory of this process, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .unwrap()
        << 10
}

/// Lets two members talk, and fails when a message is held up.
fn talk(ada: &mut Peer, bob: &mut Peer, count: usize) {
    for n in 0..count {
        let start = Instant::now();
        ada.say("x", "hello");
        while ada.heard() != "hello" {}
        while bob.heard() != "hello" {}
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "message {n} was held up"
        );
    }
}

#[test]
fn an_endless_line_and_noise_disturb_nobody_and_are_not_held() {
    let server =
        TestServer::with(|settings| settings.rules.pace = chatroom::room::Pace::per_second(1_000));
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    let before = memory();
    let address = server.address();
    let stop = Arc::new(AtomicBool::new(false));
    let (told, endless) = std::sync::mpsc::channel();
    let hostile: Vec<_> = [&b"ada\n"[..], b"{", b"eve\n", b"{\"say\":{\"text\":\""]
        .into_iter()
        .enumerate()
        .map(|(n, start)| {
            let (stop, told) = (Arc::clone(&stop), told.clone());
            std::thread::spawn(move || {
                let mut sent = 0;
                let mut stream = TcpStream::connect(address).unwrap();
                let noise =
                    (0..1_u32 << 20).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]);
                let bytes = if n == 2 {
                    noise.collect()
                } else {
                    vec![b'x'; 1 << 20]
                };
                stream.write_all(start).unwrap();
                stream
                    .set_write_timeout(Some(Duration::from_millis(100)))
                    .unwrap();
                while !stop.load(Ordering::Relaxed) {
                    // The server may end it, or not listen for a while.
                    match stream.write(&bytes) {
                        Err(error) if error.kind() != ErrorKind::WouldBlock => return,
                        Err(_) => {}
                        Ok(count) => sent += count,
                    }
                    if n == 0 && sent > 64 << 20 {
                        let _ = told.send(());
                    }
                }
            })
        })
        .collect();
    // Others talk while 64 MiB of one line come.
    while endless.try_recv().is_err() {
        talk(&mut ada, &mut bob, 10);
    }
    let grown = memory().saturating_sub(before);
    stop.store(true, Ordering::Relaxed);
    for thread in hostile {
        thread.join().unwrap();
    }
    assert!(grown < 100 << 20, "{grown} bytes more");
}

#[test]
fn one_who_never_reads_costs_a_bounded_amount_and_is_told_what_it_missed() {
    let server = TestServer::with(|settings| {
        settings.rules.pace.per_second = 0;
        settings.rules.retention.messages = 1_000;
        settings.rules.retention.bytes = 8 << 20;
    });
    let mut ada = Peer::native(&server, "ada");
    let mut stopped = Peer::native(&server, "stopped");
    let mut person = Peer::text(&server, "person");
    ada.expect("joined");
    ada.expect("joined");
    let text = "x".repeat(4_000);
    let before = memory();
    for n in 1..=10_000 {
        ada.say("x", &text);
        assert_eq!(ada.expect("message")["seq"], n);
    }
    // 40 MB were said; the log holds 8 MiB, a stopped reader an entry of it.
    let grown = memory().saturating_sub(before);
    assert!(grown < 30 << 20, "{grown} bytes more");

    ada.say("x", "the end");
    let (mut next, mut gaps) = (1, 0);
    loop {
        let frame = stopped.frame();
        if let Some(gap) = frame.get("gap") {
            assert_eq!(gap["from"], next);
            next = gap["to"].as_u64().unwrap() + 1;
            gaps += 1;
        } else if let Some(message) = frame.get("message") {
            assert_eq!(message["seq"], next);
            next += 1;
            if message["text"] == "the end" {
                break;
            }
        }
    }
    assert!(gaps > 0);
    let mut missed = false;
    loop {
        let line = person.line();
        missed |= line.contains("too slow");
        if line == "ada: the end" {
            break;
        }
    }
    assert!(missed);
}

#[test]
fn who_asks_for_much_at_once_is_answered_as_it_reads() {
    let server = TestServer::with(|settings| settings.rules.pace.per_second = 0);
    let mut ada = Peer::native(&server, "ada");
    for _ in 0..100 {
        ada.say("x", &"x".repeat(4_000));
        ada.expect("message");
    }
    let mut greedy = Peer::native(&server, "greedy");
    let before = memory();
    greedy.send("{\"history\":{}}\n".repeat(1_000));
    ada.expect("joined");
    // All of it is in the server's hands when it answers another.
    for _ in 0..10 {
        ada.write(&json!({"ping": {}}));
        ada.expect("pong");
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    for _ in 0..50 {
        assert!(
            !greedy.find("page")["messages"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn thousands_of_silent_connections_disturb_nobody() {
    let server = TestServer::with(|settings| {
        settings.max_per_address = 0;
        settings.name_timeout = Duration::from_secs(4);
        settings.rules.pace.per_second = 0;
    });
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    let before = memory();
    let mut silent = Vec::new();
    for n in 0..5_000 {
        silent.push(TcpStream::connect(server.address()).unwrap());
        if n % 250 == 0 {
            talk(&mut ada, &mut bob, 1);
        }
    }
    // After the time-out all of them are members, and the others still talk.
    ada.write(&json!({"members": {}}));
    while ada.find("presence")["count"] != 5_002 {}
    talk(&mut ada, &mut bob, 20);
    let each = memory().saturating_sub(before) / 5_000;
    println!("{each} bytes for each silent connection, its other end included");
    assert!(each < 8 << 10, "{each} bytes for each");
    drop(silent);
    loop {
        let frame = ada.frame();
        let count = ["presence", "left"]
            .iter()
            .find_map(|name| frame.get(name)?.get("count"));
        if count == Some(&json!(2)) {
            break;
        }
    }
}
