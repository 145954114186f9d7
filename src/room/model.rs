//! Tests the room against a plain model of it: for any actions of members and their
//! connections, both give the same answers and the same events.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use proptest::prelude::*;

use std::time::Duration;

use super::*;

const MAX_MEMBERS: usize = 5;

const TOLD: EncodingId = EncodingId::new(0);

/// A command that adds a member.
fn enter(wanted: &str, token: Option<TokenHash>) -> Enter {
    Enter {
        wanted: WantedName::of(wanted),
        encoding: TOLD,
        host: false,
        token,
    }
}

fn lost(lease: Lease, time: Time) -> Lose {
    let why = Why::Lost;
    Lose { lease, why, time }
}

fn resume(token: TokenHash, opened: Time) -> Resume {
    Resume { token, opened }
}

/// A command that sends a message with an id.
fn say(lease: Lease, id: Option<&str>, time: Time) -> Say<'_> {
    Say {
        lease,
        draft: Draft::new(id, "hi"),
        at: Timestamp::UNIX_EPOCH,
        time,
    }
}

/// An action. Leases and sessions are counted back from the newest; some of them are
/// over.
#[derive(Clone, Debug)]
enum Step {
    Enter { name: usize, session: bool },
    Resume(usize),
    Lose(usize),
    Leave(usize),
    Say { lease: usize, id: Option<u8> },
    Wait(Duration),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let lease = || 0_usize..6;
    prop_oneof![
        6 => (0_usize..4, proptest::bool::weighted(0.8))
            .prop_map(|(name, session)| Step::Enter { name, session }),
        6 => lease().prop_map(Step::Resume),
        6 => lease().prop_map(Step::Lose),
        2 => lease().prop_map(Step::Leave),
        10 => (lease(), proptest::option::of(0_u8..4))
            .prop_map(|(lease, id)| Step::Say { lease, id }),
        4 => (0_u64..50).prop_map(|seconds| Step::Wait(Duration::from_secs(seconds))),
        1 => Just(Step::Close),
    ]
}

/// A member in the model.
struct Known {
    name: String,
    /// The index of the valid lease.
    lease: Option<usize>,
    session: bool,
    away: Option<(Time, Why)>,
    said: HashMap<u8, u64>,
}

struct Model {
    now: Time,
    members: BTreeMap<u64, Known>,
    /// The member of each lease, valid or over.
    leases: Vec<u64>,
    /// The member of each session.
    sessions: Vec<u64>,
    entered: u64,
    said: u64,
    revocations: u64,
    /// The events that everyone sees.
    told: Vec<String>,
    closed: bool,
}

impl Model {
    fn tell(&mut self, what: String) {
        if !self.closed {
            self.told.push(what);
        }
    }

    /// The member of a lease, if the lease is valid.
    fn held(&mut self, lease: usize) -> Option<(u64, &mut Known)> {
        let id = *self.leases.get(lease)?;
        let member = self.members.get_mut(&id)?;
        (member.lease == Some(lease)).then_some((id, member))
    }

    fn enter(&mut self, session: bool, name: &str) -> u64 {
        self.entered += 1;
        let id = self.entered;
        let member = Known {
            name: name.to_owned(),
            lease: Some(self.leases.len()),
            session,
            away: None,
            said: HashMap::new(),
        };
        self.members.insert(id, member);
        self.leases.push(id);
        if session {
            self.sessions.push(id);
        }
        self.tell(format!("joined {id} {name} {}", self.members.len()));
        id
    }

    fn resume(&mut self, session: usize) -> Option<(u64, Coming)> {
        let id = *self.sessions.get(session)?;
        let lease = self.leases.len();
        let member = self.members.get_mut(&id).filter(|_| !self.closed)?;
        member.lease = Some(lease);
        self.leases.push(id);
        let coming = if member.away.take().is_some() {
            let name = member.name.clone();
            self.tell(format!("back {id} {name}"));
            Coming::Back
        } else {
            self.revocations += 1;
            Coming::Instead
        };
        Some((id, coming))
    }

    fn lose(&mut self, lease: usize, why: Why, grace: Duration) -> Option<Parting> {
        let (now, closed) = (self.now, self.closed);
        let (id, member) = self.held(lease)?;
        if !member.session || grace.is_zero() || closed {
            return self.leave(lease, why);
        }
        member.lease = None;
        member.away = Some((now + grace, why));
        let name = member.name.clone();
        self.tell(format!("away {id} {name}"));
        Some(Parting::Away)
    }

    fn leave(&mut self, lease: usize, why: Why) -> Option<Parting> {
        let (id, _) = self.held(lease)?;
        Some(self.let_go(id, why))
    }

    fn let_go(&mut self, id: u64, why: Why) -> Parting {
        let name = self.members.remove(&id).unwrap().name;
        let count = self.members.len();
        self.tell(format!("left {id} {name} {why:?} {count}"));
        Parting::Left { count }
    }

    fn say(&mut self, lease: usize, message: Option<u8>) -> Result<Said, NotSaid> {
        let seq = self.said + 1;
        if self.closed {
            return Err(NotSaid::Closed);
        }
        let (id, member) = self.held(lease).ok_or(NotSaid::LeaseOver)?;
        if let Some(before) = message.and_then(|message| member.said.get(&message)) {
            return Ok(Said::Before(*before));
        }
        member.said.extend(message.map(|message| (message, seq)));
        self.said = seq;
        self.tell(format!("message {seq} {id} {message:?}"));
        Ok(Said::New(seq))
    }

    /// The absent member with the earliest deadline.
    fn due(&self) -> Option<(Time, u64, Why)> {
        let away = self.members.iter().filter_map(|(id, member)| {
            let (until, why) = member.away?;
            Some((until, *id, why))
        });
        away.min_by_key(|(until, id, _)| (*until, *id))
            .filter(|_| !self.closed)
    }
}

fn told(event: &Event<'_>, out: &mut Vec<u8>) {
    let text = match event {
        Event::Entry(entry) => {
            let (seq, author) = (entry.seq, entry.author.id);
            let Body::Text { id, .. } = &entry.body;
            let id = id.as_ref().map(|id| id.parse::<u8>().unwrap());
            format!("message {seq} {author} {id:?}")
        }
        Event::Joined {
            id, name, count, ..
        } => format!("joined {id} {name} {count}"),
        Event::Left {
            id,
            name,
            why,
            count,
        } => format!("left {id} {name} {why:?} {count}"),
        Event::Away { id, name } => format!("away {id} {name}"),
        Event::Back { id, name } => format!("back {id} {name}"),
        Event::Presence(gathered) => format!("{gathered:?}"),
        Event::Closed(_) => "closed".to_owned(),
        // Only a log that is held back has these.
        Event::Notice { .. } | Event::Alive => unreachable!(),
    };
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// A room, its model, and a reader of everything.
struct Pair {
    room: Room,
    model: Model,
    leases: Vec<Lease>,
    cursor: Cursor,
}

impl Pair {
    fn new(grace: Duration) -> Self {
        let rules = Rules {
            max_members: MAX_MEMBERS,
            rate_limit: RateLimit::per_second(0),
            grace,
            ..Rules::default()
        };
        let room = Room::new(rules, Encodings::new(TOLD, told), Seed::new([7; 16]));
        let model = Model {
            now: Time::BEGINNING,
            members: BTreeMap::new(),
            leases: Vec::new(),
            sessions: Vec::new(),
            entered: 0,
            said: 0,
            revocations: 0,
            told: Vec::new(),
            closed: false,
        };
        let cursor = room.head();
        Self {
            room,
            model,
            leases: Vec::new(),
            cursor,
        }
    }

    /// An existing session, or one that the room does not know.
    fn session(&self, back: usize) -> (usize, TokenHash) {
        let index = self.model.sessions.len().wrapping_sub(back + 1);
        (index, TokenHash::of(&index.to_string()))
    }

    fn take(&mut self, step: &Step) {
        let grace = self.room.rules().grace;
        let lease_at = |back: usize| {
            let index = self.leases.len().checked_sub(back + 1)?;
            Some((index, self.leases[index]))
        };
        match *step {
            Step::Enter { name, session } => self.enter(name, session),
            Step::Resume(back) => {
                let (index, key) = self.session(back);
                let entered = self.room.apply(resume(key, self.model.now));
                let expected = self.model.resume(index);
                let came = entered.ok().map(|entered| {
                    let id = entered.lease.id.get();
                    assert_eq!(*entered.name, *self.model.members[&id].name);
                    self.leases.push(entered.lease);
                    (id, entered.coming)
                });
                assert_eq!(came, expected);
            }
            Step::Lose(back) => {
                if let Some((index, lease)) = lease_at(back) {
                    let parting = self.room.apply(lost(lease, self.model.now));
                    assert_eq!(parting, self.model.lose(index, Why::Lost, grace));
                }
            }
            Step::Leave(back) => {
                if let Some((index, lease)) = lease_at(back) {
                    let parting = self.room.apply(Leave {
                        lease,
                        why: Why::Quit,
                    });
                    assert_eq!(parting, self.model.leave(index, Why::Quit));
                }
            }
            Step::Say { lease, id } => {
                if let Some((index, lease)) = lease_at(lease) {
                    let (now, text) = (self.model.now, id.map(|id| id.to_string()));
                    let said = self.room.apply(say(lease, text.as_deref(), now));
                    assert_eq!(said, self.model.say(index, id));
                }
            }
            Step::Wait(time) => self.wait(time),
            Step::Close => {
                self.room.apply(Close {
                    closing: Closing::ForGood,
                });
                self.model.tell("closed".to_owned());
                self.model.closed = true;
            }
        }
    }

    fn enter(&mut self, name: usize, session: bool) {
        let wanted = ["ada", "bob", "kim", "eve"][name];
        let key = session.then(|| TokenHash::of(&self.model.sessions.len().to_string()));
        match self.room.apply(enter(wanted, key)) {
            Ok(entered) => {
                let name = &*entered.name;
                let mut names = self.model.members.values().map(|member| &member.name);
                assert!(names.all(|other| other != name), "{name} is in use");
                let mut names = self.model.members.values().map(|member| &member.name);
                assert!(name == wanted || names.any(|other| other == wanted));
                assert!(self.model.members.len() < MAX_MEMBERS && !self.model.closed);
                assert_eq!(entered.coming, Coming::New);
                let id = self.model.enter(session, name);
                assert_eq!(entered.lease.id.get(), id);
                self.leases.push(entered.lease);
            }
            Err(NotEntered::Full) => assert_eq!(self.model.members.len(), MAX_MEMBERS),
            Err(NotEntered::Closed(_)) => assert!(self.model.closed),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.model.now = self.model.now + time;
        let now = self.model.now;
        while let Some((_, id, why)) = self.model.due().filter(|(until, ..)| *until <= now) {
            let Parting::Left { count } = self.model.let_go(id, why) else {
                panic!()
            };
            let expired = self
                .room
                .apply(Expire { time: now })
                .expect("a member's deadline is over");
            assert_eq!(
                (expired.id.get(), expired.why, expired.count),
                (id, why, count)
            );
        }
        assert!(self.room.apply(Expire { time: now }).is_none());
    }

    fn check(&mut self) {
        let mut slices = Vec::new();
        let gap = self.room.read(&mut self.cursor, TOLD, &mut slices);
        assert_eq!(gap, None);
        let read: String = slices
            .iter()
            .map(|slice| String::from_utf8_lossy(slice.bytes()).into_owned())
            .collect();
        let expected: String = self.model.told.drain(..).map(|line| line + "\n").collect();
        assert_eq!(read, expected);

        let model = &mut self.model;
        let members: Vec<_> = self.room.members(None).collect();
        let members = members
            .iter()
            .map(|(id, member)| (id.get(), &*member.name, member.is_away()));
        let known = model
            .members
            .iter()
            .map(|(id, member)| (*id, &*member.name, member.away.is_some()));
        assert!(members.eq(known));
        assert_eq!(
            self.room.next_expiry(),
            model.due().map(|(until, ..)| until)
        );
        assert_eq!(self.room.next_seq(), model.said + 1);
        assert_eq!(self.room.revocations(), model.revocations);
        let sessions = model.members.values().filter(|member| member.session);
        assert_eq!(self.room.resumptions.members.len(), sessions.count());
        assert_eq!(
            self.room.is_deserted(),
            model.entered > 0 && model.members.is_empty()
        );
        for (index, lease) in self.leases.iter().enumerate() {
            assert_eq!(self.room.honours(*lease), model.held(index).is_some());
        }
    }
}

proptest! {
    #[test]
    fn the_room_answers_and_tells_what_a_plain_model_of_it_does(
        steps in proptest::collection::vec(step(), 1..120),
        waits in proptest::bool::weighted(0.9),
    ) {
        let mut pair = Pair::new(if waits { GRACE } else { Duration::ZERO });
        for step in steps {
            pair.take(&step);
            pair.check();
        }
    }
}

#[test]
fn in_a_big_room_the_number_of_those_who_are_away_is_told_and_nothing_else() {
    let mut pair = Pair::new(GRACE);
    pair.room.rules.max_members = 10_000;
    let key = |n: usize| TokenHash::of(&n.to_string());
    let now = Time::BEGINNING;
    let join = |room: &mut Room, n| {
        let name = format!("member {n}");
        room.apply(enter(&name, Some(key(n)))).unwrap().lease
    };
    let leases: Vec<Lease> = (0..10_000).map(|n| join(&mut pair.room, n)).collect();
    pair.room.apply(Announce);
    pair.cursor = pair.room.head();
    let mut read = |room: &mut Room| {
        let mut slices = Vec::new();
        room.apply(Announce);
        room.read(&mut pair.cursor, TOLD, &mut slices);
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.bytes().to_vec())
            .collect();
        String::from_utf8(bytes).unwrap()
    };
    let gathered = |count, away| {
        let gathered = PresenceBatch {
            count,
            away,
            ..PresenceBatch::default()
        };
        format!("{gathered:?}\n")
    };
    for lease in &leases {
        assert_eq!(pair.room.apply(lost(*lease, now)), Some(Parting::Away));
    }
    assert_eq!(read(&mut pair.room), gathered(10_000, 10_000));
    for n in 0..9_000 {
        assert_eq!(
            pair.room.apply(resume(key(n), now)).unwrap().coming,
            Coming::Back
        );
    }
    assert_eq!(read(&mut pair.room), gathered(10_000, 1_000));
    // The others learn nothing of a takeover.
    assert_eq!(
        pair.room.apply(resume(key(0), now)).unwrap().coming,
        Coming::Instead
    );
    assert_eq!(read(&mut pair.room), "");
    let mut expired = 0;
    while pair.room.apply(Expire { time: now + GRACE }).is_some() {
        expired += 1;
    }
    assert_eq!(expired, 1_000);
    let told = read(&mut pair.room);
    assert!(told.contains("left_more: 980, away: 0"), "{told}");
}

#[test]
fn who_comes_back_speaks_no_faster_than_who_stayed() {
    let mut pair = Pair::new(GRACE);
    pair.room.rules.rate_limit = RateLimit::default();
    let (room, now) = (&mut pair.room, Time::BEGINNING);
    let token = TokenHash::of("ada");
    let mut lease = room.apply(enter("ada", Some(token))).unwrap().lease;
    for n in 0..20 {
        let id = n.to_string();
        assert!(room.apply(say(lease, Some(&id), now)).is_ok());
        room.apply(lost(lease, now));
        lease = room.apply(resume(token, now)).unwrap().lease;
    }
    let late = room.apply(say(lease, Some("20"), now));
    assert!(matches!(late, Err(NotSaid::TooFast { .. })));
    // An accepted message costs nothing again, and a rejected one was not sent.
    let again = room.apply(say(lease, Some("3"), now));
    assert_eq!(again, Ok(Said::Before(4)));
    let late = room.apply(say(lease, Some("20"), now + Duration::from_secs(2)));
    assert_eq!(late, Ok(Said::New(21)));
}
