//! The outbox alone.

use std::time::Instant;

use super::super::outbox::{Next, Outbox, Own};
use super::*;
use crate::protocol::native::frame::Limits;

const LIMITS: Limits = Limits {
    every_s: None,
    frame: 65_536,
    text: 4_000,
    burst: Some(20),
    per_second: Some(5),
};

fn own(id: &str) -> Own {
    Own {
        id: id.to_owned(),
        text: "hi".to_owned(),
    }
}

fn outbox(ids: &[&str], limits: &Limits) -> Outbox {
    let mut outbox = Outbox::default();
    for id in ids {
        outbox.push(own(id)).unwrap();
    }
    outbox.open(limits);
    outbox
}

/// Sends all that can be sent.
fn send(outbox: &mut Outbox, now: Instant) -> Vec<String> {
    let mut sent = Vec::new();
    while let Next::Send(own) = outbox.next(now) {
        sent.push(own.id.clone());
        outbox.sent(now);
    }
    sent
}

#[test]
fn after_a_refusal_one_is_tried_before_all_others_follow_in_order() {
    let unlimited = Limits {
        burst: None,
        per_second: None,
        ..LIMITS
    };
    let mut outbox = outbox(&["a", "b", "c", "d"], &unlimited);
    let mut now = Instant::now();
    assert_eq!(send(&mut outbox, now), ["a", "b", "c", "d"]);
    let second = Duration::from_secs(1);
    outbox.said("a");
    assert!(outbox.too_fast("b", second, now));
    // The answers to the others come first, whatever the time is.
    assert_eq!(send(&mut outbox, now + second * 9), [""; 0]);
    assert!(outbox.too_fast("c", second, now));
    assert!(outbox.too_fast("d", second, now));
    assert_eq!(outbox.next(now), Next::At(now + second));
    now += second;
    assert_eq!(send(&mut outbox, now), ["b"]);
    // A rejection for another reason says nothing about the rate.
    outbox.push(own("e")).unwrap();
    assert!(outbox.too_fast("b", second, now));
    now += second;
    assert_eq!(send(&mut outbox, now), ["b"]);
    outbox.said("b");
    assert_eq!(send(&mut outbox, now), ["c", "d", "e"]);
    assert!(!outbox.too_fast("a", second, now));
}

#[test]
fn the_pace_of_the_server_is_kept() {
    let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut outbox = outbox(&ids, &LIMITS);
    let pace = crate::room::RateLimit {
        burst: 20,
        per_second: 5,
    };
    let mut meter = crate::room::Meter::default();
    let start = Instant::now();
    let mut now = start;
    let mut sent = 0;
    loop {
        match outbox.next(now) {
            Next::Send(_) => {
                assert_eq!(meter.count(pace, now), Ok(()));
                outbox.sent(now);
                sent += 1;
            }
            Next::At(at) => now = at,
            Next::Nothing => break,
        }
    }
    assert_eq!(sent, 100);
    assert!(now - start < Duration::from_secs(17));
}

#[test]
fn it_holds_no_more_than_its_limits_and_nothing_twice() {
    let mut outbox = Outbox::default();
    for id in 0..OUTBOX_MESSAGES {
        outbox.push(own(&id.to_string())).unwrap();
    }
    assert_eq!(outbox.push(own("more")), Err(NotQueued::Full));
    assert_eq!(outbox.push(own("7")), Ok(()));
    outbox.refused("7");
    assert_eq!(outbox.push(own("more")), Ok(()));
    assert_eq!(outbox.take_all().len(), OUTBOX_MESSAGES);

    let long = |id: &str| Own {
        id: id.to_owned(),
        text: "x".repeat(OUTBOX_BYTES / 2 - 1),
    };
    for id in ["a", "b"] {
        outbox.push(long(id)).unwrap();
    }
    assert_eq!(outbox.push(own("c")), Err(NotQueued::Full));
    outbox.said("a");
    assert_eq!(outbox.push(own("c")), Ok(()));
}

#[test]
fn what_a_gap_may_hold_is_asked_for_again_or_given_up() {
    for says_nothing_twice in [true, false] {
        let mut outbox = outbox(&["a", "b"], &LIMITS);
        let now = Instant::now();
        assert_eq!(send(&mut outbox, now), ["a", "b"]);
        outbox.gap(says_nothing_twice);
        let (again, given_up) = (send(&mut outbox, now), outbox.take_given_up());
        if says_nothing_twice {
            assert_eq!((again, given_up), (vec!["a".into(), "b".into()], vec![]));
        } else {
            assert_eq!((again, given_up), (vec![], vec![own("a"), own("b")]));
        }
    }
}

#[test]
fn messages_of_an_earlier_run_may_have_been_said_then() {
    for (gap, given_up) in [(true, vec![own("a")]), (false, vec![])] {
        let mut outbox = Outbox::default();
        outbox.push_old(own("a"));
        outbox.push(own("b")).unwrap();
        outbox.returned(false);
        if gap {
            outbox.gap(true);
        }
        outbox.open(&LIMITS);
        assert_eq!(outbox.take_given_up(), given_up);
        assert_eq!(outbox.take_all().last(), Some(&own("b")));
    }
}
