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
        delivery,
    }
}

fn say(timeline: &mut Timeline, id: &str) {
    timeline.say(message(true, id, Delivery::Pending(id.into())));
}

fn echo(timeline: &mut Timeline, id: &str) {
    let seq = timeline.newest + 1;
    timeline.hear(seq, Some(id), message(true, id, Delivery::Confirmed(seq)));
}

fn other(timeline: &mut Timeline, text: &str) {
    let seq = timeline.newest + 1;
    timeline.hear(
        seq,
        Some("1"),
        message(false, text, Delivery::Confirmed(seq)),
    );
}

fn older(seqs: std::ops::Range<u64>) -> Vec<Content> {
    seqs.map(|seq| Content::Message(message(false, &seq.to_string(), Delivery::Confirmed(seq))))
        .collect()
}

fn texts(timeline: &Timeline) -> Vec<String> {
    (0..timeline.len())
        .filter_map(|place| match &timeline.get(place)?.content {
            Content::Message(message) => Some(match message.delivery {
                Delivery::Confirmed(_) => message.text.clone(),
                Delivery::Pending(_) => format!("{}…", message.text),
                Delivery::Unsent { .. } => format!("{}!", message.text),
            }),
            Content::Notice(text) => Some(text.clone()),
            Content::Addresses(_) => None,
        })
        .collect()
}

#[test]
fn of_an_endless_conversation_the_newest_lines_are_kept() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "mine");
    for number in 1..KEPT + SLACK {
        other(&mut timeline, &number.to_string());
    }
    assert_eq!(timeline.trim(false), 0);
    other(&mut timeline, "last");
    // Not while someone reads them.
    assert_eq!(timeline.trim(true), 0);
    assert_eq!(timeline.trim(false), SLACK);
    let texts = texts(&timeline);
    assert_eq!(texts.len(), KEPT + 1);
    assert_eq!(texts[0], (SLACK + 1).to_string());
    assert_eq!(texts[KEPT - 1..], ["last", "mine…"]);
}

#[test]
fn who_reads_further_up_keeps_more_lines_but_not_without_end() {
    let mut timeline = Timeline::default();
    timeline.put_before(older(1..KEPT_FOR_READER as u64 + 1));
    assert!(!timeline.has_room_for(1));
    timeline.put_before(older(1..SLACK as u64));
    assert_eq!(timeline.trim(true), 0);
    other(&mut timeline, "last");
    assert_eq!(timeline.trim(true), SLACK);
    assert_eq!(timeline.trim(false), KEPT_FOR_READER - KEPT);
}

#[test]
fn what_was_told_before_is_not_told_twice() {
    let mut timeline = Timeline::default();
    for seq in [5, 6, 5, 6, 7] {
        let heard = message(false, &seq.to_string(), Delivery::Confirmed(seq));
        timeline.hear(seq, None, heard);
    }
    assert_eq!(texts(&timeline), ["5", "6", "7"]);
}

#[test]
fn what_is_older_stands_before_what_is_held() {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.oldest(), None);
    timeline.tell(Content::Notice("eve came in".into()));
    timeline.hear(9, None, message(false, "9", Delivery::Confirmed(9)));
    say(&mut timeline, "mine");
    assert_eq!(timeline.oldest(), Some(9));
    timeline.put_before(older(7..9));
    assert_eq!(timeline.oldest(), Some(7));
    assert_eq!(texts(&timeline), ["7", "8", "eve came in", "9", "mine…"]);
}

#[test]
fn an_own_message_is_pending_until_its_echo() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["1…"]);
    // The id of another person's message means nothing.
    other(&mut timeline, "hello");
    assert_eq!(texts(&timeline), ["hello", "1…"]);
    let mark = timeline.mark();
    echo(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["hello", "1"]);
    // It stays in its position, and only looks different.
    let change = timeline.change_since(&mark);
    assert_eq!((change.from, change.removed, change.added), (1, 0, 0));
}

#[test]
fn the_order_is_that_of_the_server() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    say(&mut timeline, "2");
    assert!(timeline.give_up("1", "too long"));
    echo(&mut timeline, "2");
    timeline.tell(Content::Notice("eve came in".into()));
    assert_eq!(texts(&timeline), ["2", "eve came in", "1!"]);
}

#[test]
fn an_own_message_of_another_session_is_simply_heard() {
    let mut timeline = Timeline::default();
    echo(&mut timeline, "unknown");
    timeline.hear(2, None, message(true, "no id", Delivery::Confirmed(2)));
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
    assert!(timeline.give_up("1", "too long"));
    assert!(!timeline.give_up("1", "too long"));
    assert_eq!(timeline.unsent(key), Some(("1".into(), "1".into())));
    timeline.send_again(key);
    assert_eq!(texts(&timeline), ["2…", "1…"]);
    timeline.give_up("1", "too long");
    timeline.delete(key);
    assert_eq!(texts(&timeline), ["2…"]);
}

#[test]
fn what_was_given_up_and_was_said_after_all_is_confirmed() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    timeline.give_up("1", "lost");
    echo(&mut timeline, "1");
    assert_eq!(texts(&timeline), ["1"]);
}

#[test]
fn what_was_said_already_is_there_once() {
    let mut timeline = Timeline::default();
    say(&mut timeline, "1");
    say(&mut timeline, "2");
    // Heard before, without its id.
    timeline.hear(7, None, message(true, "1", Delivery::Confirmed(7)));
    timeline.said("1", 7);
    // Its echo did not come: the message is older than those that the server sent.
    timeline.said("2", 3);
    assert_eq!(texts(&timeline), ["1", "2"]);
}

#[test]
fn another_log_counts_from_its_own_beginning() {
    let mut timeline = Timeline::default();
    timeline.hear(7, None, message(false, "old", Delivery::Confirmed(7)));
    timeline.begin_log();
    timeline.hear(1, None, message(false, "new", Delivery::Confirmed(1)));
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
    timeline.tell(Content::Notice("eve joined".into()));
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
    timeline.give_up_all("the connection was lost");
    assert_eq!(texts(&timeline), ["1!"]);
}

#[test]
fn a_burst_is_one_change() {
    let mut timeline = Timeline::default();
    other(&mut timeline, "a");
    say(&mut timeline, "1");
    let mark = timeline.mark();
    for _ in 0..100 {
        other(&mut timeline, "b");
    }
    let change = timeline.change_since(&mark);
    let wanted = Change {
        from: 1,
        at: 1,
        removed: 0,
        added: 100,
    };
    assert_eq!(change, wanted);
}

proptest! {
    /// A list that applies each change shows the conversation, whatever happens.
    #[test]
    fn a_list_follows(steps in proptest::collection::vec(
        proptest::collection::vec((0..8u8, 0..8u8), 0..8), 0..12)) {
        let mut timeline = Timeline::default();
        let mut shown: Vec<u64> = Vec::new();
        for step in steps {
            let mark = timeline.mark();
            for (what, which) in step {
                let id = which.to_string();
                match what {
                    0 => other(&mut timeline, "x"),
                    1 => say(&mut timeline, &id),
                    2 => echo(&mut timeline, &id),
                    3 => { timeline.give_up(&id, "no"); }
                    5 => { timeline.send_again(u64::from(which)); }
                    6 => { timeline.said(&id, u64::from(which)); }
                    4 => { timeline.delete(u64::from(which)); }
                    _ => timeline.tell(Content::Notice("n".into())),
                }
            }
            let change = timeline.change_since(&mark);
            let added: Vec<u64> = (change.at..change.at + change.added)
                .filter_map(|place| Some(timeline.get(place)?.key))
                .collect();
            shown.splice(change.at..change.at + change.removed, added);
            let keys: Vec<u64> = (0..timeline.len())
                .filter_map(|place| Some(timeline.get(place)?.key))
                .collect();
            prop_assert_eq!(&shown, &keys);
        }
    }
}
