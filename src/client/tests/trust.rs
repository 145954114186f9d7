//! The rules of trust, each by itself.

use super::super::trust::{Goal, Met, TrustStore};
use super::*;
use crate::protocol::Pin;

const ONE: Pin = Pin([1; 32]);
const TWO: Pin = Pin([2; 32]);

fn store(known: &[(Pin, &str, &str)]) -> TrustStore {
    let mut store = TrustStore::default();
    for (pin, room, address) in known {
        store.known.remember(*pin, room, &address.parse().unwrap());
    }
    store
}

fn to(address: &str) -> Settings {
    Settings {
        address: address.parse().unwrap(),
        ..Settings::default()
    }
}

fn goal(store: &TrustStore, settings: &Settings) -> Goal {
    let mut goals = store.goals(settings);
    assert_eq!(goals.len(), 1);
    goals.remove(0)
}

fn expected(store: &TrustStore, settings: &Settings) -> Option<Pin> {
    goal(store, settings).expected.map(|it| it.pin)
}

fn meet(store: &TrustStore, settings: &Settings, pin: Pin) -> Met {
    store.meet(settings, &settings.address, Some(pin))
}

#[test]
fn an_expectation_comes_from_the_session_then_the_settings_then_the_known_rooms() {
    let mut store = store(&[(ONE, "R", "example.org"), (ONE, "R", "10.0.0.1")]);
    assert_eq!(expected(&store, &to("example.org")), Some(ONE));
    assert_eq!(expected(&store, &to("10.0.0.1")), None);
    let pinned = |address| Settings {
        pin: Some(TWO),
        ..to(address)
    };
    for address in ["example.org", "10.0.0.1", "example.com"] {
        assert_eq!(expected(&store, &pinned(address)), Some(TWO));
    }
    let trust = Trust::FirstUse;
    store.joined(Security::Tls { pin: ONE, trust });
    for address in ["example.org", "10.0.0.1", "example.com"] {
        assert_eq!(expected(&store, &pinned(address)), Some(ONE));
    }
}

#[test]
fn only_where_nothing_is_known_a_server_may_be_plain() {
    let store = store(&[(ONE, "R", "example.org"), (ONE, "R", "10.0.0.1")]);
    let key: RoomKey = "abcdefghijklmnop".parse().unwrap();
    let may = |settings: &Settings| goal(&store, settings).may_be_plain;
    assert!(may(&to("example.com")) && may(&to("10.0.0.2")));
    assert!(!may(&to("example.org")) && !may(&to("10.0.0.1")));
    for change in [
        &(|it: &mut Settings| it.pin = Some(ONE)) as &dyn Fn(&mut Settings),
        &|it| it.key = Some(key.clone()),
        &|it| it.host_key = Some(key.clone()),
    ] {
        let mut settings = to("example.com");
        change(&mut settings);
        assert!(!may(&settings));
    }
    let plain = Settings {
        encryption: Encryption::Plain,
        ..to("example.org")
    };
    let goal = goal(&store, &plain);
    assert!(!goal.encrypted && !goal.may_be_plain && goal.expected.is_none());
}

#[test]
fn a_server_is_verified_only_where_it_was_met() {
    let mut store = store(&[(ONE, "R", "example.org"), (TWO, "S", "10.0.0.1")]);
    let verified = |store: &TrustStore, address, pin| meet(store, &to(address), pin).verified;
    assert_eq!(verified(&store, "example.org", ONE), Some(Trust::Known));
    assert_eq!(verified(&store, "10.0.0.1", TWO), Some(Trust::Known));
    // It is known, but what was left at that address was left with another server.
    let met = meet(&store, &to("10.0.0.1"), ONE);
    assert_eq!(
        (met.verified, met.is_asked, met.may_resume),
        (None, true, false)
    );
    assert_eq!(store.trust(&met, ONE, false), Trust::Known);
    assert_eq!(store.trust(&met, ONE, true), Trust::Key);
    let new = Pin([3; 32]);
    let met = meet(&store, &to("10.0.0.1"), new);
    assert_eq!(store.trust(&met, new, false), Trust::FirstUse);
    assert_eq!(store.trust(&met, new, true), Trust::Key);

    // The session's own server keeps the trust with which it began.
    let trust = Trust::Key;
    store.joined(Security::Tls { pin: new, trust });
    assert_eq!(verified(&store, "10.0.0.1", new), Some(Trust::Key));
    assert!(store.knows_its_server());
}

#[test]
fn the_name_of_a_room_is_asked_where_no_server_is_expected() {
    let store = store(&[(ONE, "R", "example.org"), (TWO, "S", "10.0.0.1")]);
    for (address, pin, is_asked) in [
        ("example.org", ONE, false),
        ("10.0.0.1", TWO, true),
        ("example.com", TWO, true),
    ] {
        assert_eq!(meet(&store, &to(address), pin).is_asked, is_asked);
    }
    assert!(
        !store
            .meet(&to("example.com"), &Address::default(), None)
            .is_asked
    );
    assert_eq!(store.check_room("R", ONE), Ok(()));
    assert_eq!(store.check_room("new", ONE), Ok(()));
    let other = store.check_room("R", TWO).unwrap_err();
    let (expected, found) = (ONE, TWO);
    let room = Some("R".to_owned());
    assert_eq!(
        other,
        End::OtherIdentity {
            room,
            expected,
            found
        }
    );
}
