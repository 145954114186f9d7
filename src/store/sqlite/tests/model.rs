//! Any sequence of events in a room is there after a restart.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The expected contents: messages, and each session with its ids.
#[derive(Default)]
struct Model {
    messages: Vec<(u64, u64, Option<String>)>,
    sessions: BTreeMap<u64, Vec<(Box<str>, u64)>>,
    last_member: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Enter(bool),
    /// Any of the members so far, in the room or not.
    Leave(prop::sample::Index),
    /// The member, and the numbers of messages with and without an id.
    Say(prop::sample::Index, u64, bool),
    /// The operations since the last one go into one transaction.
    Commit,
    Reopen {
        closed: bool,
    },
    CloseForGood,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Enter),
        2 => any::<prop::sample::Index>().prop_map(Step::Leave),
        8 => (any::<prop::sample::Index>(), 1..400_u64, any::<bool>())
            .prop_map(|(who, count, id)| Step::Say(who, count, id)),
        6 => Just(Step::Commit),
        2 => any::<bool>().prop_map(|closed| Step::Reopen { closed }),
        1 => Just(Step::CloseForGood),
    ]
}

impl Model {
    fn apply(&mut self, step: &Step) -> Vec<Record> {
        let someone = |who: &prop::sample::Index, all: u64| {
            1 + who.index(usize::try_from(all.max(1)).unwrap()) as u64
        };
        match step {
            Step::Enter(has_session) => {
                self.last_member += 1;
                let id = self.last_member;
                if *has_session {
                    self.sessions.insert(id, Vec::new());
                }
                vec![entered(id, has_session.then(|| key(1)))]
            }
            Step::Leave(who) => {
                let id = someone(who, self.last_member);
                self.sessions.remove(&id);
                vec![Record::Left { id: member(id) }]
            }
            Step::Say(who, count, has_id) => {
                let from = someone(who, self.last_member);
                let say = |_| {
                    let seq = self.messages.len() as u64 + 1;
                    let id = has_id.then(|| format!("id {seq}"));
                    if let (Some(said), Some(id)) = (self.sessions.get_mut(&from), &id) {
                        said.push((id.as_str().into(), seq));
                        let over = said
                            .len()
                            .saturating_sub(usize::try_from(RECENT_IDS).unwrap());
                        said.drain(..over);
                    }
                    let record = said(seq, from, id.as_deref());
                    self.messages.push((seq, from, id));
                    record
                };
                (0..*count).map(say).collect()
            }
            Step::CloseForGood => {
                self.sessions.clear();
                vec![Record::Closed]
            }
            Step::Commit | Step::Reopen { .. } => Vec::new(),
        }
    }

    fn check(&self, past: &Past) {
        let messages: Vec<_> = past
            .entries
            .iter()
            .map(|message| {
                assert_eq!(message.at, at(message.seq));
                let id = message.message_id().map(str::to_owned);
                (message.seq, message.author.id.map_or(0, MemberId::get), id)
            })
            .collect();
        assert_eq!(messages, self.messages);
        assert_eq!(past.next_seq, self.messages.len() as u64 + 1);
        assert_eq!(past.last_member, self.last_member);
        let sessions: BTreeMap<_, _> = past
            .sessions
            .iter()
            .map(|session| (session.id.get(), session.said.clone()))
            .collect();
        assert_eq!(sessions, self.sessions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn whatever_happened_is_there_after_a_restart(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let disk = Disk::new();
        let (mut store, _) = disk.open();
        let (mut model, mut batch) = (Model::default(), Vec::new());
        for step in steps.iter().chain([&Step::Reopen { closed: true }]) {
            batch.extend(model.apply(step));
            if matches!(step, Step::Commit | Step::Reopen { .. }) {
                store.write(&batch).unwrap();
                batch.clear();
            }
            if let Step::Reopen { closed } = step {
                if *closed {
                    store.close().unwrap();
                } else {
                    drop(store);
                }
                let past;
                (store, past) = disk.open();
                model.check(&past);
            }
        }
    }
}
