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

/// A command that erases a message.
fn erase(by: Eraser, seq: u64, time: Time) -> Erase {
    Erase {
        by,
        seq,
        stored: None,
        at: Timestamp::UNIX_EPOCH,
        time,
    }
}

/// The end of a mute or a ban.
fn until(time: Time) -> (Time, Timestamp) {
    (time, Timestamp::UNIX_EPOCH)
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

/// An action. Leases, sessions, messages and members are counted back from the newest; some
/// of them are over.
#[derive(Clone, Debug)]
enum Step {
    Enter {
        name: usize,
        session: bool,
        host: bool,
    },
    Resume(usize),
    Lose(usize),
    Leave(usize),
    Say {
        lease: usize,
        id: Option<u8>,
    },
    Remove(u64),
    Mute(u64, Option<Duration>),
    Slow(Duration),
    Erase {
        by: Option<usize>,
        message: u64,
    },
    MakeHost {
        from: Option<usize>,
        to: u64,
    },
    Wait(Duration),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let lease = || 0_usize..6;
    let member = || 0_u64..6;
    let seconds = |range| proptest::strategy::Strategy::prop_map(range, Duration::from_secs);
    prop_oneof![
        6 => (0_usize..4, proptest::bool::weighted(0.8), proptest::bool::weighted(0.2))
            .prop_map(|(name, session, host)| Step::Enter { name, session, host }),
        6 => lease().prop_map(Step::Resume),
        6 => lease().prop_map(Step::Lose),
        2 => lease().prop_map(Step::Leave),
        10 => (lease(), proptest::option::of(0_u8..4))
            .prop_map(|(lease, id)| Step::Say { lease, id }),
        2 => member().prop_map(Step::Remove),
        2 => (member(), proptest::option::of(seconds(0_u64..100)))
            .prop_map(|(member, time)| Step::Mute(member, time)),
        1 => seconds(0_u64..30).prop_map(Step::Slow),
        4 => (proptest::option::weighted(0.8, lease()), 0_u64..6)
            .prop_map(|(by, message)| Step::Erase { by, message }),
        2 => (proptest::option::of(lease()), member())
            .prop_map(|(from, to)| Step::MakeHost { from, to }),
        4 => seconds(0_u64..50).prop_map(Step::Wait),
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
    host: bool,
    muted: Option<Time>,
    spoke: Option<Time>,
}

struct Model {
    now: Time,
    members: BTreeMap<u64, Known>,
    /// The member of each lease, valid or over.
    leases: Vec<u64>,
    /// The member of each session.
    sessions: Vec<u64>,
    entered: u64,
    /// The lasting entries.
    said: Vec<Entry<'static>>,
    slow: Duration,
    /// The leases of members who were removed.
    removed: Vec<usize>,
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

    /// Tells an entry, without the line break.
    fn tell_entry(&mut self, entry: Entry<'static>) {
        let mut line = Vec::new();
        codec::write(&Event::Entry(entry.as_borrowed()), &mut line);
        line.pop();
        self.tell(String::from_utf8(line).unwrap());
        self.said.push(entry);
    }

    fn next_seq(&self) -> u64 {
        self.said.len() as u64 + 1
    }

    fn enter(&mut self, session: bool, name: &str, host: bool) -> u64 {
        self.entered += 1;
        let id = self.entered;
        let member = Known {
            name: name.to_owned(),
            lease: Some(self.leases.len()),
            session,
            away: None,
            said: HashMap::new(),
            host,
            muted: None,
            spoke: None,
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
        let (seq, now, slow) = (self.next_seq(), self.now, self.slow);
        if self.closed {
            return Err(NotSaid::Closed);
        }
        let (id, member) = self.held(lease).ok_or(NotSaid::LeaseOver)?;
        if let Some(before) = message.and_then(|message| member.said.get(&message)) {
            return Ok(Said::Before(*before));
        }
        if let Some(until) = member.muted.filter(|until| now < *until) {
            return Err(NotSaid::Muted { retry: until - now });
        }
        let next = member.spoke.map(|spoke| spoke + slow);
        if let Some(next) = next.filter(|next| now < *next && !member.host) {
            return Err(NotSaid::TooFast { retry: next - now });
        }
        member.spoke = Some(now);
        member.said.extend(message.map(|message| (message, seq)));
        let author = Author::member(MemberId::new(id).unwrap(), member.name.clone());
        self.tell_entry(Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author,
            body: Body::Text {
                id: message.map(|id| id.to_string().into()),
                text: "hi".into(),
            },
        });
        Ok(Said::New(seq))
    }

    fn remove(&mut self, id: u64) -> Option<usize> {
        let member = self.members.get(&id).filter(|_| !self.closed)?;
        if let Some(lease) = member.lease {
            self.removed.push(lease);
            self.revocations += 1;
        }
        let Parting::Left { count } = self.let_go(id, Why::Removed) else {
            return None;
        };
        Some(count)
    }

    fn mute(&mut self, id: u64, until: Option<Time>) -> Result<(), NotMuted> {
        let member = self.members.get_mut(&id).filter(|_| !self.closed);
        let member = member.ok_or(NotMuted::NoSuchMember)?;
        if member.host && until.is_some() {
            return Err(NotMuted::Host);
        }
        member.muted = until;
        Ok(())
    }

    fn slow_down(&mut self, every: Duration) {
        self.tell(format!("limits {every:?}"));
        if !self.closed {
            self.slow = every;
        }
    }

    fn make_host(&mut self, from: Option<usize>, to: u64) -> Result<(), NotMadeHost> {
        if self.closed {
            return Err(NotMadeHost::NoSuchMember);
        }
        let giver = match from {
            None => None,
            Some(lease) => {
                let (id, giver) = self.held(lease).ok_or(NotMadeHost::LeaseOver)?;
                if !giver.host {
                    return Err(NotMadeHost::NotHost);
                }
                Some(id).filter(|id| *id != to)
            }
        };
        let member = self.members.get_mut(&to);
        let member = member.ok_or(NotMadeHost::NoSuchMember)?;
        (member.host, member.muted) = (true, None);
        let name = member.name.clone();
        if let Some(giver) = giver {
            self.members.get_mut(&giver).unwrap().host = false;
        }
        self.tell(format!("host {to} {name} {giver:?}"));
        Ok(())
    }

    fn erase(&mut self, by: Option<usize>, of: u64) -> Result<u64, NotErased> {
        if self.closed {
            return Err(NotErased::Closed);
        }
        let eraser = match by {
            None => None,
            Some(lease) => {
                let (id, member) = self.held(lease).ok_or(NotErased::LeaseOver)?;
                Some((id, member.name.clone(), member.host))
            }
        };
        let index = usize::try_from(of.wrapping_sub(1)).unwrap();
        let message = self.said.get_mut(index).ok_or(NotErased::NoSuchMessage)?;
        let id = match &message.body {
            Body::Text { id, .. } => id.clone(),
            Body::Gone { .. } => return Err(NotErased::Already),
            Body::Erased { .. } => return Err(NotErased::NoSuchMessage),
        };
        let sender = message.author.id.map(MemberId::get);
        if eraser
            .as_ref()
            .is_some_and(|(id, _, host)| Some(*id) != sender && !host)
        {
            return Err(NotErased::NotHost);
        }
        message.body = Body::Gone { id };
        let seq = self.next_seq();
        let author = eraser.map(|(id, name, _)| Author::member(MemberId::new(id).unwrap(), name));
        self.tell_entry(Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            author: author.unwrap_or(Author::administrator()),
            body: Body::Erased { of },
        });
        Ok(seq)
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
        Event::Entry(_) | Event::Erased { .. } => return codec::write(event, out),
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
        Event::Host { id, name, from } => format!("host {id} {name} {from:?}"),
        Event::Limits { every, .. } => format!("limits {every:?}"),
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
        let room = Room::new(
            rules,
            Encodings::new(TOLD, told, codec::read),
            Seed::new([7; 16]),
        );
        let model = Model {
            now: Time::BEGINNING,
            members: BTreeMap::new(),
            leases: Vec::new(),
            sessions: Vec::new(),
            entered: 0,
            said: Vec::new(),
            slow: Duration::ZERO,
            removed: Vec::new(),
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
            Step::Enter {
                name,
                session,
                host,
            } => self.enter(name, session, host),
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
            Step::Remove(back) => {
                let id = self.member(back);
                let removed = self.room.apply(Remove { id }).ok();
                let expected = self.model.remove(id.get());
                assert_eq!(removed.map(|it| it.count), expected);
            }
            Step::Mute(back, time) => {
                let (id, end) = (self.member(back), time.map(|time| self.model.now + time));
                let until = end.map(until);
                let muted = self.room.apply(Mute { id, until }).map(drop);
                assert_eq!(muted, self.model.mute(id.get(), end));
            }
            Step::Slow(every) => {
                self.room.apply(Slow { every });
                self.model.slow_down(every);
            }
            Step::Erase { by, message } => {
                let lease = by.and_then(lease_at);
                let seq = self.model.next_seq().saturating_sub(message);
                let by = lease.map_or(Eraser::Administrator, |(_, it)| Eraser::Member(it));
                let erased = self.room.apply(erase(by, seq, self.model.now));
                assert_eq!(erased, self.model.erase(lease.map(|it| it.0), seq));
            }
            Step::MakeHost { from, to } => {
                let (lease, to) = (from.and_then(lease_at), self.member(to));
                let from = lease.map(|it| it.1);
                let made = self.room.apply(MakeHost { from, to }).map(drop);
                assert_eq!(made, self.model.make_host(lease.map(|it| it.0), to.get()));
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

    /// A member of the past, or one who never was.
    fn member(&self, back: u64) -> MemberId {
        let id = (self.model.entered + 1).saturating_sub(back);
        MemberId::new(id).unwrap_or(MemberId::MAX)
    }

    fn enter(&mut self, name: usize, session: bool, host: bool) {
        let wanted = ["ada", "bob", "kim", "eve"][name];
        let key = session.then(|| TokenHash::of(&self.model.sessions.len().to_string()));
        let wish = Enter {
            host,
            ..enter(wanted, key)
        };
        match self.room.apply(wish) {
            Ok(entered) => {
                let name = &*entered.name;
                let mut names = self.model.members.values().map(|member| &member.name);
                assert!(names.all(|other| other != name), "{name} is in use");
                let mut names = self.model.members.values().map(|member| &member.name);
                assert!(name == wanted || names.any(|other| other == wanted));
                assert!((host || self.model.members.len() < MAX_MEMBERS) && !self.model.closed);
                assert_eq!(entered.coming, Coming::New);
                let id = self.model.enter(session, name, host);
                assert_eq!(entered.lease.id.get(), id);
                self.leases.push(entered.lease);
            }
            Err(NotEntered::Full) => assert!(!host && self.model.members.len() >= MAX_MEMBERS),
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
            .map(|(id, it)| (id.get(), &*it.name, it.is_away(), it.host));
        let known = model
            .members
            .iter()
            .map(|(id, it)| (*id, &*it.name, it.away.is_some(), it.host));
        assert!(members.eq(known));
        assert_eq!(
            self.room.next_expiry(),
            model.due().map(|(until, ..)| until)
        );
        assert_eq!(self.room.next_seq(), model.next_seq());
        assert_eq!(self.room.slow(), model.slow);
        let (held, _) = self.room.lasting(1, u64::MAX, usize::MAX);
        let held = held
            .iter()
            .map(|it| codec::read(it.bytes()).unwrap().into_owned());
        assert!(held.eq(model.said.iter().cloned()));
        assert_eq!(self.room.revocations(), model.revocations);
        let sessions = model.members.values().filter(|member| member.session);
        assert_eq!(self.room.resumptions.members.len(), sessions.count());
        assert_eq!(
            self.room.is_deserted(),
            model.entered > 0 && model.members.is_empty()
        );
        for (index, lease) in self.leases.iter().enumerate() {
            let fate = if model.held(index).is_some() {
                Fate::Valid
            } else if model.removed.contains(&index) {
                Fate::Removed
            } else {
                Fate::TakenOver
            };
            assert_eq!(self.room.fate(*lease), fate);
            assert_eq!(self.room.honours(*lease), fate == Fate::Valid);
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
