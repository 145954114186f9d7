//! What all connections of a server share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::lock::{Mutex, Rank};
use crate::room::{self, Closing, Encoders, MemberId, Reached, Room};
use crate::store::WriteError;
use crate::wire::door::Door;
use crate::wire::{native, text};

use super::budget::Budget;
use super::event::{Event, Refusal};
use super::guest::Guest;
use super::guests::Guests;
use super::keeper::{History, Kept, Writer};
use super::reporter::Reporter;
use super::room_lock::{RoomGuard, RoomLock};
use super::settings::{Live, Settings};
use super::surroundings::Surroundings;
use super::vitals::{Counters, Vitals, memory};
use super::worker::{Worker, workers};

/// What all connections of a server share: the room, and who is at its doors.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// Replaced as a whole, never changed: whoever reads it keeps it for a moment and
    /// holds no lock.
    live: Mutex<Arc<Live>>,
    pub(super) counters: Counters,
    /// The `seq` of the first message since the server is there.
    first_seq: u64,
    /// The network around the server.
    pub(super) surroundings: Surroundings,
    /// Tells this log from every other.
    pub(super) epoch: String,
    /// Whoever shows it is the host.
    pub(super) host_key: String,
    room: RoomLock,
    /// What was said before, where it is stored.
    pub(super) history: Option<History>,
    /// The `seq` of the oldest message in it.
    oldest_stored: AtomicU64,
    /// Something happened that is to be stored.
    unstored: Notify,
    /// So much waits to be stored that nobody is listened to.
    congested: AtomicBool,
    pub(super) guests: Guests,
    /// The memory that is held for peers.
    pub(super) budget: Arc<Budget>,
    pub(super) reporter: Reporter,
    /// The threads that serve the connections.
    pub(super) workers: Vec<Worker>,
    /// Changes in who is here wait to be told.
    gathering: Notify,
    /// Someone is away.
    absence: Notify,
    /// The room was closed, or is to be closed.
    closed: Notify,
    outcome: Mutex<Outcome>,
    /// Whether the room ends, and when, may have changed.
    deserted: Notify,
    ended_empty: AtomicBool,
}

/// How a server is to end, or has ended.
#[derive(Debug, Default)]
struct Outcome {
    /// It was told to close the room.
    wanted: Option<Closing>,
    /// Why nothing can be stored any more.
    store_failed: Option<String>,
}

/// While more bytes than this wait to be stored, nobody is listened to.
const WAITING_LIMIT: usize = 4 << 20;

impl Shared {
    pub(super) fn new(
        settings: Settings,
        surroundings: Surroundings,
        kept: Option<Kept>,
    ) -> io::Result<(Self, Option<Writer>)> {
        let encoders = Encoders {
            native: native::encode,
            text: text::encode,
        };
        let now = Instant::now();
        let (epoch, oldest_stored, room, history, writer) = match kept {
            None => {
                let room = Room::new(settings.rules, encoders);
                (random_token()?, 0, room, None, None)
            }
            Some(mut kept) => {
                let (epoch, oldest) = (kept.epoch().to_owned(), kept.oldest_seq());
                let room = kept.room(settings.rules, encoders, now);
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
            settings,
        };
        Ok((shared, writer))
    }

    /// The room. Held for a moment only, never across a wait.
    pub(super) fn room(&self) -> RoomGuard<'_> {
        self.room.lock()
    }

    /// The settings that can change, as they are now.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.lock())
    }

    /// Takes over what can change; all else stays as it is.
    pub(super) fn change(&self, settings: &Settings) {
        let live = Arc::new(Live::new(settings));
        *self.live.lock() = live;
        self.room().set_rules(settings.rules);
        self.deserted.notify_one();
    }

    /// How many messages were said since the server is there. Waits for no lock.
    pub(super) fn messages(&self) -> u64 {
        self.room.next_seq().saturating_sub(self.first_seq)
    }

    /// How many members are in the room, those who are away included. Waits for no lock.
    pub(super) fn members(&self) -> usize {
        self.room.members()
    }

    /// What this server can tell of itself. Of the locks, it takes that of the settings,
    /// which is held to copy a pointer.
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

    /// Where others can join, as one writes it; the likeliest first.
    pub(super) fn addresses(&self) -> Vec<String> {
        let addresses = self.surroundings.addresses();
        addresses.iter().map(ToString::to_string).collect()
    }

    /// Wakes whoever hosts the room, to be told where others can join now.
    pub(super) fn tell_hosts(&self) {
        let room = self.room();
        let members = room.members(None).filter(|(_, member)| member.host);
        let hosts: Vec<MemberId> = members.map(|(id, _)| id).collect();
        drop(room);
        for worker in &self.workers {
            worker.fan_out.wake(&hosts);
        }
        // One that is about to follow the log hears it at its next heartbeat.
        self.wake_readers();
    }

    /// Tells what happened to everyone who follows the log, or to the store first
    /// where there is one.
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

    /// Wakes everyone who follows the log.
    fn wake_readers(&self) {
        for (index, worker) in self.workers.iter().enumerate() {
            if index == 0 || worker.is_needed() {
                worker.tell_news();
            }
        }
    }

    /// Whether what is said is stored before it is told.
    pub(super) const fn is_durable(&self) -> bool {
        self.history.is_some()
    }

    /// Whether so much waits to be stored that nobody is to be listened to.
    pub(super) fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Relaxed)
    }

    /// As if so much waited, or no longer.
    #[cfg(test)]
    pub(super) fn set_congested(&self, congested: bool) {
        self.congested.store(congested, Ordering::Relaxed);
    }

    /// Waits until something happened that is to be stored.
    pub(super) async fn unstored(&self) {
        self.unstored.notified().await;
    }

    /// What was staged up to `end` is stored: everyone is told.
    pub(super) fn publish(&self, end: Reached) {
        let mut room = self.room();
        room.publish(end);
        if room.waiting() <= WAITING_LIMIT / 2 {
            self.congested.store(false, Ordering::Relaxed);
        }
        drop(room);
        self.wake_readers();
    }

    /// Tells everyone in a room with a store something at once, also while nothing can
    /// be stored.
    pub(super) fn slip_in(&self, event: &room::Event<'_>) {
        let is_new = self.room().slip_in(event);
        if is_new {
            self.wake_readers();
        }
    }

    /// Nothing can be stored any more: the room is closed.
    pub(super) fn fail(&self, retry_ms: u64, why: &WriteError) {
        self.room().fail(retry_ms);
        let why = why.to_string();
        self.outcome.lock().store_failed = Some(why);
        self.closed.notify_one();
        self.congested.store(false, Ordering::Relaxed);
        self.wake_readers();
    }

    /// Why nothing could be stored any more, if that closed the room.
    pub(super) fn store_failed(&self) -> Option<String> {
        self.outcome.lock().store_failed.clone()
    }

    /// The `seq` of the oldest message that is held, in memory or in the store; of
    /// the next one, if none is.
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

    /// Waits until the room is closed, or is to be: then closes it.
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

    /// Waits until changes in who is here wait to be told.
    pub(super) async fn gathering(&self) {
        self.gathering.notified().await;
    }

    /// Wakes everyone because of a change in who is here; after a while, if it is
    /// `gathered` with others.
    pub(super) fn tell_change(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
            // Whoever came in waits until that is stored.
            self.unstored.notify_one();
        } else {
            self.tell_news();
        }
    }

    /// Wakes the one whose place was taken; after a while, if `gathered`. Nothing
    /// of it stands in the log, so nothing of it is stored first.
    pub(super) fn tell_takeover(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
        } else {
            self.wake_readers();
        }
    }

    /// Tells what was gathered.
    pub(super) fn tell_gathered(&self) {
        self.room().tell_gathered();
        self.tell_news();
        if self.is_durable() {
            // Takeovers do not wait for the store.
            self.wake_readers();
        }
    }

    /// Has the room closed by the thread that serves it. Waits for no lock that is held
    /// for longer than a field takes. The first closing counts.
    pub(super) fn request_close(&self, closing: Closing) {
        self.outcome.lock().wanted.get_or_insert(closing);
        self.closed.notify_one();
    }

    /// Closes the room, and tells everyone.
    fn close(&self, closing: Closing) {
        self.room().close(closing);
        self.closed.notify_one();
        self.tell_news();
    }

    /// Tells whoever runs the server; drops it if that would mean waiting.
    pub(super) fn report(&self, event: Event) {
        if let Event::Refused { why, .. } = &event {
            self.counters.count_refusal(*why);
        }
        self.reporter.report(event, Instant::now());
    }

    /// Counts a connection in.
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

    /// Someone is away, and has to be [let go](Shared::expire) in time.
    pub(super) fn tell_absence(&self) {
        self.absence.notify_one();
    }

    /// Waits until the next one of those who are away has to be
    /// [let go](Shared::expire).
    pub(super) async fn expiry(&self) {
        loop {
            let next = self.room().next_expiry();
            match next {
                // Who goes away later may come back later, too.
                Some(next) => return sleep_until(next.into()).await,
                None => self.absence.notified().await,
            }
        }
    }

    /// Lets those go who did not come back until `now`, and tells everyone.
    pub(super) fn expire(&self, now: Instant) {
        loop {
            let mut room = self.room();
            let Some(expired) = room.expire(now) else {
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
                    door: Door::Native,
                    why: expired.why,
                    count: expired.count,
                });
            }
        }
        self.look_for_the_last();
    }

    /// Someone has gone: it may have been the last one.
    pub(super) fn look_for_the_last(&self) {
        self.guests.set_left(Instant::now());
        self.deserted.notify_one();
    }

    /// When the room ends by itself if nobody comes until then: not while anyone is
    /// in it, may come back to it, or is at the door.
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

    /// Waits until the room is to end by itself, and closes it. Those who connect
    /// in that moment are accepted, or wait at the port.
    ///
    /// `last_call` is how long a room that everyone has left is kept for those who
    /// are connecting already.
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
            // Someone may come and go meanwhile.
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
/// If the kernel has no random numbers to give.
pub(super) fn random_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
