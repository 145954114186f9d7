//! What all connections of a server share.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::room::{
    Closing, Encoders, Encoding, Entered, MemberId, Meter, NotEntered, Pace, Room, Why,
};
use crate::wire::address::Address;
use crate::wire::door::Door;
use crate::wire::{native, text};

use super::bell::{Bell, Ear};
use super::event::{Event, Refusal};
use super::settings::Settings;

/// What all connections of a server share: the room, and who is at its doors.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) room_name: String,
    /// Where others can join.
    pub(super) addresses: Vec<Address>,
    /// Tells this log from every other.
    pub(super) epoch: String,
    /// Whoever shows it is the host.
    pub(super) host_key: String,
    room: Mutex<Room>,
    guests: Mutex<Guests>,
    missed: Mutex<u64>,
    /// Rung whenever the log grew.
    news: Arc<Bell>,
    /// Joins or leaves wait to be told.
    gathering: Notify,
    /// The room may be empty for good.
    deserted: Notify,
    ended_empty: AtomicBool,
}

/// The open connections, and how many of them are no members yet.
#[derive(Debug, Default)]
struct Guests {
    total: usize,
    at_the_door: usize,
    by_network: HashMap<IpAddr, Network>,
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
        room_name: String,
        addresses: Vec<Address>,
    ) -> io::Result<Self> {
        let encoders = Encoders {
            native: native::encode,
            text: text::encode,
        };
        Ok(Self {
            room: Mutex::new(Room::new(settings.rules, encoders)),
            settings,
            room_name,
            addresses,
            epoch: random_token()?,
            host_key: random_token()?,
            guests: Mutex::default(),
            missed: Mutex::default(),
            news: Arc::default(),
            gathering: Notify::new(),
            deserted: Notify::new(),
            ended_empty: AtomicBool::new(false),
        })
    }

    /// The room. Held for a moment only, never across a wait.
    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        lock(&self.room)
    }

    /// Hears whenever the log grows.
    pub(super) fn news(&self) -> Ear {
        self.news.listen()
    }

    /// Wakes everyone who follows the log.
    pub(super) fn tell_news(&self) {
        self.news.ring();
    }

    /// Waits until joins or leaves wait to be told.
    pub(super) async fn gathering(&self) {
        self.gathering.notified().await;
    }

    fn tell_change(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
        } else {
            self.tell_news();
        }
    }

    /// Closes the room, and tells everyone.
    pub(super) fn close(&self, closing: Closing) {
        self.room().close(closing);
        self.tell_news();
    }

    /// Tells whoever runs the server; drops it if that would mean waiting.
    pub(super) fn report(&self, event: Event) {
        let Some(events) = &self.settings.events else {
            return;
        };
        let mut missed = lock(&self.missed);
        if *missed > 0 && events.try_send(Event::Missed(*missed)).is_ok() {
            *missed = 0;
        }
        if *missed > 0 || events.try_send(event).is_err() {
            *missed += 1;
        }
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
        let limit = self.settings.max_per_address;
        let mut guests = lock(&self.guests);
        if guests.total >= self.settings.rules.max_members.saturating_add(SPARE) {
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
        Ok(Guest {
            shared: Arc::clone(self),
            address,
            network,
            place: Place::Door,
        })
    }

    /// Whether everyone has left and nobody is at the door.
    fn is_deserted(&self) -> bool {
        let room = self.room();
        room.is_deserted() && room.closed().is_none() && lock(&self.guests).at_the_door == 0
    }

    /// Waits until the room may be empty for good: then it is to be
    /// [closed](Shared::close_if_deserted), once those who have connected
    /// meanwhile were accepted.
    pub(super) async fn deserted(&self) {
        self.deserted.notified().await;
    }

    /// Closes the room if everyone has left and nobody is at the door.
    pub(super) fn close_if_deserted(&self) {
        if self.is_deserted() {
            self.ended_empty.store(true, Ordering::Relaxed);
            self.close(Closing::ForGood);
        }
    }

    /// Whether the room was closed because everyone had left.
    pub(super) fn ended_empty(&self) -> bool {
        self.ended_empty.load(Ordering::Relaxed)
    }
}

/// A connection that is counted in. When it is dropped, it has left.
#[derive(Debug)]
pub(super) struct Guest {
    shared: Arc<Shared>,
    address: SocketAddr,
    network: IpAddr,
    place: Place,
}

/// Where a guest is.
#[derive(Debug)]
enum Place {
    Door,
    Room(MemberId, Arc<str>, Door),
    Outside,
}

impl Guest {
    /// What it shares with all others.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where it comes from.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the guest into the room, and tells everyone.
    pub(super) fn enter(
        &mut self,
        wanted: &str,
        door: Door,
        host: bool,
    ) -> Result<Entered, NotEntered> {
        let encoding = if door == Door::Native {
            Encoding::Native
        } else {
            Encoding::Text
        };
        let mut room = self.shared.room();
        let entered = room.enter(wanted, encoding, host)?;
        let gathered = room.has_gathered();
        drop(room);
        self.place = Place::Room(entered.id, Arc::clone(&entered.name), door);
        lock(&self.shared.guests).at_the_door -= 1;
        self.shared.tell_change(gathered);
        self.shared.report(Event::Joined {
            name: Arc::clone(&entered.name),
            address: self.address,
            door,
            count: entered.count,
        });
        Ok(entered)
    }

    /// Takes the guest out of the room, and tells everyone; or away from the
    /// door. The last one out closes the room.
    pub(super) fn leave(&mut self, why: Why) {
        match std::mem::replace(&mut self.place, Place::Outside) {
            Place::Outside => return,
            Place::Door => lock(&self.shared.guests).at_the_door -= 1,
            Place::Room(id, name, door) => {
                let mut room = self.shared.room();
                let count = room.leave(id, why);
                if room.closed().is_some() {
                    // Everyone leaves now, and nobody is told.
                    return;
                }
                let gathered = room.has_gathered();
                drop(room);
                self.shared.tell_change(gathered);
                let address = self.address;
                self.shared.report(Event::Left {
                    name,
                    address,
                    door,
                    why,
                    count,
                });
            }
        }
        if !self.shared.settings.stay_open && self.shared.is_deserted() {
            self.shared.deserted.notify_one();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.leave(Why::Lost);
        let mut guests = lock(&self.shared.guests);
        guests.total -= 1;
        if let Some(network) = guests.by_network.get_mut(&self.network) {
            network.count -= 1;
        }
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
