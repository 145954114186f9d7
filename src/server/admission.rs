//! Admits connections, and counts those that are open by the address that they come from.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::lock::{Mutex, Rank};
use crate::net::Subscriber;
use crate::room::{MemberId, Meter, Network, RateLimit, TEXT_LIMIT_BYTES};

use super::event::Refusal;
use super::settings::Live;

/// The number of connections beyond the limit of members: those that have not joined yet,
/// those that the server refuses because the room is full, and those that have just left.
const SPARE: usize = 256;

/// The server remembers at least this many addresses that have no open connection.
const ADDRESSES: usize = 4_096;

/// The open connections, and the number of them that have not joined yet.
#[derive(Debug)]
pub struct Admission {
    state: Mutex<State>,
    /// The number of open connections, and of those that have not joined yet, readable
    /// without the lock.
    open: AtomicUsize,
    at_the_door: AtomicUsize,
    /// The last connection has ended.
    gone: Notify,
}

#[derive(Debug)]
struct State {
    by_address: HashMap<Key, Address>,
    /// The number of addresses at which the server forgets those without a connection.
    forget_at: usize,
    /// Where the members are who are not absent.
    present: HashMap<MemberId, Arc<Origin>>,
    /// The last addresses of absent members.
    away: HashMap<MemberId, (SocketAddr, Arc<Origin>)>,
    /// The time when the last member left; the start of the server, if nobody came.
    left_at: Instant,
}

/// An address, or a link by its first address; the second part is true for a link.
type Key = (IpAddr, bool);

/// The keys under which a connection counts, and how many connections each may have, where
/// `limit` is the limit of one address.
fn keys(from: Subscriber, limit: usize) -> impl Iterator<Item = (Key, usize)> {
    let counted = from.limits(limit).enumerate();
    counted.map(|(index, (ip, most))| ((ip, index > 0), most))
}

/// The counts of one address, or of one link (see [`Subscriber`]).
#[derive(Debug, Default)]
struct Address {
    origin: Option<Arc<Origin>>,
    /// The number of open connections.
    open: usize,
    /// The number of absent members.
    away: usize,
    /// The rate of new connections.
    pace: Meter<Instant>,
}

/// An address as limits count it. Its connections share it.
#[derive(Debug)]
pub struct Origin {
    from: Subscriber,
    /// What those from this address have sent.
    sent: Mutex<Sent>,
    /// The link that the address is on, if the link counts as a whole too.
    link: Option<Arc<Self>>,
}

/// What those from one address have sent.
#[derive(Debug, Default)]
struct Sent {
    /// The bytes of text of its members.
    text: Meter<Instant>,
    /// The wrong keys of the current minute.
    wrong_keys: u32,
    /// The beginning of that minute.
    wrong_since: Option<Instant>,
}

impl Sent {
    /// Begins a new minute if the last one is over.
    fn forget_wrong_keys(&mut self, now: Instant) {
        let is_over = |since| now.saturating_duration_since(since) >= WRONG_KEYS_TIME;
        if self.wrong_since.is_some_and(is_over) {
            (self.wrong_keys, self.wrong_since) = (0, None);
        }
    }
}

impl Origin {
    fn new(from: Subscriber, link: Option<Arc<Self>>) -> Arc<Self> {
        let sent = Mutex::new(Rank::AddressRate, Sent::default());
        Arc::new(Self { from, sent, link })
    }

    /// The addresses that count as this one.
    pub fn network(&self) -> Network {
        let Subscriber { key, link } = self.from;
        let is_alone = key.is_ipv4() || key.is_loopback() || link.is_some();
        // A distant IPv6 address counts as its /64.
        Network::new(key, if is_alone { 128 } else { 64 })
    }

    /// Whether one more key from this address may be looked at: fewer than
    /// [`WRONG_KEYS`] were wrong in this minute, and fewer than [`LINK_FACTOR`] times as
    /// many from its link.
    pub fn may_try_key(&self, now: Instant) -> bool {
        self.has_fewer_wrong_keys(WRONG_KEYS, now)
            && self.link.as_ref().is_none_or(|link| {
                link.has_fewer_wrong_keys(WRONG_KEYS.saturating_mul(LINK_FACTOR), now)
            })
    }

    fn has_fewer_wrong_keys(&self, most: u32, now: Instant) -> bool {
        let mut sent = self.sent.lock();
        sent.forget_wrong_keys(now);
        sent.wrong_keys < most
    }

    /// Counts a wrong key from this address.
    pub fn count_wrong_key(&self, now: Instant) {
        let mut sent = self.sent.lock();
        sent.forget_wrong_keys(now);
        sent.wrong_keys = sent.wrong_keys.saturating_add(1);
        sent.wrong_since.get_or_insert(now);
        drop(sent);
        if let Some(link) = &self.link {
            link.count_wrong_key(now);
        }
    }

    /// Counts `bytes` of text that a member from this address sends.
    ///
    /// # Errors
    /// The time to wait, if the members from this address send more than `per_second`
    /// bytes a second, and [`TEXT_BURST`] seconds' worth at once; or the members from its
    /// link [`LINK_FACTOR`] times as many. 0 lifts the limit.
    pub fn count_text(&self, bytes: usize, per_second: u32, now: Instant) -> Result<(), Duration> {
        let pace = RateLimit {
            // The longest text is allowed at any rate.
            burst: per_second.saturating_mul(TEXT_BURST).max(LONGEST_TEXT),
            per_second,
        };
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.sent.lock().text.count_many(pace, count, now)?;
        match &self.link {
            Some(link) => link.count_text(bytes, per_second.saturating_mul(LINK_FACTOR), now),
            None => Ok(()),
        }
    }
}

/// The most bytes of one text.
#[expect(clippy::cast_possible_truncation)] // 16,000
const LONGEST_TEXT: u32 = TEXT_LIMIT_BYTES as u32;

/// The burst of text from one address, in seconds of the rate.
const TEXT_BURST: u32 = 8;

/// Those from one link may send as much as those from this many addresses.
const LINK_FACTOR: u32 = 16;

/// After this many wrong keys from one address, no more of them are looked at until
/// [`WRONG_KEYS_TIME`] after the first of them is over.
pub const WRONG_KEYS: u32 = 10;

/// See [`WRONG_KEYS`].
const WRONG_KEYS_TIME: Duration = Duration::from_mins(1);

impl Admission {
    pub fn new(now: Instant) -> Arc<Self> {
        let state = State {
            by_address: HashMap::new(),
            forget_at: ADDRESSES,
            present: HashMap::new(),
            away: HashMap::new(),
            left_at: now,
        };
        Arc::new(Self {
            state: Mutex::new(Rank::Admission, state),
            open: AtomicUsize::new(0),
            at_the_door: AtomicUsize::new(0),
            gone: Notify::new(),
        })
    }

    /// Counts a new connection, until its permit is dropped.
    ///
    /// # Errors
    /// If there are too many, altogether or from its address.
    pub fn admit(
        self: &Arc<Self>,
        from: Subscriber,
        live: &Live,
        now: Instant,
    ) -> Result<Permit, Refusal> {
        let mut state = self.state.lock();
        if self.open() >= live.max_members.saturating_add(SPARE) {
            return Err(Refusal::RoomFull);
        }
        state.forget_idle();
        let origin = state.count_in(from, live.max_per_address, now)?;
        self.open.fetch_add(1, Ordering::Relaxed);
        self.at_the_door.fetch_add(1, Ordering::Relaxed);
        drop(state);
        Ok(Permit {
            admission: Arc::clone(self),
            origin,
        })
    }

    /// Whether one more member may join from this address: the limit of connections
    /// covers its open connections (including the newcomer's own) and its absent members
    /// together. Otherwise one address could fill a room with absent members.
    pub fn may_enter(&self, origin: &Origin, live: &Live) -> bool {
        let limit = live.max_per_address;
        let state = self.state.lock();
        let may = keys(origin.from, limit).all(|(key, most)| {
            let here = state.by_address.get(&key);
            limit == 0 || here.is_none_or(|it| it.open + it.away <= most)
        });
        drop(state);
        may
    }

    /// A guest joined or ended before it joined.
    pub fn leave_door(&self) {
        self.at_the_door.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// The number of open connections that have given no name yet.
    pub fn at_the_door(&self) -> usize {
        self.at_the_door.load(Ordering::Relaxed)
    }

    /// Counts an admitted connection that has ended.
    fn count_out(&self, origin: &Origin) {
        let mut state = self.state.lock();
        state.each(origin, |here| here.open -= 1);
        let is_last = self.open.fetch_sub(1, Ordering::Relaxed) == 1;
        drop(state);
        if is_last {
            self.gone.notify_one();
        }
    }

    /// Waits until no admitted connection is open.
    pub async fn all_gone(&self) {
        while self.open() > 0 {
            self.gone.notified().await;
        }
    }

    /// Notes that a member is there, at this address; it may have been at another one.
    pub fn add_present(&self, id: MemberId, origin: &Arc<Origin>) {
        self.state.lock().present.insert(id, Arc::clone(origin));
    }

    /// Notes that a member has left.
    pub fn remove_present(&self, id: MemberId) {
        self.state.lock().present.remove(&id);
    }

    /// Notes that a member was removed, absent or not. Returns where it was, if it came
    /// while this server runs.
    pub fn remove(&self, id: MemberId) -> Option<Arc<Origin>> {
        let mut state = self.state.lock();
        if let Some((_, origin)) = state.away.remove(&id) {
            state.each(&origin, |here| here.away -= 1);
            return Some(origin);
        }
        state.present.remove(&id)
    }

    /// The number of members from the same address, absent ones too.
    pub fn members_from(&self, origin: &Origin) -> usize {
        let state = self.state.lock();
        let present = state.present.values();
        let away = state.away.values().map(|(_, origin)| origin);
        let same = present.chain(away);
        let count = same.filter(|it| it.from.key == origin.from.key).count();
        drop(state);
        count
    }

    /// Counts a member from this address as absent.
    pub fn add_away(&self, id: MemberId, address: SocketAddr, origin: &Arc<Origin>) {
        let mut state = self.state.lock();
        state.present.remove(&id);
        state.each(origin, |here| here.away += 1);
        state.away.insert(id, (address, Arc::clone(origin)));
    }

    /// Counts a member as no longer absent; returns its last address, if it came while
    /// this server runs.
    pub fn remove_away(&self, id: MemberId) -> Option<SocketAddr> {
        let mut state = self.state.lock();
        let (address, origin) = state.away.remove(&id)?;
        state.each(&origin, |here| here.away -= 1);
        drop(state);
        Some(address)
    }

    /// Records that a member or connection has gone.
    pub fn set_left(&self, now: Instant) {
        self.state.lock().left_at = now;
    }

    /// The time when the last one left; `None` while a connection has not joined yet.
    pub fn deserted_since(&self) -> Option<Instant> {
        let left_at = self.state.lock().left_at;
        (self.at_the_door() == 0).then_some(left_at)
    }
}

/// The right of one connection to be open. Dropping it counts the connection out.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    origin: Arc<Origin>,
}

impl Permit {
    /// The origin of the connection, as limits count it.
    pub const fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.count_out(&self.origin);
    }
}

impl State {
    /// Counts a connection; `limit` is the most from one address.
    ///
    /// # Errors
    /// If there are too many from its address or its link.
    fn count_in(
        &mut self,
        from: Subscriber,
        limit: usize,
        now: Instant,
    ) -> Result<Arc<Origin>, Refusal> {
        for (key, most) in keys(from, limit) {
            let here = self.by_address.entry(key).or_default();
            // At once as many as may be open, and then a tenth of them a second: everyone
            // is notified of each join and leave.
            let burst = u32::try_from(most).unwrap_or(u32::MAX);
            let pace = RateLimit {
                burst,
                per_second: (burst / 10).max(1),
            };
            if limit > 0 && (here.open >= most || here.pace.count(pace, now).is_err()) {
                return Err(Refusal::TooManyConnections);
            }
        }
        let link = from.link.map(|key| {
            let link = Subscriber { key, link: None };
            self.origin((key, true), link, None)
        });
        let origin = self.origin((from.key, false), from, link);
        self.each(&origin, |here| here.open += 1);
        Ok(origin)
    }

    /// The state that the connections from one subscriber share.
    fn origin(&mut self, key: Key, from: Subscriber, link: Option<Arc<Origin>>) -> Arc<Origin> {
        let here = self.by_address.entry(key).or_default();
        Arc::clone(here.origin.get_or_insert_with(|| Origin::new(from, link)))
    }

    /// Changes the counts of an address, and of the link that it is on. The connections
    /// of an address count as they did when the first of them came, even if the links
    /// have changed since.
    fn each(&mut self, origin: &Origin, mut change: impl FnMut(&mut Address)) {
        for (key, _) in keys(origin.from, 0) {
            change(self.by_address.entry(key).or_default());
        }
    }

    /// Forgets addresses without a connection or an absent member, if there are many. The
    /// cost is spread over as many newcomers as there are addresses.
    fn forget_idle(&mut self) {
        if self.by_address.len() >= self.forget_at {
            self.by_address.retain(|_, it| it.open + it.away > 0);
            self.forget_at = ADDRESSES.max(self.by_address.len().saturating_mul(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::super::settings::Settings;
    use super::*;
    use crate::net::Links;

    fn live(max_per_address: usize) -> Live {
        Live::new(&Settings {
            max_per_address,
            ..Settings::default()
        })
    }

    fn from(address: SocketAddr) -> Subscriber {
        Links::default().subscriber(address.ip())
    }

    fn id(id: u64) -> MemberId {
        MemberId::new(id).unwrap()
    }

    #[test]
    fn members_who_are_away_count_for_their_address() {
        let (start, live) = (Instant::now(), live(10));
        let admission = Admission::new(start);
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        // One connection after the other joins and is lost, as fast as allowed.
        let mut entered = 0;
        for n in 1..=100 {
            let now = start + Duration::from_secs(n);
            let permit = admission.admit(from(address), &live, now).unwrap();
            if admission.may_enter(permit.origin(), &live) {
                entered += 1;
                admission.add_away(id(n), address, permit.origin());
            }
        }
        assert_eq!(entered, 10);
        // Other addresses are unaffected, and a member that comes back makes room for
        // another.
        let now = start + Duration::from_secs(101);
        let other = admission.admit(from(([192, 0, 2, 2], 1).into()), &live, now);
        assert!(admission.may_enter(other.unwrap().origin(), &live));
        assert_eq!(admission.remove_away(id(1)), Some(address));
        let permit = admission.admit(from(address), &live, now).unwrap();
        assert!(admission.may_enter(permit.origin(), &live));
    }

    #[test]
    fn the_text_of_an_address_is_limited_whoever_says_it() {
        let start = Instant::now();
        let admission = Admission::new(start);
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        let permit = admission.admit(from(address), &live(256), start).unwrap();
        let mut said = 0;
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            // As many of the longest messages as 256 members may send in a second.
            for _ in 0..256 * 5 {
                if permit.origin().count_text(16_000, 100_000, now).is_ok() {
                    said += 16_000;
                }
            }
        }
        assert!((9_000_000..=10_900_000).contains(&said), "{said}");
    }

    #[test]
    fn addresses_without_a_connection_are_forgotten() {
        let (now, live) = (Instant::now(), live(10));
        let admission = Admission::new(now);
        for n in 0..3 * u32::try_from(ADDRESSES).unwrap() {
            let address = SocketAddr::from((n.to_be_bytes(), 1));
            drop(admission.admit(from(address), &live, now).unwrap());
        }
        assert!(admission.state.lock().by_address.len() <= ADDRESSES);
    }

    #[test]
    fn the_computers_of_a_link_count_by_themselves_and_the_link_as_a_whole() {
        let (now, live) = (Instant::now(), live(256));
        let admission = Admission::new(now);
        let mut admitted = Vec::new();
        for n in 0..5_000_u16 {
            let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n);
            admitted.extend(admission.admit(from((ip, 1).into()), &live, now));
        }
        assert_eq!(admitted.len(), 4_096);
        let afar = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        assert!(admission.admit(from((afar, 1).into()), &live, now).is_ok());
    }
}
