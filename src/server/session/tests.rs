//! Sessions, driven by bytes.

use super::super::settings::Settings;
use super::super::surroundings::Surroundings;
use super::*;
use crate::room::TokenHash;

fn shared(change: impl FnOnce(&mut Settings)) -> Arc<Shared> {
    let mut settings = Settings::default();
    change(&mut settings);
    let (shared, _) = Shared::new(settings, Surroundings::unknown(), None).unwrap();
    Arc::new(shared)
}

/// A peer that sends a hello with the rest of this frame.
fn come(shared: &Arc<Shared>, hello: &str, now: Instant) -> Session {
    let address = ([192, 0, 2, 1], 1).into();
    let mut session = Session::new(shared.admit(address, now).unwrap(), now);
    let hello = format!("{{\"hello\":{{\"protocol\":1{hello}}}}}\n");
    session.take(hello.as_bytes(), now);
    session
}

/// The bytes that a session would write now.
fn told(session: &mut Session) -> String {
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

fn session_of(welcome: &str) -> String {
    let (_, rest) = welcome.split_once("\"session\":\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

const SAY: &[u8] = b"{\"say\":{\"text\":\"hi\"}}\n";

#[test]
fn a_session_whose_lease_is_over_is_told_so_when_it_says_something() {
    let (shared, now) = (shared(|_| {}), Instant::now());
    let mut old = come(&shared, "", now);
    let session = session_of(&told(&mut old));
    let mut new = come(&shared, &format!(",\"session\":\"{session}\""), now);
    assert!(told(&mut new).contains("\"resumed\":true"));
    // At once, and not only when it looks at the log again.
    old.take(SAY, now);
    assert_eq!(old.ending(), Some(Farewell::Silent));
    let told = told(&mut old);
    assert!(told.contains("\"taken-over\""), "{told}");
    assert_eq!(shared.room().next_seq(), 1);
}

#[test]
fn a_takeover_right_after_coming_in_is_noticed() {
    let (shared, now) = (shared(|_| {}), Instant::now());
    let key = TokenHash::of("secret");
    let mut guests: Vec<Guest> = (0..3)
        .map(|_| shared.admit(([192, 0, 2, 1], 1).into(), now).unwrap())
        .collect();
    let name = crate::room::WantedName::of("ada");
    let came = guests[0].enter(&name, Protocol::Native, false, Some(key), 1);
    let came = came.unwrap().takeovers;
    let first = guests[1].resume(&key, now, 1).unwrap();
    assert!(came < first.takeovers);
    assert_eq!(first.takeovers, shared.room().revocations());
    let second = guests[2].resume(&key, now, 1).unwrap();
    assert!(first.takeovers < second.takeovers);
    assert!(!shared.room().honours(first.entered.lease));
    assert!(shared.room().honours(second.entered.lease));
}

#[test]
fn input_that_was_put_aside_is_kept_whatever_comes_first() {
    for order in [["read", "take up"], ["take up", "read"]] {
        let (shared, now) = (shared(|_| {}), Instant::now());
        let mut ada = come(&shared, "", now);
        told(&mut ada);
        shared.set_congested(true);
        ada.take(SAY, now);
        assert!(!ada.wants_input() && !ada.can_take_up());
        shared.set_congested(false);
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
    let shared = shared(|settings| settings.text_per_address = 10_000);
    let long = "x".repeat(4_000);
    let say = format!("{{\"say\":{{\"text\":\"{long}\"}}}}\n");
    let mut refused = 0;
    for _ in 0..10 {
        let mut member = come(&shared, "", now);
        for _ in 0..5 {
            member.take(say.as_bytes(), now);
        }
        refused += told(&mut member).matches("\"too-fast\"").count();
    }
    // 80,000 bytes at once, of 200,000.
    assert_eq!(refused, 30);
    assert_eq!(shared.room().next_seq(), 21);
    // Everything is rejected until the time is over, then accepted again.
    let mut member = come(&shared, "", now);
    member.take(say.as_bytes(), now);
    member.take(SAY, now);
    assert_eq!(told(&mut member).matches("\"too-fast\"").count(), 2);
    member.take(SAY, now + Duration::from_secs(1));
    assert_eq!(told(&mut member).matches("\"too-fast\"").count(), 0);
}
