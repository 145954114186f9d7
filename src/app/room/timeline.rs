//! The order of a conversation, and what becomes of the user's own messages.
//!
//! First stands what the server told, in its order; below it what the user said
//! and the server has not confirmed, in the order in which it was said. The echo
//! of a message moves it up into the server's order.

use super::line::{Content, Delivery, Line, Message};

/// The most lines of what the server told that are kept: as many messages as a room
/// in memory holds itself.
const KEPT: usize = 10_000;

/// So many more are let come before the oldest go: they go together.
const SLACK: usize = 1_000;

/// A conversation.
#[derive(Debug, Default)]
pub struct Timeline {
    /// What the server told.
    told: Vec<Line>,
    /// The user's messages that are pending or were refused.
    unsent: Vec<Line>,
    next_key: u64,
}

/// A conversation as it stood at some time.
#[derive(Debug)]
pub struct Mark {
    told: usize,
    /// The keys of what was not confirmed then.
    unsent: Vec<u64>,
}

/// What must be done to a list that shows a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The lines from here on may look different.
    pub from: usize,
    /// Where lines are taken out and put in.
    pub at: usize,
    /// How many are taken out.
    pub removed: usize,
    /// How many are put in.
    pub added: usize,
}

impl Timeline {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.told.len() + self.unsent.len()
    }

    /// The line at a place, counted from the top.
    pub fn get(&self, place: usize) -> Option<&Line> {
        self.told
            .get(place)
            .or_else(|| self.unsent.get(place.checked_sub(self.told.len())?))
    }

    /// Adds what the server told, other than messages.
    pub fn tell(&mut self, content: Content) {
        let key = self.key();
        self.told.push(Line { key, content });
    }

    /// Adds a message that the server told; `id` is its sender's own id for it.
    pub fn hear(&mut self, id: Option<&str>, message: Message) {
        let own = id.filter(|_| message.own).and_then(|id| self.pending(id));
        let key = match own {
            Some(place) => self.unsent.remove(place).key,
            None => self.key(),
        };
        let content = Content::Message(message);
        self.told.push(Line { key, content });
    }

    /// Adds a message of the user's, which is not confirmed yet.
    pub fn say(&mut self, message: Message) {
        let key = self.key();
        let content = Content::Message(message);
        self.unsent.push(Line { key, content });
    }

    /// The message with this id was not said. Returns whether there is one.
    pub fn refuse(&mut self, id: &str, why: &str) -> bool {
        let line = self.pending(id).and_then(|it| self.unsent.get_mut(it));
        let Some(Content::Message(message)) = line.map(|it| &mut it.content) else {
            return false;
        };
        message.delivery = Delivery::Refused(why.to_owned());
        true
    }

    /// Nothing more will be heard: whatever is pending will not be confirmed.
    pub fn give_up(&mut self, why: &str) {
        for line in &mut self.unsent {
            if let Content::Message(message) = &mut line.content
                && matches!(message.delivery, Delivery::Pending(_))
            {
                message.delivery = Delivery::Refused(why.to_owned());
            }
        }
    }

    /// Takes a refused message out, and returns its text.
    pub fn take_refused(&mut self, key: u64) -> Option<String> {
        let place = self.unsent.iter().position(|line| {
            line.key == key
                && matches!(&line.content, Content::Message(message)
                    if matches!(message.delivery, Delivery::Refused(_)))
        })?;
        match self.unsent.remove(place).content {
            Content::Message(message) => Some(message.text),
            _ => None,
        }
    }

    /// Lets go of the oldest lines if there are too many, and tells of how many.
    pub fn trim(&mut self) -> usize {
        if self.told.len() < KEPT + SLACK {
            return 0;
        }
        self.told.drain(..self.told.len() - KEPT).count()
    }

    /// How it stands now.
    pub fn mark(&self) -> Mark {
        Mark {
            told: self.told.len(),
            unsent: self.unsent.iter().map(|line| line.key).collect(),
        }
    }

    /// What has changed since: one change, however much happened.
    pub fn change_since(&self, mark: &Mark) -> Change {
        let from = mark.told;
        let new: Vec<u64> = (from..self.len())
            .filter_map(|place| self.get(place))
            .map(|line| line.key)
            .collect();
        let (before, removed, added) = difference(&mark.unsent, &new);
        Change {
            from,
            at: from + before,
            removed,
            added,
        }
    }

    fn pending(&self, wanted: &str) -> Option<usize> {
        self.unsent.iter().position(|line| {
            matches!(&line.content, Content::Message(Message {
                delivery: Delivery::Pending(id), ..
            }) if id == wanted)
        })
    }

    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

/// How one list becomes another by one change: how many stay at the start, and how
/// many after them are taken out and put in. What is the same at the end stays.
pub(super) fn difference<T: PartialEq>(old: &[T], new: &[T]) -> (usize, usize, usize) {
    let same = |(a, b): &(&T, &T)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[before..], &new[before..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let after = ends.take_while(same).count();
    (before, old.len() - after, new.len() - after)
}

#[cfg(test)]
mod tests {
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
        timeline.hear(Some(id), message(true, id, Delivery::Confirmed));
    }

    fn other(timeline: &mut Timeline, text: &str) {
        timeline.hear(Some("1"), message(false, text, Delivery::Confirmed));
    }

    fn texts(timeline: &Timeline) -> Vec<String> {
        (0..timeline.len())
            .filter_map(|place| match &timeline.get(place)?.content {
                Content::Message(message) => Some(match message.delivery {
                    Delivery::Confirmed => message.text.clone(),
                    Delivery::Pending(_) => format!("{}…", message.text),
                    Delivery::Refused(_) => format!("{}!", message.text),
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
        assert_eq!(timeline.trim(), 0);
        other(&mut timeline, "last");
        assert_eq!(timeline.trim(), SLACK);
        let texts = texts(&timeline);
        assert_eq!(texts.len(), KEPT + 1);
        assert_eq!(texts[0], (SLACK + 1).to_string());
        assert_eq!(texts[KEPT - 1..], ["last", "mine…"]);
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
        // It stands where it stood; it only looks different.
        let change = timeline.change_since(&mark);
        assert_eq!((change.from, change.removed, change.added), (1, 0, 0));
    }

    #[test]
    fn the_order_is_that_of_the_server() {
        let mut timeline = Timeline::default();
        say(&mut timeline, "1");
        say(&mut timeline, "2");
        assert!(timeline.refuse("1", "too fast"));
        echo(&mut timeline, "2");
        timeline.tell(Content::Notice("eve came in".into()));
        assert_eq!(texts(&timeline), ["2", "eve came in", "1!"]);
    }

    #[test]
    fn an_own_message_of_another_session_is_simply_heard() {
        let mut timeline = Timeline::default();
        echo(&mut timeline, "unknown");
        timeline.hear(None, message(true, "no id", Delivery::Confirmed));
        assert_eq!(texts(&timeline), ["unknown", "no id"]);
    }

    #[test]
    fn a_refused_message_can_be_taken_out_once_and_others_cannot() {
        let mut timeline = Timeline::default();
        say(&mut timeline, "1");
        let key = timeline.get(0).map_or(0, |line| line.key);
        assert_eq!(timeline.take_refused(key), None);
        assert!(timeline.refuse("1", "too fast"));
        assert!(!timeline.refuse("1", "too fast"));
        assert_eq!(timeline.take_refused(key).as_deref(), Some("1"));
        assert_eq!(timeline.take_refused(key), None);
        assert_eq!(timeline.len(), 0);
    }

    #[test]
    fn at_the_end_nothing_stays_pending() {
        let mut timeline = Timeline::default();
        say(&mut timeline, "1");
        timeline.give_up("the connection was lost");
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
        /// A list that is changed as told shows the conversation, whatever happens.
        #[test]
        fn a_list_follows(steps in proptest::collection::vec(
            proptest::collection::vec((0..6u8, 0..8u8), 0..8), 0..12)) {
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
                        3 => { timeline.refuse(&id, "no"); }
                        4 => { timeline.take_refused(u64::from(which)); }
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
}
