//! Hostile peers: others notice nothing, and the server holds a bounded amount.
//!
//! The server is a process of its own, so that its memory is its own.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Host as _, Peer, ServerProcess};
use crate::sentences;

/// Lets two members exchange messages, and fails if one is delayed.
fn talk(ada: &mut Peer, bob: &mut Peer, count: usize) {
    for n in 0..count {
        let start = Instant::now();
        ada.chat("hello");
        while ada.heard() != "hello" {}
        while bob.heard() != "hello" {}
        // He sends nothing else, so in a long test the server sends him a ping.
        bob.write(&json!({"pong": {}}));
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "message {n} was held up"
        );
        // Within the server's rate limit.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The number of bytes sent of an endless line; more in a soak.
fn endless_bytes() -> usize {
    if std::env::var_os("CHATROOM_SOAK").is_some() {
        1 << 30
    } else {
        64 << 20
    }
}

#[test]
fn an_endless_line_and_noise_disturb_nobody_and_are_not_held() {
    // All come from one address here: what the noise says must not use up its allowance.
    let server = ServerProcess::start(&["--rate", "1000", "--text-per-address", "0"]);
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    let before = server.memory();
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
                    // The server may end the connection, or not read for a while.
                    match stream.write(&bytes) {
                        Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                        Err(_) => {}
                        Ok(count) => sent += count,
                    }
                    if n == 0 && sent > endless_bytes() {
                        let _ = told.send(());
                    }
                }
                stream
            })
        })
        .collect();
    // Others exchange messages while one line comes.
    while endless.try_recv().is_err() {
        talk(&mut ada, &mut bob, 10);
    }
    let grown = server.memory().saturating_sub(before);
    stop.store(true, Ordering::Relaxed);
    // The connections stay, with lines that never end.
    let _hostile: Vec<_> = hostile
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    println!("{} bytes of a line, {grown} bytes more", endless_bytes());
    server.rests();
    assert!(grown < 8 << 20, "{grown} bytes more");
}

/// Reads the frames of a member until the message “the end”, and shows each to `look`. No
/// message is missing but those of the gaps. Returns the last `seq`, and the gaps.
fn read_to_the_end(peer: &mut Peer, look: impl Fn(&Value)) -> (u64, Vec<Range<u64>>) {
    let (mut next, mut gaps) = (1, Vec::new());
    loop {
        let frame = peer.frame();
        look(&frame);
        if let Some(gap) = frame.get("gap") {
            assert_eq!(gap["from"], next);
            let end = gap["to"].as_u64().unwrap() + 1;
            gaps.push(next..end);
            next = end;
        } else if let Some(message) = frame.get("message") {
            assert_eq!(message["seq"], next);
            if message["text"] == "the end" {
                return (next, gaps);
            }
            next += 1;
        }
    }
}

#[test]
fn one_who_never_reads_costs_a_bounded_amount_and_is_told_what_it_missed() {
    let server = ServerProcess::start(&["--rate", "0"]);
    let mut ada = Peer::native(&server, "ada");
    let mut stopped = Peer::native(&server, "stopped");
    let mut person = Peer::text(&server, "person");
    ada.expect("joined");
    ada.expect("joined");
    let text = "x".repeat(4_000);
    let before = server.memory();
    for n in 1..=8_000 {
        ada.chat(&text);
        assert_eq!(ada.expect("message")["seq"], n);
    }
    // 64 MB for both doors; the log holds 32 MiB, a stopped reader an entry of it.
    let grown = server.memory().saturating_sub(before);
    println!("{grown} bytes more");
    assert!(grown < 44 << 20, "{grown} bytes more");

    ada.chat("the end");
    let (_, gaps) = read_to_the_end(&mut stopped, |_| {});
    assert!(!gaps.is_empty());
    let mut missed = false;
    loop {
        let line = person.line();
        missed |= line.contains(sentences::TOO_SLOW);
        if line == "ada: the end" {
            break;
        }
    }
    assert!(missed);
}

#[test]
fn one_who_never_reads_is_told_from_the_store_what_memory_does_not_hold() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("room.db");
    let server = ServerProcess::start(&["--rate", "0", "--store", store.to_str().unwrap()]);
    let mut ada = Peer::native(&server, "ada");
    let mut stopped = Peer::native(&server, "stopped");
    ada.expect("joined");
    let text = "x".repeat(4_000);
    let before = server.memory();
    for round in 0..240 {
        if round == 40 {
            // The stopped member will not receive this.
            Peer::native(&server, "eve").break_off();
            ada.find("away");
        }
        for _ in 0..50 {
            ada.chat(&text);
        }
        for n in 1..=50 {
            assert_eq!(ada.find("message")["seq"], round * 50 + n);
        }
    }
    let grown = server.memory().saturating_sub(before);
    println!("{grown} bytes more");
    assert!(grown < 50 << 20, "{grown} bytes more");

    ada.chat("the end");
    let (last, gaps) = read_to_the_end(&mut stopped, |frame| {
        assert_eq!(frame.get("joined"), None);
    });
    assert!(!gaps.is_empty());
    assert!(
        gaps.iter().all(Range::is_empty),
        "only who came and went: {gaps:?}"
    );
    assert_eq!(last, 12_001);
}

#[test]
fn who_asks_for_much_at_once_is_answered_as_it_reads() {
    let server = ServerProcess::start(&["--rate", "0"]);
    let mut ada = Peer::native(&server, "ada");
    for _ in 0..100 {
        ada.chat(&"x".repeat(4_000));
        ada.expect("message");
    }
    let mut greedy = Peer::native(&server, "greedy");
    let before = server.memory();
    greedy.send("{\"history\":{}}\n".repeat(1_000));
    ada.expect("joined");
    // The server has received all of it when it answers another member.
    for _ in 0..10 {
        ada.write(&json!({"ping": {}}));
        ada.expect("pong");
    }
    let grown = server.memory().saturating_sub(before);
    println!("{grown} bytes more");
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
    let options = [
        "--rate",
        "0",
        "--max-per-address",
        "0",
        "--name-timeout",
        "4",
    ];
    let server = ServerProcess::start(&options);
    let mut ada = Peer::native(&server, "ada");
    let mut bob = Peer::native(&server, "bob");
    let before = server.memory();
    let mut silent = Vec::new();
    for n in 0..5_000 {
        silent.push(TcpStream::connect(server.address()).unwrap());
        if n % 250 == 0 {
            talk(&mut ada, &mut bob, 1);
        }
    }
    // After the timeout all of them are members, and the others still exchange messages.
    ada.write(&json!({"members": {}}));
    while ada.find("presence")["count"] != 5_002 {}
    talk(&mut ada, &mut bob, 20);
    let each = server.memory().saturating_sub(before) / 5_000;
    println!("{each} bytes for each silent member");
    assert!(each < 4 << 10, "{each} bytes for each");
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
