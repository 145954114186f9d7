use proptest::prelude::*;

use super::*;
use crate::room::MemberId;

fn message(own: bool, text: &str, delivery: Delivery) -> Message {
    Message {
        from: if own { MemberId::MIN } else { MemberId::MAX },
        name: "ada".into(),
        own,
        at: 0,
        text: text.into(),
        erased: false,
        delivery,
    }
}

fn joined(name: &str) -> Line {
    Line::Joined { name: name.into() }
}

/// Trims for a reader further up or not, and returns how many lines were dropped.
fn trimmed(timeline: &mut Timeline, further_up: bool) -> usize {
    let before = timeline.told.len();
    timeline.further_up = further_up;
    timeline.trim();
    before - timeline.told.len()
}

fn say(timeline: &mut Timeline, id: &str) {
    timeline.say(message(true, id, Delivery::Pending(id.into())));
}

fn echo(timeline: &mut Timeline, id: &str) {
    let seq = timeline.newest + 1;
    timeline.hear(Some(id), message(true, id, Delivery::Confirmed(seq)));
}

fn other(timeline: &mut Timeline, text: &str) {
    let seq = timeline.newest + 1;
    timeline.hear(Some("1"), message(false, text, Delivery::Confirmed(seq)));
}

fn older(seqs: std::ops::Range<u64>) -> Vec<Line> {
    seqs.map(|seq| Line::Message(message(false, &seq.to_string(), Delivery::Confirmed(seq))))
        .collect()
}

fn texts(timeline: &Timeline) -> Vec<String> {
    (0..timeline.len())
        .filter_map(|place| match &timeline.get(place)?.line {
            Line::Message(message) => Some(match message.delivery {
                Delivery::Confirmed(_) => message.text.clone(),
                Delivery::Pending(_) => format!("{}…", message.text),
                Delivery::Unsent { .. } => format!("{}!", message.text),
            }),
            Line::Joined { name } => Some(format!("{name} joined")),
            _ => None,
        })
        .collect()
}

#[test]
fn of_an_endless_conversation_the_newest_lines_are_kept() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "mine");
    for number in 1..LIMIT + SLACK {
        other(&mut timeline, &number.to_string());
    }
    assert_eq!(trimmed(&mut timeline, false), 0);
    other(&mut timeline, "last");
    // Not while someone reads them.
    assert_eq!(trimmed(&mut timeline, true), 0);
    assert_eq!(trimmed(&mut timeline, false), SLACK);
    let texts = texts(&timeline);
    assert_eq!(texts.len(), LIMIT + 1);
    assert_eq!(texts[0], (SLACK + 1).to_string());
    assert_eq!(texts[LIMIT - 1..], ["last", "mine…"]);
}

#[test]
fn who_reads_further_up_keeps_more_lines_but_not_without_end() {
    let mut timeline = Timeline::default();
    timeline.put_before(older(1..LIMIT_FOR_READER as u64 + 1));
    assert!(!timeline.has_room_for(1));
    timeline.put_before(older(1..SLACK as u64));
    assert_eq!(trimmed(&mut timeline, true), 0);
    other(&mut timeline, "last");
    assert_eq!(trimmed(&mut timeline, true), SLACK);
    assert_eq!(trimmed(&mut timeline, false), LIMIT_FOR_READER - LIMIT);
}

#[test]
fn what_was_told_before_is_not_told_twice() {
    let mut timeline = Timeline::default();
    for seq in [5, 6, 5, 6, 7] {
        let heard = message(false, &seq.to_string(), Delivery::Confirmed(seq));
        timeline.hear(None, heard);
    }
    assert_eq!(texts(&timeline), ["5", "6", "7"]);
}

#[test]
fn what_is_older_stands_before_what_is_held() {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.oldest(), None);
    timeline.tell(joined("eve"));
    timeline.hear(None, message(false, "9", Delivery::Confirmed(9)));
    say(&mut timeline, "mine");
    assert_eq!(timeline.oldest(), Some(9));
    timeline.put_before(older(7..9));
    assert_eq!(timeline.oldest(), Some(7));
    assert_eq!(texts(&timeline), ["7", "8", "eve joined", "9", "mine…"]);
}

#[test]
fn an_own_message_is_pending_until_its_echo() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["1…"]);
    // The id of another person's message means nothing.
    other(&mut timeline, "hello");
    assert_eq!(texts(&timeline), ["hello", "1…"]);
    timeline.take_changes();
    echo(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["hello", "1"]);
    // It stays in its position, and only looks different.
    let changes = timeline.take_changes();
    assert!(
        matches!(changes.as_slice(), [Change::Look { at: 1, .. }]),
        "{changes:?}"
    );
}

#[test]
fn the_order_is_that_of_the_server() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    say(&mut timeline, "2");
    assert!(timeline.give_up("1", &NotSent::TooLong));
    echo(&mut timeline, "2");
    timeline.tell(joined("eve"));
    assert_eq!(texts(&timeline), ["2", "eve joined", "1!"]);
}

#[test]
fn an_own_message_of_another_session_is_simply_heard() {
    let mut timeline = Timeline::default();
    echo(&mut timeline, "unknown");
    timeline.hear(None, message(true, "no id", Delivery::Confirmed(2)));
    assert_eq!(texts(&timeline), ["unknown", "no id"]);
}

#[test]
fn an_unsent_message_can_be_sent_again_or_deleted_and_others_cannot() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    say(&mut timeline, "2");
    let key = timeline.get(0).map_or(0, |line| line.key);
    timeline.delete(key);
    timeline.send_again(key);
    assert_eq!(texts(&timeline), ["1…", "2…"]);
    assert!(timeline.give_up("1", &NotSent::TooLong));
    assert!(!timeline.give_up("1", &NotSent::TooLong));
    assert_eq!(timeline.unsent(key), Some(("1".into(), "1".into())));
    timeline.send_again(key);
    assert_eq!(texts(&timeline), ["2…", "1…"]);
    timeline.give_up("1", &NotSent::TooLong);
    timeline.delete(key);
    assert_eq!(texts(&timeline), ["2…"]);
}

#[test]
fn what_was_given_up_and_was_said_after_all_is_confirmed() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    timeline.give_up("1", &NotSent::Unknown);
    echo(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["1"]);
}

#[test]
fn what_was_said_already_is_there_once() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    say(&mut timeline, "2");
    // Heard before, without its id.
    timeline.hear(None, message(true, "1", Delivery::Confirmed(7)));
    timeline.said("1", 7);
    // Its echo did not come: the message is older than those that the server sent.
    timeline.said("2", 3);
    assert_eq!(texts(&timeline), ["1", "2"]);
}

#[test]
fn another_log_counts_from_its_own_beginning() {
    let mut timeline = Timeline::default();
    timeline.hear(None, message(false, "old", Delivery::Confirmed(7)));
    timeline.begin_log();
    timeline.hear(None, message(false, "new", Delivery::Confirmed(1)));
    assert_eq!(texts(&timeline), ["old", "new"]);
}

#[test]
fn a_number_of_another_log_is_not_taken_for_one_of_this_log() {
    let mut timeline = Timeline::default();
    for text in ["a", "b", "c"] {
        other(&mut timeline, text);
    }
    say(&mut timeline, "mine");
    timeline.begin_log();
    assert_eq!(timeline.oldest(), None);
    // The server says that it has the message, whose echo did not come: it is the second
    // message of the new log, not of the old one.
    timeline.said("mine", 2);
    assert_eq!(texts(&timeline), ["a", "b", "c", "mine"]);
    assert_eq!(timeline.oldest(), Some(2));
}

#[test]
fn whether_anything_was_said_is_known() {
    let mut timeline = Timeline::default();
    timeline.tell(joined("eve"));
    assert!(!timeline.has_messages());
    say(&mut timeline, "mine");
    assert!(timeline.has_messages());
    let mut timeline = Timeline::default();
    other(&mut timeline, "hers");
    assert!(timeline.has_messages());
}

#[test]
fn at_the_end_nothing_stays_pending() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    timeline.give_up_all();
    assert_eq!(texts(&timeline), ["1!"]);
}

#[test]
fn a_burst_is_one_change() {
    let mut timeline = Timeline::default();
    other(&mut timeline, "a");
    say(&mut timeline, "1");
    timeline.take_changes();
    for _ in 0..100 {
        other(&mut timeline, "b");
    }
    let changes = timeline.take_changes();
    let [splice, look] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert!(
        matches!(splice, Change::Splice { at: 1, removed: 0, added } if added.len() == 100),
        "{splice:?}"
    );
    // The message that waits below them.
    assert!(matches!(look, Change::Look { at: 101, .. }), "{look:?}");
    assert_eq!(timeline.take_changes(), []);
}

#[test]
fn older_lines_are_a_change_at_the_top_and_the_line_below_them_loses_its_heading() {
    let mut timeline = Timeline::default();
    timeline.hear(None, message(false, "9", Delivery::Confirmed(9)));
    timeline.take_changes();
    timeline.put_before(older(7..9));
    let changes = timeline.take_changes();
    let [splice, look] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert!(
        matches!(splice, Change::Splice { at: 0, removed: 0, added } if added.len() == 2),
        "{splice:?}"
    );
    assert!(
        matches!(look, Change::Look { at: 2, shown } if !shown.heads),
        "{look:?}"
    );
}

#[test]
fn lines_that_are_dropped_leave_the_list_once() {
    let mut timeline = Timeline::default();
    for number in 0..10 {
        other(&mut timeline, &number.to_string());
    }
    timeline.take_changes();
    // More than the list has is dropped before it hears of any of it.
    for number in 0..LIMIT + SLACK {
        other(&mut timeline, &number.to_string());
    }
    timeline.put_before(older(1..2));
    timeline.trim();
    let changes = timeline.take_changes();
    let [top, end] = changes.as_slice() else {
        panic!("{}", changes.len());
    };
    let top_is_right =
        matches!(top, Change::Splice { at: 0, removed: 10, added } if added.is_empty());
    let end_is_right =
        matches!(end, Change::Splice { at: 0, removed: 0, added } if added.len() == LIMIT);
    assert!(top_is_right && end_is_right);
    assert!(timeline.was_cut() && !timeline.was_cut());
}

/// A list as a client holds it.
fn apply(list: &mut Vec<Shown>, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Splice { at, removed, added } => {
                list.splice(at..at + removed, added);
            }
            Change::Look { at, shown } => list[at] = shown,
        }
    }
}

proptest! {
    /// A list that applies each change shows the conversation, whatever happens.
    #[test]
    fn a_list_follows(steps in proptest::collection::vec(
        proptest::collection::vec((0..11u8, 0..8u8), 0..8), 0..12)) {
        let mut timeline = Timeline::default();
        let mut list: Vec<Shown> = Vec::new();
        for step in steps {
            for (what, which) in step {
                let id = which.to_string();
                match what {
                    0 => other(&mut timeline, "x"),
                    1 => say(&mut timeline, &id),
                    2 => echo(&mut timeline, &id),
                    3 => { timeline.give_up(&id, &NotSent::Empty); }
                    4 => timeline.delete(u64::from(which)),
                    5 => timeline.send_again(u64::from(which)),
                    6 => timeline.said(&id, u64::from(which)),
                    7 => timeline.put_before(older(1..1 + u64::from(which))),
                    8 => timeline.drop_oldest(usize::from(which)),
                    9 => { timeline.erase(timeline.newest.saturating_sub(which.into())); }
                    _ => timeline.tell(joined("n")),
                }
            }
            apply(&mut list, timeline.take_changes());
            let wanted: Vec<Shown> = timeline.shown(0..timeline.len()).collect();
            prop_assert_eq!(&list, &wanted);
        }
    }
}
