//! Any sequence of events in a room is there after a restart.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::StoredBan;

/// The expected contents: messages, and each session with its ids.
#[derive(Default)]
struct Model {
    messages: Vec<Entry<'static>>,
    sessions: BTreeMap<u64, Session>,
    keys: Keys,
    slow: Duration,
    bans: Vec<Ban>,
    last_member: u64,
}

/// The expected state of a session.
#[derive(Clone, Debug, Default, PartialEq)]
struct Session {
    said: Vec<(Box<str>, u64)>,
    host: bool,
    /// The second until which the member is muted.
    muted: Option<u64>,
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
    /// Any of the entries so far, or none.
    Erase(prop::sample::Index),
    Host(Option<prop::sample::Index>, prop::sample::Index),
    Mute(prop::sample::Index, Option<u64>),
    Slow(u64),
    Keys(u8),
    Ban(u8, u64),
    Unban(u8),
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
        4 => any::<prop::sample::Index>().prop_map(Step::Erase),
        1 => any::<(Option<prop::sample::Index>, prop::sample::Index)>()
            .prop_map(|(from, to)| Step::Host(from, to)),
        2 => (any::<prop::sample::Index>(), proptest::option::of(1..999_u64))
            .prop_map(|(who, until)| Step::Mute(who, until)),
        1 => (0..999_u64).prop_map(Step::Slow),
        1 => any::<u8>().prop_map(Step::Keys),
        2 => (0..9_u8, 1..999_u64).prop_map(|(last, until)| Step::Ban(last, until)),
        1 => (0..9_u8).prop_map(Step::Unban),
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
                    let session = Session {
                        host: id == 1,
                        ..Session::default()
                    };
                    self.sessions.insert(id, session);
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
                    if let (Some(session), Some(id)) = (self.sessions.get_mut(&from), &id) {
                        let said = &mut session.said;
                        said.push((id.as_str().into(), seq));
                        let over = said
                            .len()
                            .saturating_sub(usize::try_from(RECENT_IDS).unwrap());
                        said.drain(..over);
                    }
                    self.messages.push(entry(seq, from, id.as_deref()));
                    said(seq, from, id.as_deref())
                };
                (0..*count).map(say).collect()
            }
            Step::CloseForGood => {
                self.sessions.clear();
                vec![Record::Closed]
            }
            Step::Erase(which) => {
                let seq = self.messages.len() as u64 + 1;
                let of = which.index(self.messages.len().max(1)) as u64 + 1;
                if of >= seq {
                    return Vec::new();
                }
                let index = usize::try_from(of - 1).unwrap();
                let message = &mut self.messages[index];
                if let Body::Text { id, .. } = &message.body {
                    message.body = Body::Gone { id: id.clone() };
                }
                let Record::Entry(entry) = erased(seq, of) else {
                    unreachable!()
                };
                self.messages.push(entry);
                vec![erased(seq, of)]
            }
            Step::Host(from, to) => {
                let from = from.map(|from| someone(&from, self.last_member));
                let to = someone(to, self.last_member);
                for (id, host) in from
                    .map(|from| (from, false))
                    .into_iter()
                    .chain([(to, true)])
                {
                    if let Some(session) = self.sessions.get_mut(&id) {
                        session.host = host;
                    }
                }
                let (from, to) = (from.map(member), member(to));
                vec![Record::Host { from, to }]
            }
            Step::Mute(who, until) => {
                let id = someone(who, self.last_member);
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.muted = *until;
                }
                let (id, until) = (member(id), until.map(at));
                vec![Record::Muted { id, until }]
            }
            Step::Slow(seconds) => {
                self.slow = Duration::from_secs(*seconds);
                vec![Record::Slow { every: self.slow }]
            }
            Step::Keys(n) => {
                self.keys = keys(*n);
                vec![Record::Keys(keys(*n))]
            }
            Step::Ban(last, until) => {
                let mut records = self.unban(*last);
                self.bans.push(ban(*last, *until));
                records.push(Record::Banned(ban(*last, *until)));
                records
            }
            Step::Unban(last) => self.unban(*last),
            Step::Commit | Step::Reopen { .. } => Vec::new(),
        }
    }

    fn unban(&mut self, last: u8) -> Vec<Record> {
        let network = ban(last, 0).network;
        let lifted = self.bans.extract_if(.., |ban| ban.network == network);
        lifted.map(Record::Unbanned).collect()
    }

    fn check(&self, past: &Past) {
        assert_eq!(past.entries, self.messages);
        assert_eq!((&past.keys, past.slow), (&self.keys, self.slow));
        // All of them were made at second 0, which it still is.
        let bans = self.bans.iter().map(|ban| StoredBan {
            network: ban.network,
            token: ban.token,
            name: ban.name.as_deref().map(Into::into),
            until: ban.until.1,
            remaining: ban.until.1.duration_since(at(0)).unsigned_abs(),
        });
        assert!(bans.eq(past.bans.iter().cloned()));
        assert_eq!(past.next_seq, self.messages.len() as u64 + 1);
        assert_eq!(past.last_member, self.last_member);
        let sessions: BTreeMap<_, _> = past
            .sessions
            .iter()
            .map(|session| {
                let muted = session.muted.map(|it| it.as_secs());
                let state = Session {
                    said: session.said.clone(),
                    host: session.host,
                    muted,
                };
                (session.id.get(), state)
            })
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
