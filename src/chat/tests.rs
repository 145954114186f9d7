//! Events in, lines and effects out.

use std::time::Duration;

use super::timeline::Change;
use super::*;
use crate::client::{End, Event, Loss, NotQueued};
use crate::protocol::native::frame::{
    Away, Back, Code, Error, Gap, Joined, Left, Limits, Member, MemberList, NOTICE_ADDRESS, Notice,
    Page, Presence, Welcome,
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
        private: false,
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
        author: Author {
            id: id(from),
            name: member(from).name,
        },
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
