//! The hub itself: the room behind its lock, and the parts beside it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::protocol::ENCODINGS;
use crate::room::{
    self, MemberId, Reached, Room, RoomKey, Rules, Seed, SetKeys, SetRules, Staged, Time,
};
use crate::tls::{Identity, ServerTls};

use super::super::admission::Admission;
use super::super::budget::Budget;
use super::super::event::{By, Event};
use super::super::reporter::Reporter;
use super::super::settings::{Live, Settings};
use super::super::stats::Counters;
use super::super::surroundings::Surroundings;
use super::super::wakers::Wakers;
use super::backlog::Backlog;
use super::ending::Ending;
use super::history::History;
use super::keys::{Keys, random_key};
#[cfg(any(test, feature = "fuzzing"))]
use super::ordering::Ordering;
use super::room_lock::{RoomGuard, RoomLock};
use super::snapshot::Snapshot;
use super::tracing::trace;

/// The state that all connections to one room share.
#[derive(Debug)]
pub struct Hub {
    /// The settings with which the server started.
    pub settings: Settings,
    live: Snapshot,
    /// The beginning of the room's time.
    started: Instant,
    pub counters: Counters,
    /// The network around the server.
    pub surroundings: Surroundings,
    /// The unique id of this log.
    pub epoch: String,
    /// The keys of the room.
    pub(super) keys: ArcSwap<Keys>,
    /// The ends of the bans.
    pub(super) ban_ends: ArcSwap<Vec<Time>>,
    /// What the server encrypts with.
    pub tls: ServerTls,
    pub(super) room: RoomLock,
    /// The stored messages, in a room with a store.
    pub history: Option<History>,
    pub(super) backlog: Backlog,
    /// The open connections.
    pub admission: Arc<Admission>,
    /// The memory that the server holds for peers.
    pub budget: Arc<Budget>,
    pub reporter: Reporter,
    /// The threads that serve the connections.
    pub wakers: Wakers,
    /// Joins and leaves wait to be announced.
    pub(super) gathering: Notify,
    /// A member is away.
    pub(super) absence: Notify,
    pub(super) ending: Ending,
    /// Commands that wait, in tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) ordering: Ordering<Self>,
}

/// What a hub starts with: an empty room, or the one that a store contains.
#[derive(Debug)]
pub struct Foundation {
    /// The unique id of the room's log.
    pub epoch: String,
    pub room: Room,
    /// The `seq` of the oldest stored message; 0 without a store.
    pub oldest_stored: u64,
    /// The stored messages.
    pub history: Option<History>,
}

impl Foundation {
    /// An empty room without a store.
    ///
    /// # Errors
    /// If the kernel provides no random numbers.
    pub fn in_memory(rules: Rules, seed: Seed) -> io::Result<Self> {
        Ok(Self {
            epoch: random_token()?,
            room: Room::new(rules, ENCODINGS, seed),
            oldest_stored: 0,
            history: None,
        })
    }
}

/// A seed for the secrets of a room, which nobody can guess.
///
/// # Errors
/// If the kernel provides no random numbers.
pub fn random_seed() -> io::Result<Seed> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)?;
    Ok(Seed::new(seed))
}

impl Hub {
    /// The hub of a room that the threads of these `wakers` serve.
    ///
    /// # Errors
    /// If the kernel provides no random numbers.
    pub fn new(
        settings: Settings,
        surroundings: Surroundings,
        foundation: Foundation,
        wakers: Wakers,
    ) -> io::Result<Arc<Self>> {
        let Foundation {
            epoch,
            mut room,
            oldest_stored,
            history,
        } = foundation;
        let started = Instant::now();
        let first = |given: &Option<RoomKey>, stored: &Option<RoomKey>| {
            let known = given.clone().or_else(|| stored.clone());
            known.map_or_else(random_key, Ok)
        };
        let keys = Keys {
            key: first(&settings.key, &room.keys().key)?,
            host_key: first(&settings.host_key, &room.keys().host_key)?,
        };
        room.apply(SetKeys {
            keys: keys.of_room(),
        });
        let ends = room.bans().iter().map(|ban| ban.until.0).collect();
        let identity = match &settings.tls.identity {
            Some(identity) => Arc::clone(identity),
            None => Arc::new(Identity::generate().map_err(io::Error::other)?),
        };
        let tls = ServerTls::new(identity, settings.tls.certificate.as_ref());
        Ok(Arc::new(Self {
            live: Snapshot::new(&settings),
            started,
            counters: Counters::new(),
            room: RoomLock::new(room),
            history,
            backlog: Backlog::new(oldest_stored),
            surroundings,
            epoch,
            ban_ends: ArcSwap::from_pointee(ends),
            keys: ArcSwap::from_pointee(keys),
            tls: tls.map_err(io::Error::other)?,
            admission: Admission::new(started),
            budget: Budget::new(settings.held_limit),
            reporter: Reporter::new(settings.events.clone()),
            wakers,
            gathering: Notify::new(),
            absence: Notify::new(),
            ending: Ending::default(),
            #[cfg(any(test, feature = "fuzzing"))]
            ordering: Ordering::default(),
            settings,
        }))
    }

    /// The hub of an empty room without a store, in an unknown network.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn in_memory(settings: Settings) -> Arc<Self> {
        let seed = random_seed().expect("random numbers");
        let foundation = Foundation::in_memory(settings.rules, seed).expect("random numbers");
        let unknown = Surroundings::unknown();
        Self::new(settings, unknown, foundation, Wakers::new(1)).expect("random numbers")
    }

    /// Locks the room. Hold the lock for a moment only, never across a wait.
    pub fn room(&self) -> RoomGuard<'_> {
        self.room.lock()
    }

    /// The room's time at this moment.
    pub fn time(&self, now: Instant) -> Time {
        Time::after(now.saturating_duration_since(self.started))
    }

    /// The moment of this time of the room.
    pub(super) fn instant(&self, time: Time) -> Instant {
        self.started + time.since_beginning()
    }

    /// The current value of the settings that can change.
    pub fn live(&self) -> Arc<Live> {
        self.live.get()
    }

    /// Applies the settings that can change; all else stays as it is.
    pub fn change(&self, settings: &Settings) {
        self.live.set(settings);
        self.room().apply(SetRules {
            rules: settings.rules,
        });
        if let Some(key) = &settings.key {
            self.set_key(key, By::Administrator);
        }
        self.ending.tell_deserted();
    }

    /// The number of messages sent since the server started. Waits for no lock.
    pub fn messages(&self) -> u64 {
        self.room.said()
    }

    /// The number of members in the room, including absent ones. Waits for no lock.
    pub fn members(&self) -> usize {
        self.room.members()
    }

    /// A secret that nobody can guess, for a new member to come back with.
    ///
    /// # Errors
    /// If the kernel provides no random numbers.
    // One day the secrets of one room may come from elsewhere than those of another.
    #[expect(clippy::unused_self)]
    pub fn new_token(&self) -> io::Result<String> {
        random_token()
    }

    /// Reports an event to the administrator; drops it if that would mean waiting.
    pub fn report(&self, event: Event) {
        if let Event::Refused { why, .. } = &event {
            self.counters.count_refusal(*why);
        }
        trace(&event);
        self.reporter.report(event, Instant::now());
    }

    /// Wakes the host's connections, which then send the new addresses.
    pub fn tell_hosts(&self) {
        let room = self.room();
        let members = room.members(None).filter(|(_, member)| member.host);
        let hosts: Vec<MemberId> = members.map(|(id, _)| id).collect();
        drop(room);
        // A host that is about to follow the log sees them at its next heartbeat.
        self.wakers.recall(&hosts);
    }

    /// Wakes the tasks that follow the log, or the writer where there is a store.
    pub fn tell_news(&self) {
        if self.is_durable() {
            // Under the lock, as where it is cleared: set after that, it would stay.
            let room = self.room();
            self.backlog.grew(room.waiting());
            drop(room);
            self.backlog.tell();
        } else {
            self.wakers.tell_news();
        }
    }

    /// Whether messages are stored before members get them.
    pub const fn is_durable(&self) -> bool {
        self.history.is_some()
    }

    /// Whether so much waits to be stored that the server must read from no member.
    pub fn is_congested(&self) -> bool {
        self.backlog.is_congested()
    }

    /// Acts as if so much waited, or no longer did.
    #[cfg(test)]
    pub fn set_congested(&self, congested: bool) {
        self.backlog.set_congested(congested);
    }

    /// Waits until something happened that must be stored.
    pub async fn unstored(&self) {
        self.backlog.unstored().await;
    }

    /// The events that must be stored now, if there are any.
    pub fn stage(&self) -> Option<Staged> {
        self.room().stage()
    }

    /// Publishes everything staged up to `end`, which is stored now.
    pub fn publish(&self, end: Reached) {
        let mut room = self.room();
        room.publish(end);
        self.backlog.shrank(room.waiting());
        drop(room);
        self.wakers.tell_news();
    }

    /// Sends an event to everyone in a room with a store at once, even while nothing can
    /// be stored.
    pub fn slip_in(&self, event: &room::Event<'_>) {
        let is_new = self.room().slip_in(event);
        if is_new {
            self.wakers.tell_news();
        }
    }

    /// The `seq` of the oldest message held, in memory or in the store; of the next one,
    /// if there is none.
    pub fn oldest_seq(&self, room: &Room) -> u64 {
        if self.is_durable() {
            self.backlog.oldest().min(room.oldest_seq())
        } else {
            room.oldest_seq()
        }
    }

    /// Sets the `seq` of the oldest message in the store.
    pub fn set_oldest_stored(&self, seq: u64) {
        self.backlog.set_oldest(seq);
    }
}

/// 128 random bits in hexadecimal.
///
/// # Errors
/// If the kernel provides no random numbers.
fn random_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
