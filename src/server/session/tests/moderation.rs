//! Moderation: who may do what, what everyone is told, and who stays out.

use crate::room::{Banned, MemberId, NotErased};
use crate::server::Event;
use crate::server::event::By;
use crate::server::hub::Moderator;

use super::private::host;
use super::*;

/// A member with this name, which has read everything.
fn member(hub: &Arc<Hub>, name: &str, now: Instant) -> PeerSession {
    let mut session = come(hub, &format!(",\"name\":\"{name}\""), now);
    let welcome = told(&mut session);
    assert!(welcome.starts_with("{\"welcome\""), "{welcome}");
    session
}

/// A member with this name at this address, and the session of its welcome.
fn member_at(hub: &Arc<Hub>, name: &str, last: u8, now: Instant) -> (PeerSession, String) {
    let mut session = arrive_at(hub, last, now);
    let hello = format!("{{\"hello\":{{\"protocol\":1,\"name\":\"{name}\"}}}}\n");
    session.take(hello.as_bytes(), now);
    let welcome = told(&mut session);
    let token = session_of(&welcome);
    (session, token)
}

fn arrive_at(hub: &Arc<Hub>, last: u8, now: Instant) -> PeerSession {
    let address = ([192, 0, 2, last], 1);
    let address = if last == 0 {
        ([127, 0, 0, 1], 1)
    } else {
        address
    };
    let start = Start {
        guest: Guest::arriving(hub, address.into(), now).unwrap(),
        certificate: None,
        arrived: now,
        heard: now,
        asked: false,
        telnet: Telnet::default(),
        output: Vec::new(),
    };
    PeerSession::new(start, Protocol::Native)
}

/// What a session is told after it has sent this frame.
fn ask(session: &mut PeerSession, frame: &str, now: Instant) -> String {
    session.take(format!("{frame}\n").as_bytes(), now);
    told(session)
}

fn id_of(name: &str, hub: &Hub) -> MemberId {
    hub.members_named(name)[0].0
}

const REQUESTS: [&str; 6] = [
    "{\"kick\":{\"id\":2}}",
    "{\"mute\":{\"id\":2,\"for_s\":60}}",
    "{\"slow\":{\"every_s\":10}}",
    "{\"host\":{\"id\":2}}",
    "{\"invite\":{}}",
    "{\"invite\":{\"new\":true}}",
];

#[test]
fn only_a_host_may_moderate() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut ada = member(&hub, "ada", now);
    let mut bob = member(&hub, "bob", now);
    told(&mut ada);
    let key = hub.keys().key.clone();
    for request in REQUESTS {
        let told = ask(&mut ada, request, now);
        assert!(
            told.contains("\"not-host\"") && told.contains("\"fatal\":false"),
            "{request}: {told}"
        );
        // Before the hello it is nothing at all.
        let mut early = arrive(&hub, Protocol::Native, now);
        assert!(ask(&mut early, request, now).contains("\"hello-first\""));
    }
    ask(&mut bob, "{\"say\":{\"text\":\"mine\"}}", now);
    told(&mut ada);
    let told_ada = ask(&mut ada, "{\"erase\":{\"seq\":1}}", now);
    assert!(told_ada.contains("\"not-host\""), "{told_ada}");
    assert_eq!(told(&mut bob), "");
    assert_eq!(hub.keys().key, key);
    assert_eq!((hub.members(), hub.stats(1).bans), (2, 0));
}

#[test]
fn who_is_removed_is_told_and_its_session_is_void() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let (mut ada, token) = member_at(&hub, "ada", 1, now);
    let mut bob = member(&hub, "bob", now);
    told(&mut kim);
    let id = id_of("ada", &hub);
    let answer = ask(&mut kim, &format!("{{\"kick\":{{\"id\":{id}}}}}"), now);
    let left =
        format!("{{\"left\":{{\"id\":{id},\"name\":\"ada\",\"why\":\"removed\",\"count\":2}}}}\n");
    // The others have the same address.
    let kicked = format!("{{\"kicked\":{{\"id\":{id},\"name\":\"ada\",\"shared\":2}}}}\n");
    assert_eq!(answer, format!("{left}{kicked}"));
    assert!(told(&mut bob).ends_with(&left));
    let end = told(&mut ada);
    assert!(end.contains("\"closed\":{\"code\":\"removed\""), "{end}");
    assert_eq!(ada.ending(), Some(Farewell::Silent));
    // Nothing more comes from it, and its end is no news.
    ada.take(SAY, now);
    drop(ada);
    assert_eq!(told(&mut bob), "");
    // It can join again, as someone new.
    let mut again = come(
        &hub,
        &format!(",\"name\":\"ada\",\"session\":\"{token}\""),
        now,
    );
    let welcome = told(&mut again);
    assert!(welcome.starts_with("{\"welcome\"") && !welcome.contains("\"resumed\""));
}

#[test]
fn who_is_removed_while_it_says_something_is_told_of_that() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut ada = member(&hub, "ada", now);
    let id = id_of("ada", &hub);
    ask(&mut kim, &format!("{{\"kick\":{{\"id\":{id}}}}}"), now);
    // Before it looks at the log.
    ada.take(SAY, now);
    assert!(told(&mut ada).contains("\"removed\""));
    assert_eq!(hub.messages(), 0);
    // A takeover is told from it.
    let mut bob = member(&hub, "bob", now);
    let id = id_of("bob", &hub);
    ask(&mut kim, &format!("{{\"kick\":{{\"id\":{id}}}}}"), now);
    bob.take(b"{\"kick\":{\"id\":1}}\n", now);
    assert!(told(&mut bob).contains("\"removed\""));
}

#[test]
fn a_person_at_the_text_door_is_removed_too() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    for (first, farewell) in [
        (&b"ada\n"[..], Farewell::Silent),
        (b"ada", Farewell::QuitCommand),
    ] {
        let mut ada = arrive(&hub, Protocol::Text, now);
        ada.take(first, now);
        assert!(told(&mut ada).contains("Welcome"));
        let id = id_of("ada", &hub);
        ask(&mut kim, &format!("{{\"kick\":{{\"id\":{id}}}}}"), now);
        let told = told(&mut ada);
        assert!(told.contains("SERVER: A host has removed you"), "{told}");
        assert_eq!(ada.ending(), Some(farewell));
    }
    // Its commands are messages.
    let mut bob = arrive(&hub, Protocol::Text, now);
    bob.take(b"bob\n/kick kim\n", now);
    assert!(told(&mut kim).contains("/kick kim"));
    assert_eq!(hub.members(), 2);
}

#[test]
fn an_absent_member_is_removed_and_does_not_come_back() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let (mut ada, token) = member_at(&hub, "ada", 7, now);
    ada.break_off(crate::room::Why::Lost, now);
    told(&mut kim);
    let id = id_of("ada", &hub);
    let kick = format!("{{\"kick\":{{\"id\":{id},\"ban_s\":600}}}}");
    let answer = ask(&mut kim, &kick, now);
    assert!(answer.contains("\"ban_s\":600,\"shared\":0"), "{answer}");
    assert_eq!(hub.members(), 1);
    // With its session it is known wherever it comes from.
    let hello = format!(",\"session\":\"{token}\"");
    assert!(told(&mut come(&hub, &hello, now)).contains("\"banned\""));
}

#[test]
fn a_ban_holds_for_newcomers_from_the_address_and_ends() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let (eve, _) = member_at(&hub, "eve", 7, now);
    let _eve = eve;
    let (mut ada, token) = member_at(&hub, "ada", 7, now);
    told(&mut ada);
    told(&mut kim);
    let id = id_of("eve", &hub);
    let kick = format!("{{\"kick\":{{\"id\":{id},\"ban_s\":600}}}}");
    let answer = ask(&mut kim, &kick, now);
    assert!(answer.contains("\"ban_s\":600,\"shared\":1"), "{answer}");
    let hello = "{\"hello\":{\"protocol\":1,\"name\":\"eve\"}}";
    let banned = ask(&mut arrive_at(&hub, 7, now), hello, now);
    assert!(
        banned.contains("\"banned\"") && banned.contains("\"fatal\":true"),
        "{banned}"
    );
    assert!(banned.contains("\"retry_ms\":600"), "{banned}");
    assert_eq!((hub.stats(1).bans, hub.counters.refused().banned), (1, 1));
    // A member who shares the address stays, and comes back.
    assert!(ask(&mut ada, "{\"say\":{\"text\":\"still here\"}}", now).contains("still here"));
    ada.break_off(crate::room::Why::Lost, now);
    let back = format!("{{\"hello\":{{\"protocol\":1,\"session\":\"{token}\"}}}}");
    let welcome = ask(&mut arrive_at(&hub, 7, now), &back, now);
    assert!(welcome.contains("\"resumed\":true"), "{welcome}");
    // Other addresses are open, and an administrator can lift it.
    assert!(ask(&mut arrive_at(&hub, 8, now), hello, now).starts_with("{\"welcome\""));
    let address = [192, 0, 2, 7].into();
    assert_eq!(hub.unban(Banned::Address(address)), 1);
    let mut eve = arrive_at(&hub, 7, now);
    assert!(ask(&mut eve, hello, now).starts_with("{\"welcome\""));
    assert_eq!(hub.stats(1).bans, 0);
    // It ends by itself.
    let newest = hub.room().list(None, 100).list.pop().unwrap().id;
    ask(
        &mut kim,
        &kick.replace(&id.to_string(), &newest.to_string()),
        now,
    );
    assert_eq!(hub.bans(now).len(), 1);
    let later = now + Duration::from_mins(10);
    assert!(ask(&mut arrive_at(&hub, 7, later), hello, later).starts_with("{\"welcome\""));
    assert_eq!(hub.bans(later).len(), 0);
}

#[test]
fn a_person_who_is_banned_is_told_for_how_long() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let (_eve, _) = member_at(&hub, "eve", 7, now);
    let id = id_of("eve", &hub);
    ask(
        &mut kim,
        &format!("{{\"kick\":{{\"id\":{id},\"ban_s\":600}}}}"),
        now,
    );
    let start = Start {
        guest: Guest::arriving(&hub, ([192, 0, 2, 7], 1).into(), now).unwrap(),
        certificate: None,
        arrived: now,
        heard: now,
        asked: false,
        telnet: Telnet::default(),
        output: Vec::new(),
    };
    let mut text = PeerSession::new(start, Protocol::Text);
    text.take(b"eve\n", now);
    let told = told(&mut text);
    assert!(
        told.contains("banned you") && told.contains("11 minutes"),
        "{told}"
    );
    assert!(text.ending().is_some());
}

#[test]
fn nobody_is_kept_out_of_this_computer_and_no_host_at_all() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let (_ada, _) = member_at(&hub, "ada", 0, now);
    told(&mut kim);
    let id = id_of("ada", &hub);
    let answer = ask(
        &mut kim,
        &format!("{{\"kick\":{{\"id\":{id},\"ban_s\":60}}}}"),
        now,
    );
    assert!(
        answer.contains("\"kicked\"") && !answer.contains("ban_s"),
        "{answer}"
    );
    let hello = "{\"hello\":{\"protocol\":1}}";
    assert!(ask(&mut arrive_at(&hub, 0, now), hello, now).starts_with("{\"welcome\""));
    // The host's own address, by mistake.
    let _bob = member(&hub, "bob", now);
    let id = id_of("bob", &hub);
    ask(
        &mut kim,
        &format!("{{\"kick\":{{\"id\":{id},\"ban_s\":60}}}}"),
        now,
    );
    assert!(told(&mut come(&hub, "", now)).contains("\"banned\""));
    host(&hub, "kim", now);
}

#[test]
fn hosts_are_equal_and_nobody_removes_itself() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut lea = host(&hub, "lea", now);
    let oneself = ask(&mut kim, "{\"kick\":{\"id\":1,\"ban_s\":60}}", now);
    assert!(oneself.contains("\"no-such-member\"") && oneself.contains("yourself"));
    let muted = ask(&mut kim, "{\"mute\":{\"id\":2,\"for_s\":60}}", now);
    assert!(muted.contains("A host cannot be muted"), "{muted}");
    for id in ["3", "999999999999"] {
        let nobody = ask(&mut kim, &format!("{{\"kick\":{{\"id\":{id}}}}}"), now);
        assert!(nobody.contains("\"no-such-member\""), "{nobody}");
    }
    ask(&mut kim, "{\"kick\":{\"id\":2}}", now);
    assert!(told(&mut lea).contains("\"removed\""));
    host(&hub, "lea", now);
    assert_eq!(hub.members(), 2);
}

#[test]
fn a_muted_member_reads_on_and_says_nothing() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut ada = member(&hub, "ada", now);
    told(&mut kim);
    let answer = ask(&mut kim, "{\"mute\":{\"id\":2,\"for_s\":60}}", now);
    assert_eq!(
        answer,
        "{\"muted\":{\"id\":2,\"name\":\"ada\",\"for_s\":60}}\n"
    );
    let error = ask(&mut ada, "{\"say\":{\"id\":\"x\",\"text\":\"hi\"}}", now);
    for part in [
        "\"muted\"",
        "\"id\":\"x\"",
        "\"retry_ms\":60000",
        "\"fatal\":false",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    ask(&mut kim, "{\"say\":{\"text\":\"quiet\"}}", now);
    assert!(told(&mut ada).contains("quiet"));
    ada.tell_changes();
    assert_eq!(told(&mut ada), "");
    let answer = ask(&mut kim, "{\"mute\":{\"id\":2,\"for_s\":0}}", now);
    assert!(answer.contains("\"for_s\":0"), "{answer}");
    // Who knows of it is told once.
    ada.tell_changes();
    assert_eq!(told(&mut ada), answer);
    ada.tell_changes();
    assert_eq!(told(&mut ada), "");
    assert!(ask(&mut ada, "{\"say\":{\"text\":\"again\"}}", now).contains("again"));
    // A time that is out of all proportion is a long one.
    let answer = ask(
        &mut kim,
        &format!("{{\"mute\":{{\"id\":2,\"for_s\":{}}}}}", u64::MAX),
        now,
    );
    assert!(answer.contains("\"for_s\":31622400"), "{answer}");
    let later = now + Duration::from_mins(5);
    assert!(ask(&mut ada, "{\"say\":{\"text\":\"no\"}}", later).contains("\"muted\""));
}

#[test]
fn slow_mode_is_told_to_everyone_and_to_newcomers() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut ada = member(&hub, "ada", now);
    told(&mut kim);
    let limits = ask(&mut kim, "{\"slow\":{\"every_s\":10}}", now);
    assert!(limits.starts_with("{\"limits\"") && limits.contains("\"every_s\":10"));
    assert_eq!(told(&mut ada), limits);
    assert!(told(&mut come(&hub, "", now)).contains("\"every_s\":10"));
    ask(&mut ada, "{\"say\":{\"text\":\"one\"}}", now);
    let error = ask(&mut ada, "{\"say\":{\"text\":\"two\"}}", now);
    assert!(
        error.contains("\"too-fast\"") && error.contains("\"retry_ms\""),
        "{error}"
    );
    for _ in 0..3 {
        assert!(ask(&mut kim, "{\"say\":{\"text\":\"host\"}}", now).contains("host"));
    }
    let limits = ask(&mut kim, "{\"slow\":{\"every_s\":0}}", now);
    assert!(!limits.contains("every_s"), "{limits}");
    let limits = ask(
        &mut kim,
        &format!("{{\"slow\":{{\"every_s\":{}}}}}", u64::MAX),
        now,
    );
    assert!(limits.contains("\"every_s\":3600"), "{limits}");
}

#[test]
fn what_is_erased_is_gone_for_everyone() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut ada = member(&hub, "ada", now);
    for text in ["a secret", "another secret"] {
        ask(
            &mut ada,
            &format!("{{\"say\":{{\"text\":\"{text}\"}}}}"),
            now,
        );
    }
    told(&mut kim);
    // By its sender, and by a host.
    let erased = ask(&mut ada, "{\"erase\":{\"seq\":1}}", now);
    assert!(
        erased.contains("{\"erased\":{\"seq\":3,") && erased.contains("\"of\":1"),
        "{erased}"
    );
    assert!(ask(&mut kim, "{\"erase\":{\"seq\":2}}", now).contains("\"of\":2"));
    for (seq, words) in [
        (1, "already"),
        (3, "no such"),
        (4, "no such"),
        (9, "no such"),
        (0, "no such"),
    ] {
        let error = ask(&mut kim, &format!("{{\"erase\":{{\"seq\":{seq}}}}}"), now);
        assert!(
            error.contains("\"no-such-message\"") && error.contains(words),
            "{seq}: {error}"
        );
    }
    let page = ask(&mut kim, "{\"history\":{}}", now);
    assert!(
        page.contains("\"erased\":true") && !page.contains("secret"),
        "{page}"
    );
    assert!(!told(&mut come(&hub, "", now)).contains("secret"));
    // To erase is not to say something.
    assert_eq!(hub.messages(), 2);
}

#[test]
fn who_hands_the_role_over_has_it_no_longer() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let mut ada = member(&hub, "ada", now);
    let mut text = arrive(&hub, Protocol::Text, now);
    text.take(b"bob\n", now);
    told(&mut kim);
    let bob = id_of("bob", &hub);
    let refused = ask(&mut kim, &format!("{{\"host\":{{\"id\":{bob}}}}}"), now);
    assert!(refused.contains("cannot host"), "{refused}");
    let event = ask(&mut kim, "{\"host\":{\"id\":2}}", now);
    assert_eq!(event, "{\"host\":{\"id\":2,\"name\":\"ada\",\"from\":1}}\n");
    assert!(told(&mut ada).ends_with(&event));
    assert!(ask(&mut kim, "{\"kick\":{\"id\":2}}", now).contains("\"not-host\""));
    assert!(ask(&mut ada, "{\"slow\":{\"every_s\":1}}", now).contains("\"limits\""));
    assert!(ask(&mut ada, "{\"kick\":{\"id\":1}}", now).contains("\"kicked\""));
}

#[test]
fn a_new_invitation_lets_who_is_in_stay_and_nobody_in_with_the_old_key() {
    let now = Instant::now();
    let hub = hub(|settings| settings.private = true);
    let mut kim = host(&hub, "kim", now);
    let before = hub.keys();
    // Without sockets there is no address: the key is replaced all the same.
    let answer = ask(&mut kim, "{\"invite\":{\"new\":true}}", now);
    assert!(!answer.contains(before.key.secret()), "{answer}");
    let after = hub.keys();
    assert!(before.key != after.key && before.host_key == after.host_key);
    assert!(ask(&mut kim, "{\"say\":{\"text\":\"in\"}}", now).contains("\"in\""));
    let fixed = super::hub(|settings| settings.key_is_fixed = true);
    let mut lea = host(&fixed, "lea", now);
    let key = fixed.keys().key.clone();
    let answer = ask(&mut lea, "{\"invite\":{\"new\":true}}", now);
    assert!(
        answer.contains("\"key-fixed\"") && answer.contains("\"fatal\":false"),
        "{answer}"
    );
    assert_eq!(fixed.keys().key, key);
}

#[test]
fn a_host_has_a_rate_too_and_a_flood_of_requests_is_paused() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let mut kim = host(&hub, "kim", now);
    let requests = "{\"slow\":{\"every_s\":1}}\n".repeat(100);
    kim.take(requests.as_bytes(), now);
    let all = told(&mut kim);
    assert_eq!(all.matches("\"limits\"").count(), 40, "{all}");
    assert!(all.contains("\"too-fast\"") && all.contains("\"retry_ms\""));
    assert!(!kim.wants_input());
    let mut eve = member(&hub, "eve", now);
    eve.take("{\"kick\":{\"id\":1}}\n".repeat(100).as_bytes(), now);
    assert!(!eve.wants_input());
    assert_eq!(hub.members(), 2);
}

#[test]
fn the_administrator_is_told_what_hosts_do_and_by_whom() {
    let (sender, events) = async_channel::bounded(100);
    let now = Instant::now();
    let hub = hub(|settings| settings.events = Some(sender));
    let mut kim = host(&hub, "kim", now);
    let _ada = member(&hub, "ada", now);
    let (_bob, _) = member_at(&hub, "bob", 9, now);
    let _ = std::iter::from_fn(|| events.try_recv().ok()).count();
    ask(&mut kim, "{\"say\":{\"text\":\"hi\"}}", now);
    for request in [
        "{\"mute\":{\"id\":2,\"for_s\":60}}",
        "{\"slow\":{\"every_s\":3}}",
        "{\"erase\":{\"seq\":1}}",
        "{\"invite\":{\"new\":true}}",
        "{\"kick\":{\"id\":3,\"ban_s\":60}}",
        "{\"host\":{\"id\":2}}",
    ] {
        ask(&mut kim, request, now);
    }
    hub.kick(Moderator::Administrator, MemberId::MIN, None, now)
        .unwrap();
    hub.unban(Banned::Name("bob".into()));
    let by = || By::Member("kim".into());
    let minute = Duration::from_mins(1);
    let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let expected = [
        Event::Muted {
            name: "ada".into(),
            by: by(),
            period: minute,
        },
        Event::Slow {
            every: Duration::from_secs(3),
            by: by(),
        },
        Event::Erased { seq: 1, by: by() },
        Event::KeyReplaced { by: by() },
        Event::Removed {
            name: "bob".into(),
            by: by(),
            ban: Some(minute),
            count: 2,
        },
        Event::HostChanged {
            name: "ada".into(),
            by: by(),
        },
        Event::Removed {
            name: "kim".into(),
            by: By::Administrator,
            ban: None,
            count: 1,
        },
    ];
    assert_eq!(told[..expected.len()], expected);
    assert!(
        matches!(&told[expected.len()], Event::Unbanned { name: Some(name), .. } if **name == *"bob")
    );
}

#[test]
fn removing_the_last_one_ends_a_room_that_does_not_stay_open() {
    let (hub, now) = (hub(|_| {}), Instant::now());
    let ada = member(&hub, "ada", now);
    hub.kick(Moderator::Administrator, MemberId::MIN, None, now)
        .unwrap();
    assert_eq!(hub.members(), 0);
    assert!(hub.room().is_deserted());
    drop(ada);
    assert_eq!(hub.admission.open(), 0);
}

#[test]
fn an_erasure_without_a_store_looks_nowhere_else() {
    let now = Instant::now();
    let hub = hub(|settings| settings.rules.retention.entries = 2);
    let mut kim = host(&hub, "kim", now);
    for _ in 0..10 {
        ask(&mut kim, "{\"say\":{\"text\":\"hi\"}}", now);
    }
    let error = ask(&mut kim, "{\"erase\":{\"seq\":1}}", now);
    assert!(error.contains("\"no-such-message\""), "{error}");
    let by = crate::room::Eraser::Administrator;
    assert_eq!(hub.erase(by, 1, None, now), Err(NotErased::NoSuchMessage));
}

#[test]
fn no_key_is_in_any_debug_output() {
    let now = Instant::now();
    let hub = hub(|settings| settings.private = true);
    let kim = host(&hub, "kim", now);
    let keys = hub.keys();
    let all = format!("{kim:?} {hub:?} {:#?} {:?}", keys, hub.settings);
    for secret in [&keys.key, &keys.host_key] {
        assert!(!all.contains(secret.secret()) && !all.contains(&secret.grouped()));
    }
    assert!(all.contains("RoomKey(…)"));
}
