//! Events in, lines and effects out.

use std::time::Duration;

use super::timeline::Change;
use super::*;
use crate::client::{End, Event, Loss, NotQueued, Security, Trust};
use crate::protocol::Pin;
use crate::protocol::native::frame::{
    Away, Back, By, Code, Erased, Error, Gap, Host, Invite, Joined, Kicked, Left, Limits, Member,
    MemberList, Muted, NOTICE_ADDRESS, Notice, Page, Presence, Welcome,
};
use crate::room::{Author, Body, Entry, MemberId, Why};

const ME: u64 = 1;
const EVE: u64 = 2;

fn id(id: u64) -> MemberId {
    MemberId::new(id).unwrap()
}

fn now() -> Moment {
    Moment {
        instant: std::time::Instant::now(),
        time: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn member(number: u64) -> Member<'static> {
    Member {
        id: id(number),
        name: if number == ME { "ada" } else { "eve" }.into(),
        host: false,
        away: false,
    }
}

fn welcome(epoch: &'static str, next: u64) -> Box<Welcome<'static>> {
    Box::new(Welcome {
        private: true,
        proof: None,
        protocol: 1,
        room: "Ada’s Room".into(),
        epoch: epoch.into(),
        durable: true,
        session: "secret".into(),
        next,
        resumed: false,
        you: member(ME),
        members: MemberList {
            count: 2,
            list: vec![member(ME), member(EVE)],
            more: false,
        },
        limits: Limits {
            every_s: None,
            frame: 65_536,
            text: 10,
            burst: None,
            per_second: None,
        },
        features: vec!["history".into()],
    })
}

fn entry(seq: u64, from: u64, own_id: Option<&'static str>) -> Entry<'static> {
    Entry {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        author: Author::member(id(from), member(from).name),
        body: Body::Text {
            id: own_id.map(Into::into),
            text: format!("text {seq}").into(),
        },
    }
}

fn message(seq: u64) -> Event {
    Event::Message(entry(seq, EVE, None))
}

/// In a room whose next message has this `seq`.
fn joined(next: u64) -> (Chat, Vec<Shown>) {
    let mut chat = Chat::new(Earlier::default());
    let effects = chat.reduce([Event::Welcomed(welcome("a", next))], now());
    assert!(effects.joined && effects.members_changed);
    (chat, Vec::new())
}

/// Applies the changes to a list, and returns its lines.
fn lines(chat: &mut Chat, list: &mut Vec<Shown>) -> Vec<Line> {
    for change in chat.take_changes() {
        match change {
            Change::Splice { at, removed, added } => {
                list.splice(at..at + removed, added);
            }
            Change::Look { at, shown } => list[at] = shown,
        }
    }
    list.iter().map(|shown| shown.line.clone()).collect()
}

fn eve() -> String {
    "eve".into()
}

#[test]
fn a_welcome_tells_what_to_come_back_with() {
    let mut chat = Chat::new(Earlier::default());
    assert_eq!(*chat.phase(), Phase::Joining);
    let effects = chat.reduce([Event::Welcomed(welcome("a", 8))], now());
    let entered = Entered {
        room: "Ada’s Room".into(),
        resume_token: "secret".into(),
        epoch: "a".into(),
        after: 7,
        durable: true,
    };
    assert_eq!(effects.entered, Some(entered));
    assert_eq!(*chat.phase(), Phase::Joined);
    assert_eq!((chat.room_name(), chat.is_durable()), ("Ada’s Room", true));
    assert_eq!((chat.member_count(), chat.text_limit()), (2, 10));
    let is_me: Vec<bool> = chat.member_rows().iter().map(|row| row.is_me).collect();
    assert_eq!(is_me, [true, false]);
}

#[test]
fn coming_and_going_are_lines_but_not_the_users_own() {
    let (mut chat, mut list) = joined(1);
    let name = || "eve".into();
    let (count, why) = (2, Why::Lost);
    let join = |number| Joined {
        id: id(number),
        name: "eve".into(),
        host: false,
        count,
    };
    let left = |why| Left {
        id: id(EVE),
        name: "eve".into(),
        why,
        count,
    };
    let effects = chat.reduce(
        [
            Event::Joined(join(ME)),
            Event::Joined(join(EVE)),
            Event::Away(Away {
                id: id(EVE),
                name: name(),
            }),
            Event::Back(Back {
                id: id(EVE),
                name: name(),
            }),
            Event::Left(left(Why::Quit)),
            Event::Left(left(why)),
        ],
        now(),
    );
    assert!(effects.members_changed && effects.news.is_empty());
    let wanted = [
        Line::Joined { name: eve() },
        Line::Lost { name: eve() },
        Line::Back { name: eve() },
        Line::Left { name: eve() },
        Line::Lost { name: eve() },
    ];
    assert_eq!(lines(&mut chat, &mut list), wanted);
}

#[test]
fn a_member_who_was_away_only_leaves() {
    let (mut chat, mut list) = joined(1);
    chat.reduce(
        [
            Event::Away(Away {
                id: id(EVE),
                name: "eve".into(),
            }),
            Event::Left(Left {
                id: id(EVE),
                name: "eve".into(),
                why: Why::Timeout,
                count: 1,
            }),
        ],
        now(),
    );
    let wanted = [Line::Lost { name: eve() }, Line::Left { name: eve() }];
    assert_eq!(lines(&mut chat, &mut list), wanted);
}

#[test]
fn a_big_room_is_told_in_numbers_and_its_list_is_stale() {
    let (mut chat, mut list) = joined(1);
    let presence = Presence {
        count: 300,
        joined: vec!["x".into()],
        joined_more: 4,
        left: Vec::new(),
        left_more: 2,
        away: 0,
    };
    let effects = chat.reduce([Event::Presence(presence)], now());
    assert!(effects.members_stale);
    let wanted = [Line::ManyJoined { count: 5 }, Line::ManyLeft { count: 2 }];
    assert_eq!(lines(&mut chat, &mut list), wanted);
    assert_eq!(chat.refresh_members(), Some(Ask { after: None }));
}

#[test]
fn messages_of_others_are_counted_and_read_out() {
    let (mut chat, _) = joined(1);
    let own = Event::Message(entry(2, ME, None));
    let effects = chat.reduce([message(1), own], now());
    assert_eq!(effects.received, 1);
    let news = News::Message {
        name: eve(),
        text: "text 1".into(),
    };
    assert_eq!(effects.news, [news]);
    assert_eq!(chat.newest(), 2);
}

#[test]
fn a_message_is_pending_until_its_echo_also_from_a_former_member() {
    let (mut chat, mut list) = joined(1);
    chat.say("7".into(), "hello", now());
    assert_eq!(chat.unconfirmed().collect::<Vec<_>>(), [("7", "hello")]);
    // Another member, but the id that the user waits for.
    let effects = chat.reduce([Event::Message(entry(1, EVE, Some("7")))], now());
    assert_eq!((effects.received, chat.unconfirmed().count()), (0, 0));
    let lines = lines(&mut chat, &mut list);
    assert!(matches!(&lines[..], [Line::Message(message)] if message.own));
}

#[test]
fn a_rejected_message_says_why_and_another_error_is_a_line() {
    let (mut chat, mut list) = joined(1);
    chat.say("7".into(), "hello", now());
    let error = |code, id: Option<&'static str>| {
        Event::Error(Error {
            code,
            id: id.map(Into::into),
            text: "no".into(),
            retry_ms: None,
            fatal: false,
        })
    };
    let effects = chat.reduce([error(Code::TooLong, Some("7"))], now());
    assert_eq!(effects.news, [News::NotSent(NotSent::TooLong)]);
    let effects = chat.reduce([error(Code::BadFrame, None)], now());
    let server = Line::Server { text: "no".into() };
    assert_eq!(effects.news, [News::Line(server.clone())]);
    let lines = lines(&mut chat, &mut list);
    assert_eq!(lines[0], server);
    let unsent = chat.unsent(list[1].key);
    assert_eq!(unsent, Some(("7".into(), "hello".into())));
    let why = match &lines[1] {
        Line::Message(message) => message.delivery.clone(),
        line => panic!("{line:?}"),
    };
    let id = "7".into();
    let wanted = Delivery::Unsent {
        id,
        why: NotSent::TooLong,
    };
    assert_eq!(why, wanted);
}

#[test]
fn missed_messages_are_counted_when_all_are_there() {
    let (mut chat, mut list) = joined(1);
    chat.reduce([message(1)], now());
    chat.reduce([Event::Interrupted(End::Lost(Loss::Slept))], now());
    assert!(chat.is_interrupted());
    let effects = chat.reduce([Event::Returned(welcome("a", 4)), message(2)], now());
    assert!(!chat.is_interrupted() && !effects.joined && effects.entered.is_some());
    assert_eq!(lines(&mut chat, &mut list).len(), 2);
    let effects = chat.reduce([message(3)], now());
    let caught_up = Line::CaughtUp { count: 2 };
    assert_eq!(lines(&mut chat, &mut list).last(), Some(&caught_up));
    assert_eq!(effects.news.last(), Some(&News::Line(caught_up)));
}

#[test]
fn the_last_of_what_was_missed_can_be_of_an_unknown_kind() {
    let (mut chat, mut list) = joined(1);
    chat.reduce([Event::Interrupted(End::Lost(Loss::Slept))], now());
    chat.reduce([Event::Returned(welcome("a", 4)), message(2)], now());
    assert_eq!(lines(&mut chat, &mut list).len(), 1);
    chat.reduce([Event::Unknown { seq: 3 }], now());
    let caught_up = Line::CaughtUp { count: 1 };
    assert_eq!(lines(&mut chat, &mut list).last(), Some(&caught_up));
}

#[test]
fn in_another_room_the_old_messages_stay_and_nothing_older_is_asked_for() {
    let (mut chat, mut list) = joined(9);
    chat.reduce([Event::Returned(welcome("b", 1)), message(1)], now());
    let lines = lines(&mut chat, &mut list);
    assert!(matches!(&lines[..], [Line::NewRoom, Line::Message(_)]));
    assert_eq!(chat.read_back(), None);
}

#[test]
fn a_session_of_an_earlier_run_goes_on() {
    let mut chat = Chat::new(Earlier {
        unsent: vec![("7".into(), "half".into())],
        read: Some(("a".into(), 3)),
    });
    let effects = chat.reduce([Event::Welcomed(welcome("a", 5)), message(4)], now());
    assert_eq!(chat.unconfirmed().collect::<Vec<_>>(), [("7", "half")]);
    let caught_up = News::Line(Line::CaughtUp { count: 1 });
    assert_eq!(effects.news.last(), Some(&caught_up));
}

#[test]
fn lost_messages_leave_a_gap_with_their_number() {
    let (mut chat, mut list) = joined(1);
    let gap = |from, to| Event::Gap(Gap { from, to });
    chat.reduce([gap(1, 5), gap(9, 3)], now());
    assert_eq!(lines(&mut chat, &mut list), [Line::Gap { count: 5 }]);
    assert_eq!(chat.newest(), 5);
}

#[test]
fn older_messages_come_on_request_and_stand_on_top() {
    let (mut chat, mut list) = joined(4);
    chat.reduce([message(4)], now());
    assert_eq!(chat.read_back(), Some(4));
    assert!(chat.is_loading() && chat.read_back().is_none());
    let page = Page {
        messages: (1..4).map(|seq| entry(seq, EVE, None)).collect(),
        more: false,
    };
    let effects = chat.reduce([Event::Page(page)], now());
    assert_eq!(effects.news, [News::Older { count: 3 }]);
    // They are no new ones.
    assert_eq!(effects.received, 0);
    assert!(!chat.is_loading());
    let lines = lines(&mut chat, &mut list);
    assert_eq!(lines[0], Line::Beginning(Beginning::First));
    assert_eq!(lines.len(), 5);
}

#[test]
fn the_addresses_of_the_room_are_told_once() {
    let (mut chat, mut list) = joined(1);
    let notice = || {
        Event::Notice(Notice {
            code: NOTICE_ADDRESS.into(),
            text: "Open".into(),
            addresses: vec!["10.0.0.1:53000".into()],
        })
    };
    chat.reduce([notice()], now());
    chat.reduce([notice()], now());
    let wanted = Line::Addresses(vec!["10.0.0.1:53000".into()]);
    assert_eq!(lines(&mut chat, &mut list), [wanted]);
}

#[test]
fn at_the_end_nothing_is_pending_and_nothing_can_be_said() {
    let (mut chat, mut list) = joined(1);
    assert_eq!(chat.sayable("hello").as_deref(), Ok("hello"));
    let too_long = chat.sayable("01234567890").map(drop);
    assert_eq!(too_long, Err(CannotSay::TooLong { limit: 10 }));
    chat.say("7".into(), "hello", now());
    let effects = chat.reduce(
        [
            Event::Interrupted(End::Lost(Loss::Silence(Duration::from_secs(9)))),
            Event::Ended(End::RoomClosed),
        ],
        now(),
    );
    assert_eq!(effects.ended, Some(End::RoomClosed));
    assert_eq!(*chat.phase(), Phase::Ended(End::RoomClosed));
    assert!(!chat.is_interrupted());
    let over = CannotSay::NotQueued(NotQueued::Over);
    assert_eq!(chat.sayable("hello").map(drop), Err(over));
    let lines = lines(&mut chat, &mut list);
    let [Line::Message(message)] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert!(matches!(
        &message.delivery,
        Delivery::Unsent {
            why: NotSent::Unknown,
            ..
        }
    ));
}

fn removed_by_host(number: u64) -> Event {
    Event::Left(Left {
        id: id(number),
        name: member(number).name,
        why: Why::Removed,
        count: 1,
    })
}

fn host(number: u64, from: Option<u64>) -> Event {
    Event::Host(Host {
        id: id(number),
        name: member(number).name,
        from: from.map(id),
    })
}

fn erased(seq: u64, of: u64) -> Event {
    Event::Erased(Erased {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        of,
        by: By {
            id: None,
            name: "SERVER".into(),
        },
    })
}

fn error(code: Code, id: Option<&'static str>, retry_ms: Option<u64>) -> Event {
    Event::Error(Error {
        code,
        id: id.map(Into::into),
        text: "no".into(),
        retry_ms,
        fatal: false,
    })
}

fn can_moderate(chat: &Chat) -> Vec<bool> {
    let rows = chat.member_rows();
    rows.iter().map(|row| row.can_be_moderated).collect()
}

/// The messages of a list, as far as they show whether they were erased.
fn shown_texts(list: &[Line]) -> Vec<(&str, bool)> {
    let message = |line: &Line| matches!(line, Line::Message(_));
    let messages = list.iter().filter(|line| message(line));
    messages
        .filter_map(|line| match line {
            Line::Message(message) => Some((message.text.as_str(), message.erased)),
            _ => None,
        })
        .collect()
}

#[test]
fn how_the_connection_is_protected_is_known_from_the_first_moment() {
    let mut chat = Chat::new(Earlier::default());
    assert_eq!((chat.security(), chat.is_private()), (None, false));
    let (pin, trust) = (Pin([1; 32]), Trust::FirstUse);
    let security = Security::Tls { pin, trust };
    chat.reduce(
        [Event::Secured(security), Event::Welcomed(welcome("a", 1))],
        now(),
    );
    assert_eq!((chat.security(), chat.is_private()), (Some(security), true));
    chat.reduce([Event::Secured(Security::Plain)], now());
    assert_eq!(chat.security(), Some(Security::Plain));
}

#[test]
fn the_role_of_the_host_comes_and_goes_with_what_it_allows() {
    let (mut chat, mut list) = joined(1);
    assert!(!chat.hosts());
    assert_eq!(can_moderate(&chat), [false, false]);
    let effects = chat.reduce([host(ME, Some(EVE))], now());
    assert!(effects.members_changed && chat.hosts());
    assert_eq!(can_moderate(&chat), [false, true]);
    chat.reduce([host(EVE, Some(ME))], now());
    assert!(!chat.hosts());
    let wanted = [(ME, true), (EVE, false)].map(|(it, is_me)| Line::Host {
        name: member(it).name.into_owned(),
        is_me,
    });
    assert_eq!(lines(&mut chat, &mut list), wanted);
    // The role does not go when somebody else gets it from somebody else.
    chat.reduce([host(ME, None), host(EVE, None)], now());
    assert!(chat.hosts());
    // A user who comes back may have lost it.
    chat.reduce([Event::Returned(welcome("a", 1))], now());
    assert!(!chat.hosts());
}

#[test]
fn who_is_removed_was_not_just_leaving() {
    let (mut chat, mut list) = joined(1);
    let away = Event::Away(Away {
        id: id(EVE),
        name: "eve".into(),
    });
    chat.reduce([removed_by_host(EVE), away, removed_by_host(EVE)], now());
    let lines = lines(&mut chat, &mut list);
    assert_eq!(lines[0], Line::Removed { name: eve() });
    assert_eq!(lines[2], Line::Removed { name: eve() });
}

#[test]
fn an_erased_message_stays_in_its_place_without_its_text() {
    let (mut chat, mut list) = joined(1);
    chat.reduce([message(1), message(2), message(3)], now());
    let before = lines(&mut chat, &mut list);
    assert!(shown_texts(&before).iter().all(|(_, erased)| !erased));
    let effects = chat.reduce([erased(4, 2)], now());
    assert_eq!(effects.news, [News::Erased { name: eve() }]);
    assert_eq!(effects.received, 0);
    let after = lines(&mut chat, &mut list);
    let wanted = [("text 1", false), ("", true), ("text 3", false)];
    assert_eq!(shown_texts(&after), wanted);
    // The erasure has a place among the entries.
    assert_eq!(chat.newest(), 4);
    // Twice, or of a message that is not here, it is no news.
    let effects = chat.reduce([erased(5, 2), erased(6, 99)], now());
    assert!(effects.news.is_empty());
    assert_eq!(chat.newest(), 6);
}

#[test]
fn a_message_and_its_erasure_in_one_batch_show_nothing_of_the_text() {
    let (mut chat, mut list) = joined(1);
    chat.reduce([message(1), erased(2, 1)], now());
    assert_eq!(shown_texts(&lines(&mut chat, &mut list)), [("", true)]);
}

#[test]
fn what_was_erased_before_it_came_is_no_news() {
    let gone = |seq| {
        let mut gone = entry(seq, EVE, None);
        gone.body = Body::Gone { id: None };
        gone
    };
    let (mut chat, mut list) = joined(4);
    let effects = chat.reduce([Event::Message(gone(4))], now());
    assert_eq!((effects.received, effects.news.len()), (0, 0));
    assert_eq!(chat.read_back(), Some(4));
    let page = Page {
        messages: vec![entry(2, EVE, None), gone(3)],
        more: true,
    };
    chat.reduce([Event::Page(page)], now());
    let wanted = [("text 2", false), ("", true), ("", true)];
    assert_eq!(shown_texts(&lines(&mut chat, &mut list)), wanted);
}

#[test]
fn own_messages_can_be_erased_and_by_the_host_all() {
    let (mut chat, mut list) = joined(1);
    chat.reduce([message(1), Event::Message(entry(2, ME, None))], now());
    chat.say("7".into(), "on its way", now());
    let can = |chat: &Chat, lines: &[Line]| -> Vec<(bool, bool)> {
        let messages = lines.iter().filter_map(|line| match line {
            Line::Message(message) => Some(message),
            _ => None,
        });
        messages
            .map(|it| (chat.can_erase(it), chat.removable_sender(it).is_some()))
            .collect()
    };
    let shown = lines(&mut chat, &mut list);
    let (no, only_erase) = ((false, false), (true, false));
    assert_eq!(can(&chat, &shown), [no, only_erase, no]);
    chat.reduce([host(ME, None)], now());
    assert_eq!(can(&chat, &shown), [(true, true), only_erase, no]);
    // Nobody can remove a member who has left.
    chat.reduce([removed_by_host(EVE)], now());
    assert_eq!(can(&chat, &shown), [only_erase, only_erase, no]);
    // Nothing can be asked for while the connection is lost.
    chat.reduce([Event::Interrupted(End::Lost(Loss::Slept))], now());
    assert_eq!(can(&chat, &shown), [no, no, no]);
}

#[test]
fn who_is_muted_knows_for_how_long_and_that_it_is_over() {
    let (mut chat, mut list) = joined(1);
    let at = now();
    let later = |seconds| at.instant + Duration::from_secs(seconds);
    chat.say("7".into(), "hello", at);
    let effects = chat.reduce([error(Code::Muted, Some("7"), Some(60_000))], at);
    assert_eq!(effects.news, [News::NotSent(NotSent::Muted)]);
    // The client gives the message back; the reason stays.
    let (id, text) = ("7".into(), "hello".into());
    let effects = chat.reduce([Event::Unsent { id, text }], at);
    assert!(effects.news.is_empty());
    let shown = lines(&mut chat, &mut list);
    let [Line::Message(message)] = &shown[..] else {
        panic!("{shown:?}");
    };
    let id = "7".into();
    let why = NotSent::Muted;
    assert_eq!(message.delivery, Delivery::Unsent { id, why });
    assert_eq!(chat.muted_for(later(20)), Some(Duration::from_secs(40)));
    assert_eq!(chat.muted_for(later(60)), None);
    assert_eq!(lines(&mut chat, &mut list).len(), 1);
    // The host has lifted it: a message goes through.
    chat.reduce([Event::Message(entry(1, ME, Some("8")))], at);
    assert_eq!(chat.muted_for(later(20)), None);
}

#[test]
fn the_answers_to_a_host_are_told_to_the_host() {
    let (mut chat, mut list) = joined(1);
    let kicked = |ban_s| {
        Event::Kicked(Kicked {
            id: id(EVE),
            name: "eve".into(),
            ban_s,
            shared: 2,
        })
    };
    let link = "chatroom://h:1#k=abcdefghijklmnop";
    let effects = chat.reduce(
        [
            kicked(Some(600)),
            kicked(Some(0)),
            Event::Muted(Muted {
                id: id(EVE),
                name: "eve".into(),
                for_s: 300,
            }),
            Event::Invite(Invite { link: link.into() }),
            Event::Invite(Invite { link: "x y".into() }),
            error(Code::NotHost, None, None),
            error(Code::KeyFixed, None, None),
        ],
        now(),
    );
    let removed = |ban| Answer::Removed {
        name: eve(),
        ban,
        shared: 2,
    };
    let wanted = [
        removed(Some(Duration::from_mins(10))),
        removed(None),
        Answer::Muted {
            name: eve(),
            time: Duration::from_mins(5),
        },
        Answer::Invitation(Box::new(link.parse().unwrap())),
        Answer::Refused(Refusal::NotHost),
        Answer::Refused(Refusal::KeyFixed),
    ];
    assert_eq!(effects.answers, wanted);
    assert!(!format!("{effects:?}").contains("abcdef"));
    // The conversation shows none of them.
    assert!(lines(&mut chat, &mut list).is_empty() && effects.news.is_empty());
}

#[test]
fn slow_mode_is_known_from_the_limits() {
    let (mut chat, _) = joined(1);
    assert_eq!(chat.slow(), Duration::ZERO);
    let limits = Limits {
        frame: 65_536,
        text: 10,
        burst: None,
        per_second: None,
        every_s: Some(10),
    };
    chat.reduce([Event::Limits(limits)], now());
    assert_eq!(chat.slow(), Duration::from_secs(10));
}
