//! Coming back after a lost connection.

use std::time::Instant;

use super::*;

/// The welcome of someone who comes back.
pub fn welcome(next: u64, me: u64, resumed: bool) -> String {
    WELCOME
        .replace(
            r#""next":1"#,
            &format!(r#""next":{next},"resumed":{resumed}"#),
        )
        .replace(r#""you":{"id":2"#, &format!(r#""you":{{"id":{me}"#))
        .replace(r#""text":4000}"#, r#""text":4000},"features":["resume"]"#)
}

fn hello(after: u64) -> String {
    format!(
        r#"{{"hello":{{"protocol":1,"name":"ada","epoch":"e","session":"s","after":{after}}}}}"#
    )
}

fn say(id: &str) -> String {
    format!(r#"{{"say":{{"id":"{id}","text":"hi"}}}}"#)
}

/// A client that is in the room and comes back, without much waiting.
pub fn staying(change: impl FnOnce(&mut Settings)) -> (Client, Receiver<Event>, Peer, TcpListener) {
    let (listener, mut settings) = local();
    settings.comes_back = true;
    settings.first_retry = SECOND / 100;
    settings.longest_retry = SECOND / 20;
    change(&mut settings);
    let (client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), r#"{"hello":{"protocol":1,"name":"ada"}}"#);
    peer.tell(&welcome(1, 2, false));
    assert!(matches!(next(&events), Event::Welcomed(_)));
    (client, events, peer, listener)
}

fn interrupted(events: &Receiver<Event>) -> End {
    match next(events) {
        Event::Interrupted(end) => end,
        event => panic!("{event:?}"),
    }
}

fn returned(events: &Receiver<Event>) {
    match next(events) {
        Event::Returned(_) => {}
        event => panic!("{event:?}"),
    }
}

fn seq(events: &Receiver<Event>) -> u64 {
    match next(events) {
        Event::Message(message) => message.seq,
        event => panic!("{event:?}"),
    }
}

/// Asserts that the client sends nothing before it answers.
fn says_nothing(peer: &mut Peer) {
    peer.tell(r#"{"ping":{}}"#);
    assert_eq!(peer.hear(), r#"{"pong":{}}"#);
}

#[test]
fn what_was_missed_follows_the_return_and_nothing_comes_twice() {
    let (_client, events, mut peer, listener) = staying(|_| {});
    peer.tell(&message(1));
    drop(peer);
    assert_eq!(seq(&events), 1);
    assert_eq!(interrupted(&events), End::Lost(Loss::Ended));
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(1));
    peer.tell(&welcome(4, 2, true));
    for seq in [1, 2, 3, 3, 4] {
        peer.tell(&message(seq));
    }
    returned(&events);
    for wanted in 2..=4 {
        assert_eq!(seq(&events), wanted);
    }
}

/// An entry of a kind that this version does not know.
fn unknown(seq: u64) -> String {
    format!(r#"{{"reaction":{{"seq":{seq},"to":1,"text":"+1"}}}}"#)
}

#[test]
fn the_place_of_an_entry_of_an_unknown_kind_is_counted() {
    let (_client, events, mut peer, listener) = staying(|_| {});
    for line in [message(1), unknown(2), message(3), unknown(4)] {
        peer.tell(&line);
    }
    assert_eq!(seq(&events), 1);
    assert!(matches!(next(&events), Event::Unknown { seq: 2 }));
    assert_eq!(seq(&events), 3);
    assert!(matches!(next(&events), Event::Unknown { seq: 4 }));
    drop(peer);
    assert_eq!(interrupted(&events), End::Lost(Loss::Ended));
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(4));
    peer.tell(&welcome(5, 2, true));
    returned(&events);
    // An older message does not come again.
    peer.tell(&message(3));
    peer.tell(&message(5));
    assert_eq!(seq(&events), 5);
}

#[test]
fn an_entry_of_an_unknown_kind_can_be_the_last_that_was_missed() {
    let (client, events, peer, listener) = staying(|_| {});
    drop(peer);
    interrupted(&events);
    let id = client.say("hi").unwrap();
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(0));
    peer.tell(&welcome(3, 2, true));
    peer.tell(&message(1));
    says_nothing(&mut peer);
    peer.tell(&unknown(2));
    // Now the client has everything that it missed, and talks.
    assert_eq!(peer.hear(), say(&id));
    returned(&events);
    assert_eq!(seq(&events), 1);
}

#[test]
fn what_is_not_known_to_be_said_is_said_again_in_order_after_what_was_missed() {
    let (client, events, mut peer, listener) = staying(|_| {});
    let ids: Vec<String> = (0..3).map(|_| client.say("hi").unwrap()).collect();
    for id in &ids {
        assert_eq!(peer.hear(), say(id));
    }
    // The connection breaks after the server accepted the messages, and before it said
    // so.
    drop(peer);
    assert_eq!(interrupted(&events), End::Lost(Loss::Ended));
    let later = client.say("hi").unwrap();
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(0));
    peer.tell(&welcome(3, 2, true));
    peer.tell(&message_of(2, 1, &ids[1]));
    says_nothing(&mut peer);
    // The id of another member is not the client's.
    peer.tell(&message_of(1, 2, &ids[0]));
    for id in [&ids[0], &ids[2], &later] {
        assert_eq!(peer.hear(), say(id));
    }
    returned(&events);
    assert_eq!((seq(&events), seq(&events)), (1, 2));
    peer.tell(&format!(r#"{{"said":{{"id":"{}","seq":1}}}}"#, ids[0]));
    assert!(matches!(next(&events), Event::Said(_)));
    for (seq, id) in [(3, &ids[2]), (4, &later)] {
        peer.tell(&message_of(2, seq, id));
    }
    assert_eq!((seq(&events), seq(&events)), (3, 4));
    drop(client);
    peer.hear_until(r#"{"bye":{}}"#);
    peer.tell(CLOSED);
    assert_eq!(end(&events), End::Left);
}

#[test]
fn a_cut_at_any_point_of_the_way_back_is_only_another_try() {
    let (client, events, peer, listener) = staying(|_| {});
    drop(peer);
    interrupted(&events);
    drop(Peer::accept(&listener));
    let whole = welcome(1, 2, true);
    for begun in ["", "{", &whole[..40], "HTTP/1.1 502 Bad Gateway\r\n\r\n"] {
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.hear(), hello(0));
        peer.0.get_mut().write_all(begun.as_bytes()).unwrap();
    }
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(r#"{"error":{"code":"too-many-connections","text":"x","fatal":true}}"#);
    drop(peer);

    // In the middle of a frame, when the client is in the room.
    let id = client.say("hi").unwrap();
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(&whole);
    returned(&events);
    assert_eq!(peer.hear(), say(&id));
    let echo = message_of(2, 1, &id);
    peer.0.get_mut().write_all(&echo.as_bytes()[..50]).unwrap();
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(0));
    peer.tell(&welcome(2, 2, true));
    peer.tell(&echo);
    returned(&events);
    assert_eq!(seq(&events), 1);
    says_nothing(&mut peer);
}

#[test]
fn a_server_that_is_gone_for_a_while_is_found_again() {
    let (_client, events, peer, listener) = staying(|_| {});
    let address = listener.local_addr().unwrap();
    drop((peer, listener));
    interrupted(&events);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let listener = TcpListener::bind(address).unwrap();
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(0));
    peer.tell(&welcome(1, 2, true));
    returned(&events);
}

#[test]
fn what_is_for_good_ends_it_and_gives_back_what_was_not_sent() {
    let error = |code: &str| format!(r#"{{"error":{{"code":"{code}","text":"x","fatal":true}}}}"#);
    let closed = |code: &str| format!(r#"{{"closed":{{"code":"{code}","text":"x"}}}}"#);
    for (last, wanted) in [
        (error("room-full"), End::RoomFull),
        (error("protocol-version"), End::OtherVersion),
        (error("bad-frame"), End::Rejected("x".to_owned())),
        (closed("host-closed"), End::RoomClosed),
        (closed("taken-over"), End::TakenOver),
        (closed("bye"), End::Left),
        (format!("{}\nnonsense", welcome(2, 2, true)), End::Garbled),
    ] {
        let (client, events, peer, listener) = staying(|_| {});
        drop(peer);
        interrupted(&events);
        let ids = [client.say("hi").unwrap(), client.say("hi").unwrap()];
        let mut peer = Peer::accept(&listener);
        peer.hear();
        peer.tell(&last);
        if wanted == End::Garbled {
            returned(&events);
        }
        assert_eq!([unsent(&events), unsent(&events)], ids, "{wanted:?}");
        assert_eq!(end(&events), wanted);
        assert_eq!(client.say("hi"), Err(NotQueued::Over));
    }

    // Also when the client was in the room.
    for (last, wanted) in [
        (closed("host-closed"), End::RoomClosed),
        (closed("taken-over"), End::TakenOver),
        ("nonsense".to_owned(), End::Garbled),
    ] {
        let (_client, events, mut peer, _listener) = staying(|_| {});
        peer.tell(&last);
        assert_eq!(end(&events), wanted);
    }
}

#[test]
fn a_service_that_stops_is_tried_again_when_it_asked_for_it() {
    let (_client, events, mut peer, listener) = staying(|_| {});
    peer.tell(r#"{"closed":{"code":"service-stopping","text":"x","retry_ms":300}}"#);
    let retry = Some(SECOND * 3 / 10);
    let told = Instant::now();
    assert_eq!(interrupted(&events), End::ServiceStopping { retry });
    let mut peer = Peer::accept(&listener);
    assert!(told.elapsed() >= SECOND / 4, "{:?}", told.elapsed());
    peer.hear();
    peer.tell(&welcome(1, 2, true));
    returned(&events);
}

#[test]
fn nobody_who_asks_for_a_try_at_once_waits() {
    let (client, events, mut peer, listener) = staying(|_| {});
    // Nothing to come back from.
    client.retry_now();
    peer.tell(r#"{"closed":{"code":"store-failed","text":"x","retry_ms":60000}}"#);
    interrupted(&events);
    assert_eq!(client.ask_members(None, 1), Err(NotQueued::Away));
    let asked = Instant::now();
    client.retry_now();
    let mut peer = Peer::accept(&listener);
    assert!(asked.elapsed() < 20 * SECOND);
    peer.hear();
    peer.tell(&welcome(1, 2, true));
    returned(&events);
    client.ask_members(None, 1).unwrap();
    peer.hear_until(r#"{"members":{"limit":1}}"#);
}

#[test]
fn who_does_not_want_to_wait_for_ever_gives_up() {
    let (client, events, peer, listener) =
        staying(|settings| settings.give_up_after = Some(SECOND / 5));
    let address = Address::new("127.0.0.1", listener.local_addr().unwrap().port());
    drop((peer, listener));
    interrupted(&events);
    let id = client.say("hi").unwrap();
    assert_eq!(unsent(&events), id);
    assert_eq!(end(&events), End::Refused(address));
}

#[test]
fn leaving_ends_it_at_every_stage_of_coming_back() {
    // While the client waits.
    let long = r#"{"closed":{"code":"service-stopping","text":"x","retry_ms":60000}}"#;
    let (client, events, mut peer, _listener) = staying(|_| {});
    peer.tell(long);
    interrupted(&events);
    let id = client.say("hi").unwrap();
    client.leave();
    assert_eq!(unsent(&events), id);
    assert_eq!(end(&events), End::Left);

    // Before the welcome.
    let (client, events, peer, listener) = staying(|_| {});
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    peer.hear();
    drop(client);
    assert_eq!(end(&events), End::Left);
    assert_eq!(peer.hear(), "");

    // While the missed messages come.
    let (client, events, peer, listener) = staying(|_| {});
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(&welcome(5, 2, true));
    returned(&events);
    client.leave();
    assert_eq!(peer.hear(), r#"{"bye":{}}"#);
    peer.tell(CLOSED);
    assert_eq!(end(&events), End::Left);
}

#[test]
fn nobody_comes_back_for_someone_who_does_not_listen() {
    let (client, events, mut peer, listener) = staying(|_| {});
    peer.tell(r#"{"closed":{"code":"service-stopping","text":"x","retry_ms":100}}"#);
    interrupted(&events);
    drop(events);
    // Only this handle is left when the thread has ended.
    let patience = Instant::now() + 10 * SECOND;
    while Arc::strong_count(&client.handle.0) > 1 {
        assert!(Instant::now() < patience, "the thread goes on");
        std::thread::yield_now();
    }
    assert_eq!(client.say("hi"), Err(NotQueued::Over));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[test]
fn what_comes_too_fast_is_said_again_in_order_when_the_time_is_over() {
    let (client, events, mut peer, _listener) = staying(|_| {});
    let ids: Vec<String> = (0..3).map(|_| client.say("hi").unwrap()).collect();
    for id in &ids {
        assert_eq!(peer.hear(), say(id));
    }
    let refuse = |peer: &mut Peer, id: &str| {
        peer.tell(&format!(
            r#"{{"error":{{"code":"too-fast","id":"{id}","text":"x","retry_ms":100,"fatal":false}}}}"#
        ));
    };
    refuse(&mut peer, &ids[0]);
    refuse(&mut peer, &ids[1]);
    refuse(&mut peer, &ids[2]);
    assert_eq!(peer.hear(), say(&ids[0]));
    refuse(&mut peer, &ids[0]);
    assert_eq!(peer.hear(), say(&ids[0]));
    says_nothing(&mut peer);
    peer.tell(&message_of(2, 1, &ids[0]));
    // The client reports this to nobody.
    assert_eq!(seq(&events), 1);
    assert_eq!(peer.hear(), say(&ids[1]));
    assert_eq!(peer.hear(), say(&ids[2]));
}

#[test]
fn what_may_have_been_said_in_a_gap_is_given_up() {
    let (client, events, mut peer, listener) = staying(|_| {});
    let old = client.say("hi").unwrap();
    assert_eq!(peer.hear(), say(&old));
    drop(peer);
    interrupted(&events);
    let new = client.say("hi").unwrap();
    let mut peer = Peer::accept(&listener);
    peer.hear();
    // As another member.
    peer.tell(&welcome(6, 9, false));
    peer.tell(r#"{"gap":{"from":1,"to":4}}"#);
    returned(&events);
    assert!(matches!(next(&events), Event::Gap(_)));
    says_nothing(&mut peer);
    peer.tell(&message(5));
    assert_eq!(seq(&events), 5);
    assert_eq!(unsent(&events), old);
    assert_eq!(peer.hear(), say(&new));
    peer.tell(&message_of(9, 6, &new));
    assert_eq!(seq(&events), 6);
    client.say_as(&old, "hi").unwrap();
    assert_eq!(peer.hear(), say(&old));
}

#[test]
fn what_was_said_under_an_earlier_membership_is_known_by_its_id() {
    let (client, events, mut peer, listener) = staying(|_| {});
    let ids = [client.say("hi").unwrap(), client.say("hi").unwrap()];
    peer.hear();
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(&welcome(2, 9, false));
    peer.tell(&message_of(2, 1, &ids[0]));
    returned(&events);
    assert_eq!(seq(&events), 1);
    assert_eq!(peer.hear(), say(&ids[1]));
}

#[test]
fn another_run_of_the_program_takes_up_where_the_last_one_was() {
    let (listener, mut settings) = local();
    settings.resume = Some(Resume {
        session: "s".to_owned(),
        epoch: "e".to_owned(),
        after: 7,
    });
    let message = |id: &str| (id.to_owned(), "hi".to_owned());
    settings.unsent = vec![message("a"), message(""), message("b"), message("c")];
    let (client, events) = Client::connect(settings);
    let new = client.say("hi").unwrap();
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(7));
    peer.tell(&welcome(9, 2, true));
    peer.tell(&message_of(2, 8, "b"));
    for id in ["a", "c", &new] {
        assert_eq!(peer.hear(), say(id));
    }
    assert!(matches!(next(&events), Event::Welcomed(welcome) if welcome.resumed));
    assert_eq!(unsent(&events), "");
    assert_eq!(seq(&events), 8);
}

#[test]
fn another_log_is_read_from_its_own_beginning() {
    let (client, events, mut peer, listener) = staying(|_| {});
    for seq in 1..=3 {
        peer.tell(&message(seq));
    }
    for wanted in 1..=3 {
        assert_eq!(seq(&events), wanted);
    }
    let id = client.say("hi").unwrap();
    peer.hear();
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(3));
    peer.tell(&welcome(2, 2, false).replace(r#""epoch":"e""#, r#""epoch":"f""#));
    peer.tell(&message(1));
    returned(&events);
    assert_eq!(seq(&events), 1);
    assert_eq!(peer.hear(), say(&id));
    drop(peer);
    interrupted(&events);
    let mut peer = Peer::accept(&listener);
    assert_eq!(peer.hear(), hello(1).replace(r#""e""#, r#""f""#));
}
