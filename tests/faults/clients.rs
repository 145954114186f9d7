//! Clients that send messages, whatever happens to their connections. Each of them must
//! receive every message, once, and all in one order.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_channel::Receiver;
use chatroom::client::{Client, Encryption, Event, Security, Settings};
use chatroom::protocol::address::Address;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::chance::Chance;
use crate::service::PATIENCE;

/// The most unconfirmed messages of one client.
const WINDOW: usize = 8;

/// The log of messages, as one client or the store has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The `seq` of the last message.
    seq: u64,
    /// The number of messages of each client, by the client's number.
    said: Vec<u64>,
    /// A hash of all messages, in order.
    hash: u64,
}

impl Log {
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Adds the next message. Fails if it is not the next one, or if a client's messages are
    /// out of order or come twice.
    pub fn take(&mut self, seq: u64, id: Option<&str>, text: &str) -> Result<usize, String> {
        if seq != self.seq + 1 {
            return Err(format!("{seq} after {}", self.seq));
        }
        let mut words = text.split(' ').map(str::parse);
        let (Some(Ok(from)), Some(Ok(number))) = (words.next(), words.next()) else {
            return Err(format!("{seq} is {text:?}"));
        };
        let from = usize::try_from(from).unwrap();
        if self.said.len() <= from {
            self.said.resize(from + 1, 0);
        }
        let said = &mut self.said[from];
        if number != *said + 1 {
            return Err(format!("{seq} of {from} is {number} after {said}"));
        }
        *said = number;
        self.seq = seq;
        let mut hasher = DefaultHasher::new();
        (self.hash, seq, id, text).hash(&mut hasher);
        self.hash = hasher.finish();
        Ok(from)
    }
}

/// The counters of all clients.
#[derive(Debug, Default)]
pub struct Counts {
    /// Confirmed messages.
    pub confirmed: AtomicU64,
    /// Messages that a client received.
    pub deliveries: AtomicU64,
    /// Lost connections of clients in the room.
    pub disconnects: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Coming,
    Talking,
    /// The clients send no new messages.
    Finishing,
    /// All messages are confirmed; their number.
    Ending(u64),
}

/// Clients in a room, on threads of their own.
pub struct Talk {
    counts: Arc<Counts>,
    phase: Arc<watch::Sender<Phase>>,
    /// The number of clients in the room.
    coming: Arc<AtomicU64>,
    clients: Vec<Client>,
    thread: JoinHandle<Vec<Log>>,
}

/// The result of a talk.
pub struct Outcome {
    /// The log, which is the same for all clients.
    pub log: Log,
    pub counts: Arc<Counts>,
}

impl Talk {
    /// Lets one client join an empty room by each of the addresses. When all have joined,
    /// they send messages.
    pub fn start(addresses: &[SocketAddr], chance: &mut Chance) -> Self {
        Self::start_by(Encryption::Plain, addresses, chance)
    }

    /// The same, in plaintext or inside TLS.
    pub fn start_by(encryption: Encryption, addresses: &[SocketAddr], chance: &mut Chance) -> Self {
        raise_open_files();
        let counts = Arc::new(Counts::default());
        let phase = Arc::new(watch::channel(Phase::Coming).0);
        let coming = Arc::new(AtomicU64::new(0));
        let (mut clients, mut stays) = (Vec::new(), Vec::new());
        for (number, address) in addresses.iter().enumerate() {
            let (client, events) = Client::connect(Settings {
                address: Address::new("127.0.0.1", address.port()),
                name: format!("member {number}"),
                encryption,
                first_retry: Duration::from_millis(5),
                longest_retry: Duration::from_millis(50),
                connect_within: PATIENCE,
                heartbeat: Duration::from_millis(300),
                dead_after: Duration::from_secs(1),
                ..Settings::default()
            });
            clients.push(client.clone());
            stays.push(Stay {
                number,
                client,
                encryption,
                events,
                chance: chance.another(),
                counts: Arc::clone(&counts),
                waiting: VecDeque::new(),
                own: HashMap::new(),
                said: 0,
                log: Log::default(),
            });
        }
        let (theirs, came) = (Arc::clone(&phase), Arc::clone(&coming));
        let thread = thread::spawn(move || run(stays, &theirs, &came));
        let talk = Self {
            counts,
            phase,
            coming,
            clients,
            thread,
        };
        talk.wait_until(|_| talk.coming.load(Relaxed) == addresses.len() as u64);
        talk.phase.send_replace(Phase::Talking);
        talk
    }

    /// Waits until the counters are `enough`.
    pub fn wait_until(&self, is_enough: impl Fn(&Counts) -> bool) {
        let (mut last, mut printed) = ((0, Instant::now()), Instant::now());
        while !is_enough(&self.counts) {
            assert!(!self.thread.is_finished(), "a client has failed");
            let done = self.counts.deliveries.load(Relaxed) + self.coming.load(Relaxed);
            if done != last.0 {
                last = (done, Instant::now());
            }
            assert!(
                last.1.elapsed() < PATIENCE,
                "nothing happens: {:?}",
                self.counts
            );
            if printed.elapsed() > PATIENCE {
                println!("so far: {:?}", self.counts);
                printed = Instant::now();
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the clients receive more messages.
    pub fn wait_for_more(&self) {
        let before = self.counts.deliveries.load(Relaxed);
        self.wait_until(|counts| counts.deliveries.load(Relaxed) > before);
    }

    /// Makes clients that lost their connection retry at once.
    pub fn hurry(&self) {
        for client in &self.clients {
            client.retry_now();
        }
    }

    /// Lets the clients confirm their messages and receive everything, and ends the talk.
    pub fn end(self) -> Outcome {
        self.phase.send_replace(Phase::Finishing);
        let logs = self.thread.join().expect("a client has failed");
        for log in &logs {
            assert_eq!(*log, logs[0], "two clients heard something else");
        }
        assert_eq!(logs[0].seq, self.counts.confirmed.load(Relaxed));
        Outcome {
            log: logs[0].clone(),
            counts: self.counts,
        }
    }
}

/// Raises the limit of open files: each client, line and thread has several.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Runs the clients until they have received everything.
fn run(stays: Vec<Stay>, phase: &Arc<watch::Sender<Phase>>, coming: &Arc<AtomicU64>) -> Vec<Log> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let all = stays.len();
        let finished = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for stay in stays {
            let (phase, coming) = (Arc::clone(phase), Arc::clone(coming));
            let finished = Arc::clone(&finished);
            tasks.spawn(async move {
                let counts = Arc::clone(&stay.counts);
                let stay = stay.come_in().await;
                coming.fetch_add(1, Relaxed);
                let is_last = || {
                    if finished.fetch_add(1, Relaxed) + 1 == all as u64 {
                        let total = counts.confirmed.load(Relaxed);
                        phase.send_replace(Phase::Ending(total));
                    }
                };
                stay.talk(phase.subscribe(), is_last).await
            });
        }
        let mut logs = Vec::new();
        while let Some(log) = tasks.join_next().await {
            logs.push(log.expect("a client has failed"));
        }
        logs
    })
}

/// A client in the room.
struct Stay {
    number: usize,
    client: Client,
    encryption: Encryption,
    events: Receiver<Event>,
    chance: Chance,
    counts: Arc<Counts>,
    /// The ids of its unconfirmed messages.
    waiting: VecDeque<String>,
    /// The `seq`s of its own messages.
    own: HashMap<String, u64>,
    said: u64,
    log: Log,
}

impl Stay {
    async fn come_in(self) -> Self {
        loop {
            match self.events.recv().await.unwrap() {
                Event::Secured(_) => {}
                Event::Welcomed(welcome) => {
                    assert_eq!((welcome.next, welcome.durable), (1, true));
                    return self;
                }
                event => panic!("{event:?}"),
            }
        }
    }

    /// Sends messages until it has received all messages; reports when all of its own are
    /// confirmed.
    async fn talk(mut self, mut phase: watch::Receiver<Phase>, finished: impl FnOnce()) -> Log {
        let mut finished = Some(finished);
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Talking => self.say(),
                Phase::Finishing if self.waiting.is_empty() => {
                    if let Some(finished) = finished.take() {
                        finished();
                    }
                }
                Phase::Ending(total) if self.log.seq == total => return self.log,
                _ => {}
            }
            tokio::select! {
                event = timeout(PATIENCE, self.events.recv()) => {
                    let event = event.unwrap_or_else(|_| panic!(
                        "{} hears nothing, {now:?}, after {}, {} waiting: {:?}",
                        self.number, self.log.seq, self.waiting.len(), self.counts,
                    ));
                    self.take(event.unwrap());
                }
                changed = phase.changed() => changed.unwrap(),
            }
        }
    }

    fn say(&mut self) {
        while self.waiting.len() < WINDOW {
            self.said += 1;
            let longest = if self.chance.below(50) == 0 {
                3_000
            } else {
                60
            };
            let rest = "x".repeat(self.chance.below(longest));
            let text = format!("{} {} {rest}", self.number, self.said);
            self.waiting.push_back(self.client.say(&text).unwrap());
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Message(message) => {
                let id = message.message_id();
                let from = self
                    .log
                    .take(message.seq, id, message.text().unwrap_or_default())
                    .unwrap_or_else(|error| panic!("{}: {error}", self.number));
                self.counts.deliveries.fetch_add(1, Relaxed);
                if from == self.number {
                    let id = self.waiting.pop_front();
                    assert_eq!(message.message_id(), id.as_deref(), "{}", message.seq);
                    self.own.insert(id.unwrap(), message.seq);
                    self.counts.confirmed.fetch_add(1, Relaxed);
                }
            }
            // This event comes after the message.
            Event::Said(said) => {
                assert_eq!(self.own.get(&*said.id), Some(&said.seq));
            }
            Event::Interrupted(_) => {
                self.counts.disconnects.fetch_add(1, Relaxed);
            }
            // Whatever happens to a connection, no client goes on in plaintext.
            Event::Secured(security) => assert_eq!(
                matches!(security, Security::Tls { .. }),
                self.encryption == Encryption::Tls,
                "{security:?}"
            ),
            Event::Returned(welcome) => assert!(welcome.resumed, "{} is another", self.number),
            Event::Gap(gap) => assert!(gap.to < gap.from, "{gap:?}"),
            Event::Unsent { id, .. } => {
                // The next event has the reason.
                let mut next = self.events.recv_blocking();
                while let Ok(Event::Unsent { .. }) = next {
                    next = self.events.recv_blocking();
                }
                panic!("{} gives up {id}, then {next:?}", self.number)
            }
            Event::Error(_) | Event::Ended(_) | Event::Welcomed(_) => {
                panic!("{}: {event:?}", self.number)
            }
            _ => {}
        }
    }
}
