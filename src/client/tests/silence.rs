//! A server that falls silent, and one that is only slow.

use super::*;

const PING: &str = r#"{"ping":{}}"#;

/// A client in the room that waits no longer than `within` for a server that owes it an
/// answer, and for minutes otherwise.
fn impatient(within: Duration) -> (Client, Receiver<Event>, Peer) {
    joined(|settings| {
        settings.answer_within = within;
        settings.heartbeat = 60 * SECOND;
        settings.dead_after = 60 * SECOND;
    })
}

#[test]
fn a_server_that_stops_answering_is_lost_while_a_message_waits_for_its_echo() {
    let silence = SECOND / 2;
    let (client, events, mut peer) = impatient(silence);
    client.say("hi").unwrap();
    assert!(peer.hear().starts_with(r#"{"say":"#));
    assert_eq!(peer.hear(), PING);
    let Event::Unsent { .. } = next(&events) else {
        panic!("the message is given back");
    };
    assert_eq!(end(&events), End::Lost(Loss::Silence(silence)));
}

#[test]
fn a_server_that_stops_answering_is_lost_while_a_question_waits() {
    let silence = SECOND / 2;
    for ask in [
        |client: &Client| client.ask_members(None, 1),
        |client: &Client| client.ask_history(None, 1),
    ] {
        let (client, events, _peer) = impatient(silence);
        ask(&client).unwrap();
        assert_eq!(end(&events), End::Lost(Loss::Silence(silence)));
    }
}

#[test]
fn a_slow_server_that_says_that_it_is_there_is_not_lost() {
    let within = 2 * SECOND;
    let (client, events, mut peer) = impatient(within);
    let id = client.say("hi").unwrap();
    let begun = std::time::Instant::now();
    while begun.elapsed() < 2 * within {
        peer.hear_until(PING);
        peer.tell(r#"{"pong":{}}"#);
    }
    peer.tell(&message_of(2, 1, &id));
    assert!(matches!(next(&events), Event::Message(_)));
    // Nothing waits any more, and the client asks no more: what it says is the next
    // thing to be heard, but for a question that was under way.
    client.say("again").unwrap();
    let mut line = peer.hear();
    if line == PING {
        line = peer.hear();
    }
    assert!(line.starts_with(r#"{"say":"#), "{line}");
}

#[test]
fn a_part_of_a_line_is_life_too() {
    let within = 2 * SECOND;
    let (client, events, mut peer) = impatient(within);
    let id = client.say("hi").unwrap();
    let echo = message_of(2, 1, &id) + "\n";
    let (begin, rest) = echo.split_at(8);
    // A byte whenever the client wonders whether anyone is there.
    for byte in begin.bytes() {
        peer.hear_until(PING);
        peer.0.get_mut().write_all(&[byte]).unwrap();
    }
    peer.0.get_mut().write_all(rest.as_bytes()).unwrap();
    assert!(matches!(next(&events), Event::Message(_)));
}

#[test]
fn the_next_try_is_known_while_it_is_waited_for() {
    let (listener, mut settings) = local();
    settings.comes_back = true;
    settings.first_retry = 60 * SECOND;
    settings.longest_retry = 60 * SECOND;
    let (client, events) = Client::connect(settings);
    let mut peer = Peer::accept(&listener);
    peer.hear();
    peer.tell(WELCOME);
    assert!(matches!(next(&events), Event::Welcomed(_)));
    assert_eq!(client.next_try(), None);
    drop(peer);
    assert!(matches!(next(&events), Event::Interrupted(_)));
    let now = std::time::Instant::now();
    let at = loop {
        match client.next_try() {
            Some(at) => break at,
            None => std::thread::yield_now(),
        }
    };
    assert!(at > now + 20 * SECOND && at < now + 100 * SECOND);
    client.retry_now();
    let mut peer = Peer::accept(&listener);
    peer.hear();
    assert_eq!(client.next_try(), None);
}
