//! Sessions, driven by bytes.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::protocol::Pin;
use crate::protocol::text::telnet::Telnet;
use crate::room::TokenHash;

use super::super::hub::{Guest, Hub, Wish};
use super::super::settings::Settings;
use super::*;

mod moderation;
mod private;
use crate::protocol::sniff::Protocol;

fn hub(change: impl FnOnce(&mut Settings)) -> Arc<Hub> {
    let mut settings = Settings::default();
    change(&mut settings);
    Hub::in_memory(settings)
}

fn guest(hub: &Arc<Hub>, now: Instant) -> Guest {
    Guest::arriving(hub, ([192, 0, 2, 1], 1).into(), now).unwrap()
}

/// A peer that speaks this protocol and has said nothing yet.
fn arrive(hub: &Arc<Hub>, protocol: Protocol, now: Instant) -> PeerSession {
    arrive_with(hub, protocol, None, now)
}

/// The same, over an encrypted connection if the server has shown a certificate.
fn arrive_with(
    hub: &Arc<Hub>,
    protocol: Protocol,
    certificate: Option<Pin>,
    now: Instant,
) -> PeerSession {
    let start = Start {
        guest: guest(hub, now),
        certificate,
        arrived: now,
        heard: now,
        asked: false,
        telnet: Telnet::default(),
        output: Vec::new(),
    };
    PeerSession::new(start, protocol)
}

/// A peer that sends a hello with the rest of this frame.
fn come(hub: &Arc<Hub>, hello: &str, now: Instant) -> PeerSession {
    let mut session = arrive(hub, Protocol::Native, now);
    let hello = format!("{{\"hello\":{{\"protocol\":1{hello}}}}}\n");
    session.take(hello.as_bytes(), now);
    session
}

/// The bytes that a session would write now.
fn told(session: &mut PeerSession) -> String {
    let mut told = String::new();
    let mut slices = Vec::new();
    while session.gather(&mut slices) != Found::Nothing {
        for slice in &slices {
            told += str::from_utf8(slice.bytes()).unwrap();
        }
        if slices.is_empty() {
            let count = session.output().len();
            told += str::from_utf8(session.output()).unwrap();
            session.wrote(count, &slices);
        } else {
            session.wrote(usize::MAX, &slices);
        }
        slices.clear();
    }
    told
}

/// Handles the outcomes that have come, and the input that waited for them.
fn go_on(session: &mut PeerSession, now: Instant) {
    let context = &mut Context::from_waker(Waker::noop());
    let _ = session.poll_outcomes(now, context);
    while session.can_take_up() {
        session.take_up(now);
    }
}

fn session_of(welcome: &str) -> String {
    let (_, rest) = welcome.split_once("\"session\":\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

const SAY: &[u8] = b"{\"say\":{\"text\":\"hi\"}}\n";

#[test]
fn a_session_whose_lease_is_over_is_told_so_when_it_says_something() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut old = come(&hub, "", now);
    let session = session_of(&told(&mut old));
    let mut new = come(&hub, &format!(",\"session\":\"{session}\""), now);
    assert!(told(&mut new).contains("\"resumed\":true"));
    // At once, and not only when it looks at the log again.
    old.take(SAY, now);
    assert_eq!(old.ending(), Some(Farewell::Silent));
    let told = told(&mut old);
    assert!(told.contains("\"taken-over\""), "{told}");
    assert_eq!(hub.room().next_seq(), 1);
}

#[test]
fn a_takeover_right_after_coming_in_is_noticed() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut guests: Vec<Guest> = (0..3).map(|_| guest(&hub, now)).collect();
    let wish = |resume| Wish {
        name: "ada".into(),
        protocol: Protocol::Native,
        is_encrypted: false,
        proven: None,
        host: false,
        resume,
        opened: now,
        members: 1,
    };
    let mut arrivals = Vec::new();
    let mut key = None;
    for guest in &mut guests {
        let std::task::Poll::Ready(Ok(arrival)) = guest.come(&wish(key), now) else {
            panic!("it joins at once");
        };
        key = key.or(arrival.token.as_deref().map(TokenHash::of));
        assert_eq!(arrival.revocations, hub.room().revocations());
        arrivals.push(arrival);
    }
    assert!(arrivals.is_sorted_by(|a, b| a.revocations < b.revocations));
    let honoured = arrivals
        .iter()
        .map(|it| hub.room().honours(it.entered.lease));
    assert_eq!(honoured.collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn input_that_was_put_aside_is_kept_whatever_comes_first() {
    for order in [["read", "take up"], ["take up", "read"]] {
        let (hub, now) = (hub(|_| {}), Instant::now());
        let mut ada = come(&hub, "", now);
        told(&mut ada);
        hub.set_congested(true);
        ada.take(SAY, now);
        assert!(!ada.wants_input() && !ada.can_take_up());
        hub.set_congested(false);
        // The input that was put aside comes first.
        assert!(!ada.wants_input() && ada.can_take_up());
        for step in order {
            match step {
                "read" => ada.take(b"{\"members\":{}}\n{\"say\":{\"text\":\"ho\"}}\n", now),
                _ => ada.take_up(now),
            }
        }
        let told = told(&mut ada);
        for answer in ["\"hi\"", "\"members\"", "\"ho\""] {
            assert!(told.contains(answer), "{order:?}: {told}");
        }
        assert!(ada.wants_input());
    }
}

#[test]
fn what_an_address_may_say_is_shared_by_its_members() {
    let now = Instant::now();
    let hub = hub(|settings| settings.text_per_address = 10_000);
    let long = "x".repeat(4_000);
    let say = format!("{{\"say\":{{\"text\":\"{long}\"}}}}\n");
    let mut refused = 0;
    for _ in 0..10 {
        let mut member = come(&hub, "", now);
        for _ in 0..5 {
            member.take(say.as_bytes(), now);
        }
        refused += told(&mut member).matches("\"too-fast\"").count();
    }
    // 80,000 bytes at once, of 200,000.
    assert_eq!(refused, 30);
    assert_eq!(hub.room().next_seq(), 21);
    // Everything is rejected until the time is over, then accepted again.
    let mut member = come(&hub, "", now);
    member.take(say.as_bytes(), now);
    member.take(SAY, now);
    assert_eq!(told(&mut member).matches("\"too-fast\"").count(), 2);
    member.take(SAY, now + Duration::from_secs(1));
    assert_eq!(told(&mut member).matches("\"too-fast\"").count(), 0);
}

#[test]
fn while_it_is_not_decided_whether_a_peer_joins_its_input_waits() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    hub.delay_outcomes();
    let mut native = arrive(&hub, Protocol::Native, now);
    native.take(
        b"{\"hello\":{\"protocol\":1,\"name\":\"ada\"}}\n{\"ping\":{}}\n",
        now,
    );
    let mut text = arrive(&hub, Protocol::Text, now);
    text.take(b"bob\nhello\n", now);
    for session in [&mut native, &mut text] {
        assert!(!session.wants_input() && !session.can_take_up());
        // The time to give a name does not run on.
        assert_eq!(session.deadline(), None);
        assert_eq!(told(session), "");
    }
    assert_eq!(hub.members(), 0);
    assert!(hub.apply_next() && hub.apply_next() && !hub.apply_next());
    go_on(&mut native, now);
    let welcomed = told(&mut native);
    assert!(welcomed.starts_with("{\"welcome\""), "{welcomed}");
    assert!(welcomed.ends_with("{\"pong\":{}}\n"), "{welcomed}");
    go_on(&mut text, now);
    assert!(told(&mut text).contains("Welcome to"));
    // Its second line was a message.
    assert!(hub.apply_next());
    assert!(told(&mut native).contains("\"hello\""));
}

#[test]
fn a_peer_that_goes_before_it_is_decided_whether_it_joins_leaves_no_member_behind() {
    for come_first in [true, false] {
        let (hub, now) = (
            hub(|settings| settings.rules.grace = Duration::ZERO),
            Instant::now(),
        );
        hub.delay_outcomes();
        let session = come(&hub, "", now);
        if come_first {
            // The outcome has come, but the session has not looked at it.
            assert!(hub.apply_next());
            assert_eq!(hub.members(), 1);
        }
        drop(session);
        hub.apply_next();
        assert_eq!(hub.members(), 0, "{come_first}");
        assert_eq!(hub.admission.at_the_door(), 0);
        assert_eq!(hub.admission.open(), 0);
    }
}

#[test]
fn outcomes_of_messages_are_told_in_order_and_before_later_answers() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut ada = come(&hub, "", now);
    told(&mut ada);
    hub.delay_outcomes();
    let say =
        |id: &str, text: &str| format!("{{\"say\":{{\"id\":\"{id}\",\"text\":\"{text}\"}}}}\n");
    let frames =
        say("a", "one") + &say("b", "") + &say("a", "one") + "{\"bye\":{}}\n" + &say("c", "no");
    ada.take(frames.as_bytes(), now);
    assert_eq!(told(&mut ada), "");
    // The goodbye waits, and with it all input.
    assert!(!ada.wants_input() && !ada.can_take_up());
    let mut all = String::new();
    for _ in 0..3 {
        assert!(ada.ending().is_none());
        assert!(hub.apply_next());
        go_on(&mut ada, now);
        all += &told(&mut ada);
    }
    assert!(!hub.apply_next());
    let found =
        ["\"seq\":1", "\"empty-text\"", "\"said\"", "\"closed\""].map(|part| all.find(part));
    assert!(
        found.iter().all(Option::is_some) && found.is_sorted(),
        "{all}"
    );
    assert_eq!(ada.ending(), Some(Farewell::Silent));
}

#[test]
fn a_session_awaits_a_bounded_number_of_outcomes() {
    let hub = hub(|settings| settings.rules.rate_limit.per_second = 0);
    for protocol in [Protocol::Native, Protocol::Text] {
        let now = Instant::now();
        let mut ada = arrive(&hub, protocol, now);
        let (hello, say) = match protocol {
            Protocol::Native => (
                "{\"hello\":{\"protocol\":1}}\n",
                "{\"say\":{\"text\":\"hi\"}}\n",
            ),
            Protocol::Text => ("ada\n", "hi\n"),
        };
        ada.take(hello.as_bytes(), now);
        hub.delay_outcomes();
        while hub.apply_next() {}
        go_on(&mut ada, now);
        let before = hub.messages();
        ada.take(say.repeat(200).as_bytes(), now);
        assert!(!ada.wants_input() && !ada.can_take_up());
        let mut applied = 0;
        let mut most = 0;
        while most < 10 {
            let mut at_once = 0;
            while hub.apply_next() {
                at_once += 1;
            }
            assert!(at_once <= 64, "{at_once}");
            applied += at_once;
            most += 1;
            go_on(&mut ada, now);
        }
        assert_eq!((applied, hub.messages() - before), (200, 200));
        assert!(ada.wants_input());
    }
}
