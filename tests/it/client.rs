//! The client library in a real room.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use async_channel::Receiver;
use chatroom::client::{Client, End, Event, Settings};
use chatroom::protocol::address::Address;
use chatroom::room::Closing;

use crate::common::{Host as _, PATIENCE, Peer, TestServer};

fn join(server: &TestServer, name: &str) -> (Client, Receiver<Event>) {
    Client::connect(Settings {
        address: Address::new("localhost", server.address().port()),
        name: name.to_owned(),
        ..Settings::default()
    })
}

/// Skips events until `pick` returns something for one, and returns that.
fn until<T>(events: &Receiver<Event>, pick: impl Fn(Event) -> Option<T>) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        match events.try_recv() {
            Ok(event) => match pick(event) {
                Some(picked) => return picked,
                None => continue,
            },
            Err(error) => assert!(error.is_empty(), "the channel is closed"),
        }
        assert!(Instant::now() < patience, "nothing happened");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn end(events: &Receiver<Event>) -> End {
    until(events, |event| match event {
        Event::Ended(end) => Some(end),
        _ => None,
    })
}

#[test]
fn clients_talk_ask_and_are_told_that_the_room_was_closed() {
    let server = TestServer::start();
    let (ada, ada_hears) = join(&server, "ada");
    let welcome = until(&ada_hears, |event| match event {
        Event::Welcomed(welcome) => Some(welcome),
        _ => None,
    });
    assert_eq!((&*welcome.room, &*welcome.you.name), ("Test", "ada"));

    let (bob, bob_hears) = join(&server, "ada");
    let joined = until(&ada_hears, |event| match event {
        Event::Joined(joined) => Some(joined),
        _ => None,
    });
    assert_eq!((&*joined.name, joined.count), ("ada_1", 2));

    let id = bob.say("hi\nthere").unwrap();
    for events in [&ada_hears, &bob_hears] {
        let message = until(events, |event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        });
        assert_eq!((message.seq, message.text()), (1, Some("hi\nthere")));
        assert_eq!(message.author.id, Some(joined.id));
        assert_eq!(message.message_id(), Some(&*id));
    }

    // The client reports a text that is too long by its id, and stays connected.
    let id = bob.say(&"x".repeat(4_001)).unwrap();
    let error = until(&bob_hears, |event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    });
    assert_eq!(error.id.as_deref(), Some(&*id));

    ada.ask_members(Some(welcome.you.id), 10).unwrap();
    let members = until(&ada_hears, |event| match event {
        Event::Members(members) => Some(members),
        _ => None,
    });
    assert_eq!((members.count, members.list.len()), (2, 1));
    ada.ask_history(None, 10).unwrap();
    let page = until(&ada_hears, |event| match event {
        Event::Page(page) => Some(page),
        _ => None,
    });
    assert_eq!((page.messages.len(), page.more), (1, false));

    bob.leave();
    assert_eq!(end(&bob_hears), End::Left);
    let left = until(&ada_hears, |event| match event {
        Event::Left(left) => Some(left),
        _ => None,
    });
    assert_eq!(left.id, joined.id);

    server.close(Closing::Service { retry_ms: 700 });
    let retry = Some(Duration::from_millis(700));
    let why = until(&ada_hears, |event| match event {
        Event::Interrupted(end) => Some(end),
        _ => None,
    });
    assert_eq!(why, End::ServiceStopping { retry });
    ada.leave();
    assert_eq!(end(&ada_hears), End::Left);
}

#[test]
fn a_room_that_is_full_says_so() {
    let server = TestServer::with(|settings| settings.rules.max_members = 1);
    let _ada = Peer::native(&server, "ada");
    let (_bob, events) = join(&server, "bob");
    assert_eq!(end(&events), End::RoomFull);
}

#[test]
fn what_is_said_just_before_leaving_is_said() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let (bob, events) = join(&server, "bob");
    for number in 0..20 {
        bob.say(&format!("{number}")).unwrap();
    }
    until(&events, |event| {
        matches!(event, Event::Welcomed(_)).then_some(())
    });
    drop(bob);
    for number in 0..20 {
        assert_eq!(ada.find("message")["text"], format!("{number}"));
    }
    assert_eq!(ada.find("left")["why"], "quit");
    assert_eq!(end(&events), End::Left);
}

/// Forwards bytes until they exceed `budget`. Then cuts both connections, even in the
/// middle of a frame.
fn pass(mut from: TcpStream, mut to: TcpStream, mut budget: usize) {
    let mut buffer = [0; 500];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let passed = length.min(budget);
        budget -= passed;
        if to.write_all(&buffer[..passed]).is_err() || budget == 0 {
            break;
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// A proxy that cuts one connection after the other, after this many bytes to the server
/// and from it. It does not cut the last one.
fn faulty(server: SocketAddr, budgets: Vec<(usize, usize)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (to, from) in budgets.into_iter().chain([(usize::MAX, usize::MAX)]) {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(server).unwrap();
            let (client_too, server_too) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(client, server, to));
            pass(server_too, client_too, from);
        }
    });
    port
}

#[test]
fn whatever_is_cut_everything_is_said_and_heard_once_and_in_order() {
    const COUNT: usize = 200;
    for grace in [Duration::from_mins(1), Duration::ZERO] {
        let server = TestServer::with(|settings| {
            settings.rules.grace = grace;
            settings.rules.rate_limit = chatroom::room::RateLimit::per_second(0);
        });
        let (_bob, bob_hears) = join(&server, "bob");
        until(&bob_hears, |event| {
            matches!(event, Event::Welcomed(_)).then_some(())
        });
        // On the first connection she joins; some of the others end within the welcome.
        let budgets = (0..40).map(|n| (2_000 + n * 37, 1_500 + n * 211 % 3_000));
        let port = faulty(server.address(), budgets.collect());
        let (ada, ada_hears) = Client::connect(Settings {
            address: Address::new("127.0.0.1", port),
            first_retry: Duration::from_millis(1),
            longest_retry: Duration::from_millis(5),
            ..Settings::default()
        });
        let said: Vec<String> = (0..COUNT)
            .map(|n| ada.say(&n.to_string()).unwrap())
            .collect();
        let cuts = std::cell::Cell::new(0);
        for events in [&bob_hears, &ada_hears] {
            for (seq, wanted) in (1..).zip(&said) {
                let message = until(events, |event| match event {
                    Event::Message(message) => Some(message),
                    Event::Interrupted(_) => {
                        cuts.set(cuts.get() + 1);
                        None
                    }
                    Event::Gap(_) | Event::Unsent { .. } | Event::Ended(_) => {
                        panic!("{event:?}")
                    }
                    _ => None,
                });
                assert_eq!((message.seq, message.message_id()), (seq, Some(&**wanted)));
            }
        }
        assert!(cuts.get() > 3, "{} cuts", cuts.get());
    }
}
