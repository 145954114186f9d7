//! The state that all connections of a server share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::lock::{Mutex, Rank};
use crate::protocol::ENCODINGS;
use crate::protocol::sniff::Protocol;
use crate::room::{
    self, Announce, Close, Closing, Expire, MemberId, Reached, Room, Seed, SetRules, Time,
};
use crate::store::WriteError;

use super::budget::Budget;
use super::commit::{History, OpenedStore, Writer};
use super::event::{Event, Refusal};
use super::guest::Guest;
use super::guests::Guests;
use super::reporter::Reporter;
use super::room_lock::{RoomGuard, RoomLock};
use super::settings::{Live, Settings};
use super::surroundings::Surroundings;
use super::vitals::{Counters, Vitals, memory};
use super::worker::{Worker, workers};

/// The state that all connections of a server share: the room, and the connections to it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// The server replaces it as a whole and never changes it: a reader copies the
    /// pointer and holds no lock.
    live: Mutex<Arc<Live>>,
    pub(super) counters: Counters,
    /// The beginning of the room's time.
    started: Instant,
    /// The `seq` of the first message since the server started.
    first_seq: u64,
    /// The network around the server.
    pub(super) surroundings: Surroundings,
    /// The unique id of this log.
    pub(super) epoch: String,
    /// A client that sends this key is the host.
    pub(super) host_key: String,
    room: RoomLock,
    /// The stored messages, in a room with a store.
    pub(super) history: Option<History>,
    /// The `seq` of the oldest message in the store.
    oldest_stored: AtomicU64,
    /// Something happened that must be stored.
    unstored: Notify,
    /// So much waits to be stored that the server reads from no member.
    congested: AtomicBool,
    pub(super) guests: Guests,
    /// The memory that the server holds for peers.
    pub(super) budget: Arc<Budget>,
    pub(super) reporter: Reporter,
    /// The threads that serve the connections.
    pub(super) workers: Vec<Worker>,
    /// Joins and leaves wait to be announced.
    gathering: Notify,
    /// A member is away.
    absence: Notify,
    /// The room was closed, or must be closed.
    closed: Notify,
    outcome: Mutex<Outcome>,
    /// The time at which the room ends by itself may have changed.
    deserted: Notify,
    ended_empty: AtomicBool,
}

/// How a server must end, or has ended.
#[derive(Debug, Default)]
struct Outcome {
    /// The requested closing, if there is one.
    wanted: Option<Closing>,
    /// The reason why the store failed, if it did.
    store_failed: Option<String>,
}

/// While more bytes than this wait to be stored, the server reads from no member.
const WAITING_LIMIT: usize = 4 << 20;

impl Shared {
    pub(super) fn new(
        settings: Settings,
        surroundings: Surroundings,
        kept: Option<OpenedStore>,
    ) -> io::Result<(Self, Option<Writer>)> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed)?;
        let seed = Seed::new(seed);
        let now = Instant::now();
        let (epoch, oldest_stored, room, history, writer) = match kept {
            None => {
                let room = Room::new(settings.rules, ENCODINGS, seed);
                (random_token()?, 0, room, None, None)
            }
            Some(mut kept) => {
                let (epoch, oldest) = (kept.epoch().to_owned(), kept.oldest_seq());
                let room = kept.room(settings.rules, ENCODINGS, seed);
                let (history, writer) = kept.split();
                (epoch, oldest, room, Some(history), Some(writer))
            }
        };
        let shared = Self {
            live: Mutex::new(Rank::Settings, Arc::new(Live::new(&settings))),
            counters: Counters::new(),
            first_seq: room.next_seq(),
            room: RoomLock::new(room),
            history,
            oldest_stored: AtomicU64::new(oldest_stored),
            unstored: Notify::new(),
            congested: AtomicBool::new(false),
            surroundings,
            epoch,
            host_key: random_token()?,
            guests: Guests::new(now),
            budget: Budget::new(settings.held_limit),
            reporter: Reporter::new(settings.events.clone()),
            workers: workers(),
            gathering: Notify::new(),
            absence: Notify::new(),
            closed: Notify::new(),
            outcome: Mutex::new(Rank::Outcome, Outcome::default()),
            deserted: Notify::new(),
            ended_empty: AtomicBool::new(false),
            started: now,
            settings,
        };
        Ok((shared, writer))
    }

    /// Locks the room. Hold the lock for a moment only, never across a wait.
    pub(super) fn room(&self) -> RoomGuard<'_> {
        self.room.lock()
    }

    /// The room's time at this moment.
    pub(super) fn time(&self, now: Instant) -> Time {
        Time::after(now.saturating_duration_since(self.started))
    }

    /// The current value of the settings that can change.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.lock())
    }

    /// Applies the settings that can change; all else stays as it is.
    pub(super) fn change(&self, settings: &Settings) {
        let live = Arc::new(Live::new(settings));
        *self.live.lock() = live;
        self.room().apply(SetRules {
            rules: settings.rules,
        });
        self.deserted.notify_one();
    }

    /// The number of messages sent since the server started. Waits for no lock.
    pub(super) fn messages(&self) -> u64 {
        self.room.next_seq().saturating_sub(self.first_seq)
    }

    /// The number of members in the room, including absent ones. Waits for no lock.
    pub(super) fn members(&self) -> usize {
        self.room.members()
    }

    /// The server's statistics. The only lock it takes is that of the settings, which
    /// threads hold to copy a pointer.
    pub(super) fn vitals(&self, port: u16) -> Vitals {
        let live = self.live();
        Vitals {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: live.room_name.to_string(),
            port,
            durable: self.is_durable(),
            uptime_seconds: self.counters.uptime().as_secs(),
            members: self.room.members(),
            away: self.room.away(),
            at_the_door: self.guests.at_the_door(),
            messages: self.messages(),
            deliveries: self.counters.deliveries(),
            slow_readers: self.counters.slow_readers(),
            fell_behind: self.counters.fell_behind(),
            refused: self.counters.refused(),
            memory_bytes: memory(),
            addresses: self.addresses(),
        }
    }

    /// The addresses where others can join, as people write them; the likeliest first.
    pub(super) fn addresses(&self) -> Vec<String> {
        let addresses = self.surroundings.addresses();
        addresses.iter().map(ToString::to_string).collect()
    }

    /// Wakes the host's connections, which then send the new addresses.
    pub(super) fn tell_hosts(&self) {
        let room = self.room();
        let members = room.members(None).filter(|(_, member)| member.host);
        let hosts: Vec<MemberId> = members.map(|(id, _)| id).collect();
        drop(room);
        for worker in &self.workers {
            worker.fan_out.wake(&hosts);
        }
        // A host that is about to follow the log sees them at its next heartbeat.
        self.wake_readers();
    }

    /// Wakes the tasks that follow the log, or the writer where there is a store.
    pub(super) fn tell_news(&self) {
        if self.is_durable() {
            // Under the lock, as where it is cleared: set after that, it would stay.
            let room = self.room();
            if room.waiting() > WAITING_LIMIT {
                self.congested.store(true, Ordering::Relaxed);
            }
            drop(room);
            self.unstored.notify_one();
        } else {
            self.wake_readers();
        }
    }

    /// Wakes all tasks that follow the log.
    fn wake_readers(&self) {
        for (index, worker) in self.workers.iter().enumerate() {
            if index == 0 || worker.is_needed() {
                worker.tell_news();
            }
        }
    }

    /// Whether messages are stored before members get them.
    pub(super) const fn is_durable(&self) -> bool {
        self.history.is_some()
    }

    /// Whether so much waits to be stored that the server must read from no member.
    pub(super) fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Relaxed)
    }

    /// Acts as if so much waited, or no longer did.
    #[cfg(test)]
    pub(super) fn set_congested(&self, congested: bool) {
        self.congested.store(congested, Ordering::Relaxed);
    }

    /// Waits until something happened that must be stored.
    pub(super) async fn unstored(&self) {
        self.unstored.notified().await;
    }

    /// Publishes everything staged up to `end`, which is stored now.
    pub(super) fn publish(&self, end: Reached) {
        let mut room = self.room();
        room.publish(end);
        if room.waiting() <= WAITING_LIMIT / 2 {
            self.congested.store(false, Ordering::Relaxed);
        }
        drop(room);
        self.wake_readers();
    }

    /// Sends an event to everyone in a room with a store at once, even while nothing can
    /// be stored.
    pub(super) fn slip_in(&self, event: &room::Event<'_>) {
        let is_new = self.room().slip_in(event);
        if is_new {
            self.wake_readers();
        }
    }

    /// Closes the room because nothing can be stored any more.
    pub(super) fn fail(&self, retry_ms: u64, why: &WriteError) {
        self.room().fail(retry_ms);
        let why = why.to_string();
        self.outcome.lock().store_failed = Some(why);
        self.closed.notify_one();
        self.congested.store(false, Ordering::Relaxed);
        self.wake_readers();
    }

    /// The reason why the store failed, if that closed the room.
    pub(super) fn store_failed(&self) -> Option<String> {
        self.outcome.lock().store_failed.clone()
    }

    /// The `seq` of the oldest message held, in memory or in the store; of the next one,
    /// if there is none.
    pub(super) fn oldest_seq(&self, room: &Room) -> u64 {
        if self.is_durable() {
            let stored = self.oldest_stored.load(Ordering::Relaxed);
            stored.min(room.oldest_seq())
        } else {
            room.oldest_seq()
        }
    }

    pub(super) fn set_oldest_stored(&self, seq: u64) {
        self.oldest_stored.store(seq, Ordering::Relaxed);
    }

    /// Waits until the room is closed or must be; in the second case it closes the room.
    pub(super) async fn closing(&self) {
        loop {
            let wanted = self.outcome.lock().wanted;
            if let Some(closing) = wanted {
                self.close(closing);
            }
            if self.room().closed().is_some() {
                return;
            }
            self.closed.notified().await;
        }
    }

    /// Waits until everyone can read that the room is closed; returns how.
    pub(super) async fn over(&self) -> Closing {
        let mut news = self.workers[0].news();
        loop {
            news.hear();
            let over = self.room().over();
            if let Some(closing) = over {
                return closing;
            }
            news.ring().await;
        }
    }

    /// Waits until joins and leaves wait to be announced.
    pub(super) async fn gathering(&self) {
        self.gathering.notified().await;
    }

    /// Wakes all readers because of a join or leave; after a while, if it is `gathered`
    /// with others.
    pub(super) fn tell_change(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
            // A newcomer waits until its join is stored.
            self.unstored.notify_one();
        } else {
            self.tell_news();
        }
    }

    /// Wakes the connection whose member was taken over; after a while, if `gathered`.
    /// The log has no entry for a takeover, so none is stored first.
    pub(super) fn tell_takeover(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
        } else {
            self.wake_readers();
        }
    }

    /// Announces the collected joins and leaves.
    pub(super) fn tell_gathered(&self) {
        self.room().apply(Announce);
        self.tell_news();
        if self.is_durable() {
            // Takeovers do not wait for the store.
            self.wake_readers();
        }
    }

    /// Asks the thread that serves the room to close it. Waits for no lock that a thread
    /// holds for longer than a field takes. Only the first call has an effect.
    pub(super) fn request_close(&self, closing: Closing) {
        self.outcome.lock().wanted.get_or_insert(closing);
        self.closed.notify_one();
    }

    /// Closes the room, and notifies everyone.
    fn close(&self, closing: Closing) {
        self.room().apply(Close { closing });
        self.closed.notify_one();
        self.tell_news();
    }

    /// Reports an event to the administrator; drops it if that would mean waiting.
    pub(super) fn report(&self, event: Event) {
        if let Event::Refused { why, .. } = &event {
            self.counters.count_refusal(*why);
        }
        self.reporter.report(event, Instant::now());
    }

    /// Counts a new connection.
    ///
    /// # Errors
    /// If there are too many, altogether or from its address.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: SocketAddr,
        now: Instant,
    ) -> Result<Guest, Refusal> {
        let from = self.surroundings.subscriber(address.ip());
        let origin = self.guests.admit(from, &self.live(), now)?;
        Ok(Guest::new(Arc::clone(self), address, origin))
    }

    /// Reports that a member is away, so that it [expires](Shared::expire) in time.
    pub(super) fn tell_absence(&self) {
        self.absence.notify_one();
    }

    /// Waits for the next deadline of an absent member (see [`Shared::expire`]).
    pub(super) async fn expiry(&self) {
        loop {
            let next = self.room().next_expiry();
            match next {
                // A member that goes away later has a later deadline.
                Some(next) => {
                    let next = self.started + next.since_beginning();
                    return sleep_until(next.into()).await;
                }
                None => self.absence.notified().await,
            }
        }
    }

    /// Removes the members who did not come back until `now`, and notifies everyone.
    pub(super) fn expire(&self, now: Instant) {
        let time = self.time(now);
        loop {
            let mut room = self.room();
            let Some(expired) = room.apply(Expire { time }) else {
                break;
            };
            let gathered = room.has_gathered();
            let address = self.guests.remove_away(expired.id);
            drop(room);
            self.tell_change(gathered);
            if let Some(address) = address {
                self.report(Event::Left {
                    name: expired.name,
                    address,
                    door: Protocol::Native,
                    why: expired.why,
                    count: expired.count,
                });
            }
        }
        self.look_for_the_last();
    }

    /// Reports that a member or connection has gone: it may have been the last one.
    pub(super) fn look_for_the_last(&self) {
        self.guests.set_left(Instant::now());
        self.deserted.notify_one();
    }

    /// The time at which the room ends by itself if nobody joins until then; `None` while
    /// anyone is in it, may come back to it, or has not joined yet.
    fn ends_at(&self, last_call: Duration) -> Option<Instant> {
        let live = self.live();
        let room = self.room();
        let is_empty = room.is_deserted() || (live.idle_timeout.is_some() && room.count() == 0);
        let is_closed = room.closed().is_some();
        drop(room);
        if live.stay_open || !is_empty || is_closed {
            return None;
        }
        let patience = live.idle_timeout.unwrap_or(last_call);
        self.guests.deserted_since()?.checked_add(patience)
    }

    /// Waits until the room must end by itself, and closes it. Connections made at that
    /// moment are accepted, or wait at the port.
    ///
    /// `last_call` is how long an empty room stays open for connections that are still
    /// being made.
    pub(super) async fn close_when_deserted(&self, last_call: Duration) {
        loop {
            let Some(end) = self.ends_at(last_call) else {
                self.deserted.notified().await;
                continue;
            };
            if end <= Instant::now() {
                self.ended_empty.store(true, Ordering::Relaxed);
                self.close(Closing::ForGood);
                return;
            }
            // Members may join and leave meanwhile.
            sleep_until(end.into()).await;
        }
    }

    /// Whether the room was closed because everyone had left.
    pub(super) fn ended_empty(&self) -> bool {
        self.ended_empty.load(Ordering::Relaxed)
    }
}

/// A secret that nobody can guess: 128 random bits in hexadecimal.
///
/// # Errors
/// If the kernel provides no random numbers.
pub(super) fn random_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
