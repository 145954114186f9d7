//! In the room: talking, the heartbeat, slow listeners, leaving.

use super::*;
use crate::protocol::native::frame::{Code, read_request};
use crate::room::Entry;

#[test]
fn a_client_joins_talks_asks_and_leaves() {
    let (listener, mut settings) = local();
    settings.host_key = Some("abcdefghijklmnop".parse().unwrap());
    let (client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    let hello = peer.hear();
    assert_eq!(
        hello,
        r#"{"hello":{"protocol":1,"name":"ada","host":true}}"#
    );
    peer.tell("SERVER: What is your name?");
    peer.tell(WELCOME);
    let Event::Welcomed(welcome) = next(&events) else {
        panic!()
    };
    assert_eq!((&*welcome.room, &*welcome.you.name), ("R", "ada"));
    assert_eq!((&*welcome.session, &*welcome.epoch), ("s", "e"));

    let first = client.say("hi\n\"you\"").unwrap();
    let second = client.clone().say("there").unwrap();
    client.ask_members(None, 5).unwrap();
    client.ask_history(Some(42), 7).unwrap();
    assert_ne!(first, second);
    for wanted in [
        format!(r#"{{"say":{{"id":"{first}","text":"hi\n\"you\""}}}}"#),
        format!(r#"{{"say":{{"id":"{second}","text":"there"}}}}"#),
        r#"{"members":{"limit":5}}"#.to_owned(),
        r#"{"history":{"before":42,"limit":7}}"#.to_owned(),
    ] {
        assert_eq!(peer.hear(), wanted);
    }

    peer.tell(&message_of(2, 1, &first));
    let Event::Message(echo) = next(&events) else {
        panic!()
    };
    assert_eq!(echo.message_id(), Some(&*first));
    peer.tell(&format!(
        r#"{{"error":{{"code":"too-long","id":"{second}","text":"x","fatal":false}}}}"#
    ));
    let Event::Error(error) = next(&events) else {
        panic!()
    };
    assert_eq!(error.code, Code::TooLong);
    assert_eq!(error.id.as_deref(), Some(&*second));

    let last = client.say("last").unwrap();
    client.leave();
    assert_eq!(client.say("late"), Err(NotQueued::Over));
    assert!(peer.hear().contains("last"));
    assert_eq!(peer.hear(), r#"{"bye":{}}"#);
    // Frames under way still arrive.
    peer.tell(&message_of(2, 2, &last));
    peer.tell(CLOSED);
    assert!(matches!(next(&events), Event::Message(_)));
    assert_eq!(end(&events), End::Left);
    assert_eq!(peer.hear(), "");
}

#[test]
fn dropping_the_client_or_its_events_is_leaving() {
    let (client, events, mut peer) = joined(|_| {});
    drop(client);
    assert_eq!(peer.hear(), r#"{"bye":{}}"#);
    drop(peer);
    assert_eq!(end(&events), End::Left);

    let (client, events, mut peer) = joined(|_| {});
    client.say("last").unwrap();
    drop(events);
    assert!(peer.hear().contains("last"));
    assert_eq!(peer.hear(), r#"{"bye":{}}"#);
    peer.tell(CLOSED);
    assert_eq!(peer.hear(), "");
}

#[test]
fn a_server_that_does_not_say_goodbye_is_left_all_the_same() {
    let (client, events, _peer) = joined(|settings| settings.leave_within = SECOND / 20);
    client.leave();
    assert_eq!(end(&events), End::Left);
}

#[test]
fn each_side_shows_the_other_that_it_is_there() {
    let (_client, events, mut peer) = joined(|settings| {
        settings.heartbeat = SECOND / 20;
        settings.dead_after = SECOND;
    });
    // For longer than a silence may last.
    for _ in 0..25 {
        assert_eq!(peer.hear(), r#"{"ping":{}}"#);
        peer.tell(r#"{"pong":{}}"#);
    }
    peer.tell(r#"{"ping":{}}"#);
    peer.hear_until(r#"{"pong":{}}"#);
    assert!(events.is_empty());
}

#[test]
fn a_slow_listener_keeps_its_place_and_loses_nothing() {
    const COUNT: usize = 20_000;
    let (client, events, mut peer) = joined(|settings| {
        settings.heartbeat = SECOND / 50;
        settings.dead_after = SECOND / 2;
    });
    let mut out = peer.0.get_ref().try_clone().unwrap();
    let lines: String = (0..COUNT).map(|seq| message(seq) + "\n").collect();
    let teller = std::thread::spawn(move || out.write_all(lines.as_bytes()).unwrap());
    while !events.is_full() {
        assert_eq!(peer.hear(), r#"{"ping":{}}"#);
    }
    // The listener takes nothing, for longer than a silence may last.
    for _ in 0..50 {
        assert_eq!(peer.hear(), r#"{"ping":{}}"#);
    }
    for wanted in 0..COUNT {
        let Event::Message(message) = next(&events) else {
            panic!()
        };
        assert_eq!(message.seq, wanted as u64);
    }
    teller.join().unwrap();
    drop(client);
    peer.hear_until(r#"{"bye":{}}"#);
}

#[test]
fn requests_that_cannot_be_sent_are_given_back() {
    let (listener, settings) = local();
    let (client, events) = Client::connect(settings);
    // Before the welcome the client sends nothing.
    for _ in 0..OUTBOX_MESSAGES {
        client.say("hi").unwrap();
    }
    assert_eq!(client.say("hi"), Err(NotQueued::Full));
    for _ in 0..REQUESTS {
        client.ask_members(None, 1).unwrap();
    }
    assert_eq!(client.ask_history(None, 1), Err(NotQueued::Full));
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(WELCOME);
    for _ in 0..OUTBOX_MESSAGES {
        let say = peer.hear();
        let Ok(Some(Request::Say(say))) = read_request(say.as_bytes()) else {
            panic!("{say}")
        };
        peer.tell(&format!(
            r#"{{"said":{{"id":"{}","seq":1}}}}"#,
            say.id.unwrap()
        ));
    }
    for _ in 0..REQUESTS {
        assert!(peer.hear().contains("members"));
    }
    assert!(matches!(next(&events), Event::Welcomed(_)));
    for _ in 0..OUTBOX_MESSAGES {
        assert!(matches!(next(&events), Event::Said(_)));
    }
    client.say("hi").unwrap();

    // The client does not send a frame that would end the connection.
    assert_eq!(client.say(&"\u{1}".repeat(16_000)), Err(NotQueued::TooLong));
    assert_eq!(
        client.say(&"x".repeat(FRAME_LIMIT)),
        Err(NotQueued::TooLong)
    );
    let longest = FRAME_LIMIT - (peer.hear().len() - "hi".len());
    assert_eq!(
        client.say(&"x".repeat(longest + 1)),
        Err(NotQueued::TooLong)
    );
    client.say(&"x".repeat(longest)).unwrap();
    let line = peer.hear();
    assert_eq!(line.len(), FRAME_LIMIT);
    assert!(read_request(line.as_bytes()).is_ok());
}

#[test]
fn a_listener_is_told_all_of_it() {
    #[derive(Default)]
    struct Told(Vec<String>);

    impl Listener for Told {
        fn message(&mut self, message: &Entry<'static>) {
            self.0.push(format!("message {}", message.seq));
        }

        fn closed(&mut self, end: &End) {
            self.0.push(format!("closed {end}"));
        }

        fn event(&mut self, event: &Event) {
            let mut lines = Vec::new();
            write_lines(event, &mut lines);
            self.0.push(String::from_utf8(lines).unwrap());
        }
    }

    let (_client, events, mut peer) = joined(|_| {});
    peer.tell(r#"{"joined":{"id":3,"name":"eve","count":3}}"#);
    peer.tell(&message(1));
    peer.tell(r#"{"gap":{"from":2,"to":4}}"#);
    peer.tell(r#"{"left":{"id":3,"name":"eve","why":"quit","count":2}}"#);
    peer.tell(
        r#"{"presence":{"count":120,"joined":["eve"],"joined_more":8,"left":[],"left_more":0}}"#,
    );
    peer.tell(r#"{"notice":{"code":"x","text":"one\ntwo"}}"#);
    peer.tell(r#"{"closed":{"code":"host-closed","text":""}}"#);
    let mut told = Told::default();
    assert_eq!(listen(&events, &mut told), End::RoomClosed);
    assert_eq!(
        told.0,
        [
            "SERVER: “eve” joined. 3 people are here now.\n",
            "message 1",
            "SERVER: 3 messages are missing here.\n",
            "SERVER: “eve” left. 2 people are here now.\n",
            "SERVER: “eve” and 8 others joined. 120 people are here now.\n",
            "SERVER: one\nSERVER: two\n",
            "closed The room was closed.",
        ]
    );
}

#[test]
fn a_text_of_several_lines_is_told_with_the_name_before_each() {
    let (_client, events, mut peer) = joined(|_| {});
    peer.tell(&message(1).replace("hi", "hi\\nSERVER: bye\\r\\u001b[A"));
    let mut lines = Vec::new();
    write_lines(&next(&events), &mut lines);
    assert_eq!(
        String::from_utf8(lines).unwrap(),
        "bob: hi\nbob: SERVER: bye\nbob: [A\n"
    );
}
