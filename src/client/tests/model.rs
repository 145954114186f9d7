//! The outbox and the state for coming back against a model of a server, with cuts at
//! random points: everything is said once and in order.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use proptest::prelude::*;

use super::super::outbox::{Next, Outbox, Own};
use super::super::resume_state::ResumeState;
use super::*;
use crate::protocol::native::frame::{Code, Error, Gap, Limits, Member, MemberList, Said, Welcome};
use crate::room::{Author, Body, Entry};

const RETRY: Duration = Duration::from_secs(1);

/// The random steps of a run.
#[derive(Clone, Copy, Debug)]
enum Step {
    Say,
    /// The client sends one message.
    Send,
    /// The server accepts one message.
    Serve,
    /// The client receives one frame.
    Hear,
    Pass(u64),
    /// The connection is lost.
    Cut,
    /// The client comes back.
    Return,
    /// The grace time of the client is over.
    Forget,
    /// The server drops the messages so far.
    LetGo,
    /// Another member sends a message.
    Other,
    /// The server begins a new log.
    Renew,
    /// The server rejects the client's messages for a while.
    Refuse,
}

fn steps(server: bool) -> impl Strategy<Value = Vec<Step>> {
    let lets_go = if server { Step::LetGo } else { Step::Other };
    prop::collection::vec(
        prop_oneof![
            6 => Just(Step::Say),
            8 => Just(Step::Send),
            8 => Just(Step::Serve),
            8 => Just(Step::Hear),
            4 => (0..1_500_u64).prop_map(Step::Pass),
            2 => Just(Step::Cut),
            6 => Just(Step::Return),
            1 => Just(Step::Forget),
            1 => Just(lets_go),
            2 => Just(Step::Other),
            1 => Just(Step::Refuse),
        ],
        0..300,
    )
}

#[derive(Default)]
struct Server {
    epoch: u64,
    log: Vec<(u64, String)>,
    /// The first message that the server holds.
    held: usize,
    /// The client's session, and the ids that the server accepted in it.
    member: u64,
    said: HashMap<String, u64>,
    refused_until: Option<Instant>,
}

struct World {
    now: Instant,
    server: Server,
    outbox: Outbox,
    resume_state: ResumeState,
    connected: bool,
    to_server: VecDeque<Own>,
    to_client: VecDeque<Event>,
    says: u64,
    heard: Vec<(u64, u64, String)>,
    lost: Vec<(u64, Gap)>,
    unsent: Vec<String>,
}

fn member(id: u64) -> Member<'static> {
    Member {
        id: MemberId::new(id).unwrap(),
        name: "x".into(),
        host: false,
        away: false,
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: Instant::now(),
            server: Server::default(),
            outbox: Outbox::default(),
            resume_state: ResumeState::new(None),
            connected: false,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            says: 0,
            heard: Vec::new(),
            lost: Vec::new(),
            unsent: Vec::new(),
        };
        world.server.member = 2;
        world.step(Step::Return);
        world
    }

    fn message(&self, seq: u64) -> Event {
        let (from, id) = &self.server.log[usize::try_from(seq).unwrap() - 1];
        Event::Message(Entry {
            seq,
            at: "2026-11-22T10:00:00Z".parse().unwrap(),
            author: Author::member(MemberId::new(*from).unwrap(), member(*from).name),
            body: Body::Text {
                id: Some(id.clone().into()),
                text: "hi".into(),
            },
        })
    }

    fn append(&mut self, from: u64, id: String) {
        self.server.log.push((from, id));
        if self.connected {
            let event = self.message(self.server.log.len() as u64);
            self.to_client.push_back(event);
        }
    }

    fn come_in(&mut self) {
        let settings = Settings::default();
        let hello = self.resume_state.hello(&settings);
        let member_id = format!("{}", self.server.member);
        let resumed = hello.session.as_deref() == Some(&*member_id);
        let same = hello.epoch.as_deref() == Some(&*self.server.epoch.to_string());
        let after = hello.after.filter(|_| same);
        if !resumed {
            self.server.member += 1;
            self.server.said.clear();
        }
        let len = self.server.log.len() as u64;
        self.connected = true;
        self.to_client.push_back(Event::Welcomed(Box::new(Welcome {
            private: false,
            proof: None,
            protocol: 1,
            room: "R".into(),
            epoch: self.server.epoch.to_string().into(),
            durable: false,
            session: self.server.member.to_string().into(),
            next: len + 1,
            resumed,
            you: member(self.server.member),
            members: MemberList {
                count: 1,
                list: Vec::new(),
                more: false,
            },
            limits: Limits {
                every_s: None,
                frame: 65_536,
                text: 4_000,
                burst: Some(20),
                per_second: Some(5),
            },
            features: vec!["resume".into()],
        })));
        let mut from = after.unwrap_or(len.saturating_sub(3)) + 1;
        let held = self.server.held as u64 + 1;
        if from < held {
            if after.is_some() {
                let to = held - 1;
                self.to_client.push_back(Event::Gap(Gap { from, to }));
            }
            from = held;
        }
        for seq in from..=len {
            let event = self.message(seq);
            self.to_client.push_back(event);
        }
    }

    fn serve(&mut self, own: Own) {
        let answer = if let Some(seq) = self.server.said.get(&own.id) {
            Event::Said(Said {
                id: own.id.into(),
                seq: *seq,
            })
        } else if self.server.refused_until.is_some_and(|it| self.now < it) {
            Event::Error(Error {
                code: Code::TooFast,
                id: Some(own.id.into()),
                text: "x".into(),
                retry_ms: Some(u64::try_from(RETRY.as_millis()).unwrap()),
                fatal: false,
            })
        } else {
            let seq = self.server.log.len() as u64 + 1;
            self.server.said.insert(own.id.clone(), seq);
            return self.append(self.server.member, own.id);
        };
        self.to_client.push_back(answer);
    }

    fn hear(&mut self, event: Event) {
        let mut told = Vec::new();
        self.resume_state
            .take(event.into(), &mut self.outbox, self.now, &mut told);
        for event in told {
            match event {
                Event::Message(message) => {
                    let id = message.message_id().unwrap().to_owned();
                    self.heard.push((self.server.epoch, message.seq, id));
                }
                Event::Gap(gap) => self.lost.push((self.server.epoch, gap)),
                Event::Unsent { id, .. } => self.unsent.push(id),
                Event::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    fn cut(&mut self) {
        self.connected = false;
        self.to_server.clear();
        self.to_client.clear();
        self.outbox.cut();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Say => {
                let (id, text) = (self.says.to_string(), "hi".to_owned());
                if self.outbox.push(Own { id, text }).is_ok() {
                    self.says += 1;
                }
            }
            Step::Send => {
                if let Next::Send(own) = self.outbox.next(self.now) {
                    assert!(self.connected);
                    self.to_server.push_back(own.clone());
                    self.outbox.sent(self.now);
                }
            }
            Step::Serve => {
                if let Some(own) = self.to_server.pop_front() {
                    self.serve(own);
                }
            }
            Step::Hear => {
                if let Some(event) = self.to_client.pop_front() {
                    self.hear(event);
                }
            }
            Step::Pass(ms) => {
                // Frames under way arrive before the rejection is over.
                while let Some(own) = self.to_server.pop_front() {
                    self.serve(own);
                }
                while let Some(event) = self.to_client.pop_front() {
                    self.hear(event);
                }
                self.now += Duration::from_millis(ms);
            }
            Step::Cut => self.cut(),
            Step::Return if !self.connected => self.come_in(),
            Step::Forget if !self.connected => self.server.member += 1,
            Step::Renew => {
                self.cut();
                let (epoch, member) = (self.server.epoch + 1, self.server.member + 1);
                self.server = Server {
                    epoch,
                    member,
                    ..Server::default()
                };
            }
            // Only frames that the client is not reading now.
            Step::LetGo if !self.connected => self.server.held = self.server.log.len(),
            Step::Other => self.append(1, String::new()),
            Step::Refuse => self.server.refused_until = Some(self.now + RETRY),
            Step::Return | Step::Forget | Step::LetGo => {}
        }
    }

    /// Delivers everything.
    fn settle(&mut self) {
        self.step(Step::Return);
        for _ in 0..2_000 {
            for step in [Step::Send, Step::Serve, Step::Hear, Step::Pass(500)] {
                self.step(step);
            }
        }
    }

    /// The client's own messages in the log.
    fn own(&self) -> Vec<u64> {
        let own = self.server.log.iter().filter(|(from, _)| *from != 1);
        own.map(|(_, id)| id.parse().unwrap()).collect()
    }

    /// The client reported every message once and in order, and the gaps.
    fn check_heard(&self) {
        for pair in self.heard.windows(2) {
            let [(epoch, seq, _), (next_epoch, next_seq, _)] = pair else {
                panic!()
            };
            if epoch == next_epoch {
                let between = *seq + 1..*next_seq;
                assert!(next_seq > seq, "{pair:?}");
                for missing in between {
                    let is_told = self.lost.iter().any(|(in_epoch, gap)| {
                        in_epoch == epoch && (gap.from..=gap.to).contains(&missing)
                    });
                    assert!(is_told, "{missing} of {epoch}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn everything_is_said_once_and_in_order_whatever_is_cut(steps in steps(false)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        prop_assert_eq!(world.own(), (0..world.says).collect::<Vec<_>>());
        prop_assert!(world.unsent.is_empty());
        world.check_heard();
    }

    #[test]
    fn what_may_have_been_said_in_a_gap_is_given_up_and_nothing_else(steps in steps(true)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        let own = world.own();
        prop_assert!(own.is_sorted_by(|one, next| one < next), "{:?}", own);
        for id in 0..world.says {
            let (said, unsent) = (own.contains(&id), world.unsent.contains(&id.to_string()));
            prop_assert!(said || unsent, "{} is missing", id);
        }
        world.check_heard();
    }

    #[test]
    fn a_new_log_is_said_what_was_not_known_to_be_said(
        before in steps(false), after in steps(false),
    ) {
        let mut world = World::new();
        for step in before {
            world.step(step);
        }
        // Confirmed: the messages that the client knows the server to have.
        let heard = |id: &u64| world.heard.iter().any(|(.., heard)| *heard == id.to_string());
        let left: Vec<u64> = (0..world.says).filter(|id| !heard(id)).collect();
        world.step(Step::Renew);
        for step in after {
            world.step(step);
        }
        world.settle();
        let own = world.own();
        prop_assert!(own.is_sorted_by(|one, next| one < next), "{:?}", own);
        for id in left {
            prop_assert!(own.contains(&id), "{} is missing", id);
        }
        prop_assert!(world.unsent.is_empty());
        world.check_heard();
    }
}
