//! Everything at once, from many threads: whatever the order, nothing waits for ever
//! and nobody is left without an answer. In a debug build each lock that is taken
//! against the order fails the test by a panic of the server's thread.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use chatroom::server::Settings;
use serde_json::json;

use crate::common::{Host, Peer, TestServer};

/// So many that more than one thread of the server serves them.
const IDLE: usize = 300;

/// How often each connection of a session takes the place of the other one.
const TAKEOVERS: usize = 100;

/// Long enough for the whole on a slow machine. A server that is stuck never gets there.
const PATIENCE: Duration = Duration::from_mins(2);

/// A connection that takes the member over says something and is answered: by its echo,
/// or by being told that another one took the member over.
fn take_over(address: &impl Host, session: &str, id: &str) -> bool {
    let mut peer = Peer::connect(address.address());
    peer.write(&json!({"hello": {"protocol": 1, "session": session}}));
    peer.say(id, "hi");
    loop {
        let frame = peer.frame();
        if frame["message"]["id"] == id {
            return true;
        }
        if frame["closed"]["code"] == "taken-over" {
            return false;
        }
        for end in ["closed", "error"] {
            assert!(frame.get(end).is_none(), "{frame}");
        }
    }
}

#[test]
fn joins_takeovers_reloads_and_questions_at_once_stop_nothing() {
    let server = TestServer::with(|settings| {
        settings.rules.rate_limit.per_second = 0;
        settings.max_per_address = 0;
        settings.text_per_address = 0;
    });
    let idle: Vec<Peer> = (0..IDLE).map(|_| Peer::native(&server, "idle")).collect();
    let sessions: Vec<(Peer, String)> = (0..2)
        .map(|_| {
            let (peer, welcome) = Peer::greet(&server, "ada");
            (peer, welcome["session"].as_str().unwrap().to_owned())
        })
        .collect();
    let (done, echoed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (ended, all_ended) = mpsc::channel();
    // What holds the threads must not end before them, also if they never do.
    let all = Box::leak(Box::new((server, sessions, done, echoed)));
    let (server, sessions, done, echoed) = (&all.0, &all.1, &all.2, &all.3);
    let handle = server.running().handle();
    let spawn = |work: Box<dyn FnOnce() + Send>| {
        let ended = ended.clone();
        thread::spawn(move || {
            work();
            let _ = ended.send(());
        });
    };
    for (_, session) in sessions {
        for side in 0..2 {
            spawn(Box::new(move || {
                for n in 0..TAKEOVERS {
                    let id = format!("{side}-{n}");
                    echoed.fetch_add(take_over(server, session, &id).into(), Ordering::Relaxed);
                }
            }));
        }
    }
    for _ in 0..2 {
        spawn(Box::new(move || {
            while !done.load(Ordering::Relaxed) {
                let stats = handle.stats();
                assert!(stats.members >= IDLE, "{stats:?}");
            }
        }));
        spawn(Box::new(move || {
            while !done.load(Ordering::Relaxed) {
                Peer::text(server, "bob").send("?{quit}");
                drop(Peer::native(server, "eve"));
            }
        }));
    }
    spawn(Box::new(move || {
        let mut turn = 0;
        while !done.load(Ordering::Relaxed) {
            turn += 1;
            let mut settings = Settings {
                room_name: Some(format!("Room {turn}")),
                max_per_address: 0,
                text_per_address: 0,
                stay_open: true,
                ..Settings::default()
            };
            settings.rules.rate_limit.per_second = 0;
            handle.change(&settings);
        }
    }));
    let wait = |count: usize| {
        for _ in 0..count {
            if all_ended.recv_timeout(PATIENCE).is_err() {
                // A server that is stuck cannot be ended.
                eprintln!("a thread has failed or the server is stuck");
                std::process::abort();
            }
        }
    };
    wait(2 * sessions.len());
    done.store(true, Ordering::Relaxed);
    wait(5);
    // It serves on, and the last ones to take over were heard.
    assert!(echoed.load(Ordering::Relaxed) >= sessions.len());
    assert!(server.running().handle().members() >= IDLE);
    drop(idle);
    Peer::text(server, "last").send("?{quit}");
}
