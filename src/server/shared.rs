//! What all connections of a server share.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::room::{self, Closing, Encoders, MemberId, Meter, Pace, Reached, Room};
use crate::store::WriteError;
use crate::wire::address::Address;
use crate::wire::door::Door;
use crate::wire::{native, text};

use super::event::{Event, Refusal};
use super::guest::Guest;
use super::keeper::{History, Kept, Writer};
use super::reporter::Reporter;
use super::settings::{Live, Settings};
use super::vitals::{Counters, Vitals, memory};
use super::worker::{Worker, workers};

/// What all connections of a server share: the room, and who is at its doors.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    live: Mutex<Live>,
    pub(super) counters: Counters,
    /// The `seq` of the first message since the server is there.
    first_seq: u64,
    /// Where others can join.
    pub(super) addresses: Vec<Address>,
    /// Tells this log from every other.
    pub(super) epoch: String,
    /// Whoever shows it is the host.
    pub(super) host_key: String,
    room: Mutex<Room>,
    /// What was said before, where it is stored.
    pub(super) history: Option<History>,
    /// The `seq` of the oldest message in it.
    oldest_stored: AtomicU64,
    /// Something happened that is to be stored.
    unstored: Notify,
    /// So much waits to be stored that nobody is listened to.
    congested: AtomicBool,
    guests: Mutex<Guests>,
    /// Where those came from who are away. Locked after the room, if both are.
    away: Mutex<HashMap<MemberId, SocketAddr>>,
    pub(super) reporter: Reporter,
    /// The threads that serve the connections.
    pub(super) workers: Vec<Worker>,
    /// Changes in who is here wait to be told.
    gathering: Notify,
    /// Someone is away.
    absence: Notify,
    /// The room was closed.
    closed: Notify,
    /// The last connection has ended.
    gone: Notify,
    /// Whether the room ends, and when, may have changed.
    deserted: Notify,
    ended_empty: AtomicBool,
    /// Why nothing can be stored any more.
    store_failed: Mutex<Option<String>>,
}

/// The open connections, and how many of them are no members yet.
#[derive(Debug)]
struct Guests {
    total: usize,
    at_the_door: usize,
    by_network: HashMap<IpAddr, Network>,
    /// When the last one went; when the server was made, if nobody came.
    left_at: Instant,
}

/// The connections that count as from one address.
#[derive(Debug, Default)]
struct Network {
    count: usize,
    meter: Meter,
}

/// How many connections more than members there may be: of those who are at the
/// door, who are told that the room is full, or who have just left.
const SPARE: usize = 256;

/// While more bytes than this wait to be stored, nobody is listened to.
const WAITING_LIMIT: usize = 4 << 20;

/// How many addresses are remembered though they have no connection open.
const NETWORKS: usize = 4_096;

/// Nothing that can panic runs while one of these locks is held, and what they
/// guard is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        addresses: Vec<Address>,
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
            live: Mutex::new(Live::new(&settings)),
            counters: Counters::new(),
            first_seq: room.next_seq(),
            room: Mutex::new(room),
            history,
            oldest_stored: AtomicU64::new(oldest_stored),
            unstored: Notify::new(),
            congested: AtomicBool::new(false),
            reporter: Reporter::new(settings.events.clone()),
            settings,
            addresses,
            epoch,
            host_key: random_token()?,
            guests: Mutex::new(Guests {
                total: 0,
                at_the_door: 0,
                by_network: HashMap::new(),
                left_at: now,
            }),
            away: Mutex::default(),
            workers: workers(),
            gathering: Notify::new(),
            absence: Notify::new(),
            closed: Notify::new(),
            gone: Notify::new(),
            deserted: Notify::new(),
            ended_empty: AtomicBool::new(false),
            store_failed: Mutex::default(),
        };
        Ok((shared, writer))
    }

    /// The room. Held for a moment only, never across a wait.
    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        lock(&self.room)
    }

    /// What can change. Held for a moment only.
    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    /// Takes over what can change; all else stays as it is.
    pub(super) fn change(&self, settings: &Settings) {
        *self.live() = Live::new(settings);
        self.room().set_rules(settings.rules);
        self.deserted.notify_one();
    }

    /// How many messages were said since the server is there.
    pub(super) fn messages(&self) -> u64 {
        self.room().next_seq().saturating_sub(self.first_seq)
    }

    /// What this server can tell of itself.
    pub(super) fn vitals(&self, port: u16) -> Vitals {
        let room = self.room();
        let (members, away) = (room.count(), room.away());
        drop(room);
        Vitals {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: self.live().room_name.to_string(),
            port,
            durable: self.is_durable(),
            uptime_seconds: self.counters.uptime().as_secs(),
            members,
            away,
            at_the_door: lock(&self.guests).at_the_door,
            messages: self.messages(),
            deliveries: self.counters.deliveries(),
            slow_readers: self.counters.slow_readers(),
            fell_behind: self.counters.fell_behind(),
            refused: self.counters.refused(),
            memory_bytes: memory(),
        }
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
        *lock(&self.store_failed) = Some(why.to_string());
        self.closed.notify_one();
        self.congested.store(false, Ordering::Relaxed);
        self.wake_readers();
    }

    /// Why nothing could be stored any more, if that closed the room.
    pub(super) fn store_failed(&self) -> Option<String> {
        lock(&self.store_failed).clone()
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

    /// Waits until the room is closed.
    pub(super) async fn closing(&self) {
        loop {
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
            if let Some(closing) = self.room().over() {
                return closing;
            }
            news.ring().await;
        }
    }

    /// Waits until no connection is open that was admitted.
    pub(super) async fn all_gone(&self) {
        while lock(&self.guests).total > 0 {
            self.gone.notified().await;
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

    /// Closes the room, and tells everyone.
    pub(super) fn close(&self, closing: Closing) {
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
        let network = network(address.ip());
        let live = self.live();
        let (limit, max_members) = (live.max_per_address, live.max_members);
        drop(live);
        let mut guests = lock(&self.guests);
        if guests.total >= max_members.saturating_add(SPARE) {
            return Err(Refusal::RoomFull);
        }
        if guests.by_network.len() >= NETWORKS {
            guests.by_network.retain(|_, network| network.count > 0);
        }
        let here = guests.by_network.entry(network).or_default();
        if limit > 0 {
            // As many at once as may be open, and then a tenth of them a second:
            // coming and going is told to everyone.
            let burst = u32::try_from(limit).unwrap_or(u32::MAX);
            let pace = Pace {
                burst,
                per_second: (burst / 10).max(1),
            };
            if here.count >= limit || here.meter.count(pace, now).is_err() {
                return Err(Refusal::TooManyConnections);
            }
        }
        here.count += 1;
        guests.total += 1;
        guests.at_the_door += 1;
        Ok(Guest::new(Arc::clone(self), address))
    }

    /// A guest is not at the door any more.
    pub(super) fn leave_door(&self) {
        lock(&self.guests).at_the_door -= 1;
    }

    /// A connection has ended that was admitted.
    pub(super) fn count_out(&self, address: SocketAddr) {
        let mut guests = lock(&self.guests);
        guests.total -= 1;
        if guests.total == 0 {
            self.gone.notify_one();
        }
        if let Some(network) = guests.by_network.get_mut(&network(address.ip())) {
            network.count -= 1;
        }
    }

    /// Remembers where a member came from who is away now.
    pub(super) fn keep_address(&self, id: MemberId, address: SocketAddr) {
        lock(&self.away).insert(id, address);
        self.absence.notify_one();
    }

    /// Forgets where a member came from who is away no longer.
    pub(super) fn forget_address(&self, id: MemberId) -> Option<SocketAddr> {
        lock(&self.away).remove(&id)
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
            let address = self.forget_address(expired.id);
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
        lock(&self.guests).left_at = Instant::now();
        self.deserted.notify_one();
    }

    /// When the room ends by itself if nobody comes until then: not while anyone is
    /// in it, may come back to it, or is at the door.
    fn ends_at(&self, last_call: Duration) -> Option<Instant> {
        let live = self.live();
        let (stay_open, idle_timeout) = (live.stay_open, live.idle_timeout);
        drop(live);
        let room = self.room();
        let is_empty = room.is_deserted() || (idle_timeout.is_some() && room.count() == 0);
        if stay_open || !is_empty || room.closed().is_some() {
            return None;
        }
        drop(room);
        let guests = lock(&self.guests);
        let patience = idle_timeout.unwrap_or(last_call);
        (guests.at_the_door == 0).then(|| guests.left_at + patience)
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

/// What is counted as one address: an IPv4 address, also where it is mapped into
/// IPv6, or an IPv6 network of 64 bits, which is what one subscriber has at least
/// (RFC 6177).
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) & !u128::from(u64::MAX);
            Ipv6Addr::from(bits).into()
        }
        v4 @ IpAddr::V4(_) => v4,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_ipv4_address_or_a_64_bit_prefix() {
        let network = |ip: &str| network(ip.parse().unwrap()).to_string();
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
