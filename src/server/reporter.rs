//! Reports events to the administrator, at a rate that outsiders cannot raise.
//!
//! A refused connection costs its peer next to nothing, so the reporter collects
//! refusals: it reports the first one at once, and those of the following second
//! together, by address and cause. Everything else that a peer can cause has a rate
//! limit; the reporter counts what exceeds it as [missed](Event::Missed).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::lock::{Mutex, Rank};
use crate::net::network_of;
use crate::room::{Meter, RateLimit};

use super::event::{Event, Refusal};

/// The time for which it collects refusals.
const GATHER_TIME: Duration = Duration::from_secs(1);

/// The most addresses that it reports for each second of refusals. It reports the rest
/// together.
const ADDRESSES: usize = 16;

/// The most causes that it reports for the rest.
const CAUSES: usize = 16;

/// The rate of reported joins and leaves: a full room at once, and so many a second.
const COMINGS: RateLimit = RateLimit {
    burst: 10_000,
    per_second: 20,
};

/// The rate of reports about readers that are too slow.
const FALLS: RateLimit = RateLimit {
    burst: 100,
    per_second: 5,
};

/// The rate of reports about server problems that a peer can cause.
const TROUBLE: RateLimit = RateLimit {
    burst: 20,
    per_second: 1,
};

/// The rate of reports about wrong keys.
const WRONG_KEYS: RateLimit = RateLimit {
    burst: 20,
    per_second: 1,
};

/// The rate of reports about what hosts do. Their requests have a rate of their own, but a
/// room can have any number of hosts.
const MODERATION: RateLimit = RateLimit {
    burst: 200,
    per_second: 10,
};

/// Reports events.
#[derive(Debug)]
pub(super) struct Reporter {
    events: Option<async_channel::Sender<Event>>,
    state: Mutex<State>,
    /// The reporter has begun to collect refusals.
    gathering: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The number of events that it dropped, because nobody read them or they were too
    /// many.
    missed: u64,
    /// The time when it dropped the first of them.
    missed_since: Option<Instant>,
    refusals: Refusals,
    comings: Meter<Instant>,
    falls: Meter<Instant>,
    trouble: Meter<Instant>,
    wrong_keys: Meter<Instant>,
    moderation: Meter<Instant>,
}

impl Reporter {
    /// Reports to the reader of `events`, if there is one.
    pub fn new(events: Option<async_channel::Sender<Event>>) -> Self {
        Self {
            events,
            state: Mutex::new(Rank::Reporter, State::default()),
            gathering: Notify::new(),
        }
    }

    /// Reports an event; if that would mean waiting, it drops and counts the event.
    pub fn report(&self, event: Event, now: Instant) {
        let Some(events) = &self.events else {
            return;
        };
        let mut state = self.state.lock();
        let is_allowed = match &event {
            Event::Refused { address, why } => {
                if !state.refusals.add(*address, *why, now) {
                    return;
                }
                self.gathering.notify_one();
                true
            }
            Event::Joined { .. } | Event::Left { .. } | Event::Away { .. } | Event::Back { .. } => {
                state.comings.count(COMINGS, now).is_ok()
            }
            Event::FellBehind { .. } => state.falls.count(FALLS, now).is_ok(),
            Event::WrongKey { .. } => state.wrong_keys.count(WRONG_KEYS, now).is_ok(),
            Event::Removed { .. }
            | Event::Muted { .. }
            | Event::Slow { .. }
            | Event::Erased { .. }
            | Event::HostChanged { .. }
            | Event::KeyReplaced { .. }
            | Event::Unbanned { .. } => state.moderation.count(MODERATION, now).is_ok(),
            Event::Stalled(_) | Event::Unread(_) => state.trouble.count(TROUBLE, now).is_ok(),
            _ => true,
        };
        if is_allowed {
            state.send(event, events, now);
        } else {
            state.miss(now);
        }
        if state.missed_since == Some(now) {
            self.gathering.notify_one();
        }
    }

    /// Reports collected events; never returns.
    pub async fn tell_gathered(&self) {
        loop {
            let due = self.state.lock().due();
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => self.gathering.notified().await,
            }
            self.flush(Instant::now());
        }
    }

    /// Reports the events collected until `now`, if they are due.
    pub fn flush(&self, now: Instant) {
        if let Some(events) = &self.events {
            let mut state = self.state.lock();
            for event in state.refusals.take(now) {
                state.send(event, events, now);
            }
            let is_due = |since: Instant| since + GATHER_TIME <= now;
            if state.missed_since.is_some_and(is_due) && !state.tell_missed(events) {
                // Nobody read it: it tries again later.
                state.missed_since = Some(now);
            }
        }
    }

    /// Reports the collected events, and ends the channel.
    pub fn finish(&self) {
        self.flush(Instant::now() + GATHER_TIME);
    }
}

impl State {
    /// The time when collected events are due.
    fn due(&self) -> Option<Instant> {
        let missed = self.missed_since.map(|since| since + GATHER_TIME);
        self.refusals.due().into_iter().chain(missed).min()
    }

    fn miss(&mut self, now: Instant) {
        self.missed += 1;
        self.missed_since.get_or_insert(now);
    }

    /// Reports the number of dropped events, if any. Returns whether none remain to
    /// report.
    fn tell_missed(&mut self, events: &async_channel::Sender<Event>) -> bool {
        if self.missed > 0 && events.try_send(Event::Missed(self.missed)).is_err() {
            return false;
        }
        self.missed = 0;
        self.missed_since = None;
        true
    }

    fn send(&mut self, event: Event, events: &async_channel::Sender<Event>, now: Instant) {
        if !self.tell_missed(events) || events.try_send(event).is_err() {
            self.miss(now);
        }
    }
}

/// Refusals that it reports together.
#[derive(Debug, Default)]
struct Refusals {
    /// The start of the collection; the refusal before it was reported alone.
    since: Option<Instant>,
    /// The last address, the cause and the number, of each network.
    from: Vec<(SocketAddr, Refusal, u64)>,
    /// The refusals of all other addresses.
    others: Vec<(Refusal, u64)>,
}

impl Refusals {
    /// Counts a refusal. Returns whether to report it alone.
    fn add(&mut self, address: SocketAddr, why: Refusal, now: Instant) -> bool {
        if self.since.is_none() {
            self.since = Some(now);
            return true;
        }
        let of_network = network(address.ip());
        let same = |(other, cause, _): &&mut (SocketAddr, Refusal, u64)| {
            *cause == why && network(other.ip()) == of_network
        };
        if let Some((last, _, count)) = self.from.iter_mut().find(same) {
            *last = address;
            *count += 1;
        } else if self.from.len() < ADDRESSES {
            self.from.push((address, why, 1));
        } else if let Some((_, count)) = self.others.iter_mut().find(|(cause, _)| *cause == why) {
            *count += 1;
        } else if self.others.len() < CAUSES {
            self.others.push((why, 1));
        }
        false
    }

    /// The time when the collected refusals are due.
    fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + GATHER_TIME)
    }

    /// The collected refusals, if they are due.
    fn take(&mut self, now: Instant) -> Vec<Event> {
        if self.due().is_none_or(|due| now < due) {
            return Vec::new();
        }
        let from = std::mem::take(&mut self.from);
        let others = std::mem::take(&mut self.others);
        // If there were none, the next one is reported alone again.
        self.since = (!from.is_empty()).then_some(now);
        let from = from.into_iter().map(|(address, why, count)| match count {
            1 => Event::Refused { address, why },
            _ => Event::RefusedMany {
                network: Some(network(address.ip())),
                why,
                count,
            },
        });
        let others = others.into_iter().map(|(why, count)| Event::RefusedMany {
            network: None,
            why,
            count,
        });
        from.chain(others).collect()
    }
}

/// The group of addresses that one report covers: an IPv4 address, or an IPv6 network of
/// 64 bits.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => network_of(ip),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: Refusal = Refusal::TooManyConnections;

    fn address(n: u32, port: u16) -> SocketAddr {
        (std::net::Ipv4Addr::from(0x0a00_0000 + n), port).into()
    }

    fn reporter(room: usize) -> (Reporter, async_channel::Receiver<Event>) {
        let (sender, events) = async_channel::bounded(room);
        (Reporter::new(Some(sender)), events)
    }

    fn told(events: &async_channel::Receiver<Event>) -> Vec<Event> {
        std::iter::from_fn(|| events.try_recv().ok()).collect()
    }

    fn refused(n: u32, port: u16) -> Event {
        Event::Refused {
            address: address(n, port),
            why: MANY,
        }
    }

    #[test]
    fn refusals_of_an_address_are_told_once_a_second_with_their_number() {
        let (reporter, events) = reporter(1_000);
        let start = Instant::now();
        for n in 0..32_000_u64 {
            let now = start + Duration::from_micros(n * 30);
            reporter.report(refused(1, 5), now);
        }
        assert_eq!(told(&events), [refused(1, 5)]);
        reporter.flush(start + GATHER_TIME);
        let many = |count| Event::RefusedMany {
            network: Some(address(1, 0).ip()),
            why: MANY,
            count,
        };
        assert_eq!(told(&events), [many(31_999)]);
        let later = start + 2 * GATHER_TIME;
        // The refusals continue, and there is still one report a second.
        reporter.report(refused(1, 6), start + GATHER_TIME);
        reporter.report(refused(1, 7), start + GATHER_TIME);
        assert_eq!(told(&events), []);
        reporter.flush(later);
        assert_eq!(told(&events), [many(2)]);
        // A single refusal keeps its port; and after a quiet while it is reported at
        // once.
        reporter.report(refused(1, 8), later);
        reporter.flush(later + GATHER_TIME);
        assert_eq!(told(&events), [refused(1, 8)]);
        reporter.flush(later + 2 * GATHER_TIME);
        reporter.report(refused(1, 9), later + 3 * GATHER_TIME);
        assert_eq!(told(&events), [refused(1, 9)]);
    }

    #[test]
    fn however_many_addresses_there_are_few_lines_tell_of_them() {
        let (reporter, events) = reporter(1_000);
        let start = Instant::now();
        for n in 0..10_000 {
            for why in [MANY, Refusal::RoomFull] {
                let address = address(n, 1);
                reporter.report(Event::Refused { address, why }, start);
            }
        }
        reporter.finish();
        let told = told(&events);
        assert!(told.len() <= 1 + ADDRESSES + 2, "{}", told.len());
        let count: u64 = told
            .iter()
            .map(|event| match event {
                Event::Refused { .. } => 1,
                Event::RefusedMany { count, .. } => *count,
                _ => 0,
            })
            .sum();
        assert_eq!(count, 20_000);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_told_together() {
        let (reporter, events) = reporter(1_000);
        let start = Instant::now();
        for n in 0..100_u128 {
            let ip = std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + n);
            let address = (ip, 1).into();
            reporter.report(Event::Refused { address, why: MANY }, start);
        }
        reporter.finish();
        assert_eq!(told(&events).len(), 2);
    }

    #[test]
    fn what_else_a_peer_can_cause_has_a_rate_and_the_rest_is_counted() {
        let (reporter, events) = reporter(100_000);
        let start = Instant::now();
        let fall = || Event::FellBehind {
            name: "ada".into(),
            address: address(1, 1),
            protocol: crate::protocol::sniff::Protocol::Text,
            missed: 1,
        };
        for _ in 0..10_000 {
            reporter.report(fall(), start);
        }
        assert_eq!(told(&events).len(), 100);
        // Also if nothing follows.
        reporter.flush(start + GATHER_TIME);
        assert_eq!(told(&events), [Event::Missed(9_900)]);
        reporter.flush(start + 3 * GATHER_TIME);
        assert_eq!(told(&events), []);
        reporter.report(fall(), start + Duration::from_mins(1));
        assert_eq!(told(&events), [fall()]);
        for _ in 0..1_000 {
            reporter.report(Event::Stalled("x".to_owned()), start);
        }
        assert!(told(&events).len() <= 20);
    }

    #[test]
    fn an_event_that_nobody_takes_is_counted() {
        let (reporter, events) = reporter(1);
        let start = Instant::now();
        for n in 0..5 {
            let why = n.to_string();
            reporter.report(Event::Stalled(why), start);
        }
        assert_eq!(told(&events), [Event::Stalled("0".to_owned())]);
        reporter.report(Event::Stalled("6".to_owned()), start);
        assert_eq!(told(&events), [Event::Missed(4)]);
    }
}
