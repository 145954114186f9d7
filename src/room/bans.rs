//! Bans: who may not join again, by address and by token, until a time.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Room;
use super::attachment::TokenHash;
use super::record::Record;
use super::time::Time;

/// The most bans of a room. When it has so many, the one that ends first gives way to a new
/// one.
pub const BANS_LIMIT: usize = 256;

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The addresses that have the first `prefix` bits of `address`, at most all of its
    /// bits. An IPv4 address in an IPv6 one counts as the IPv4 address.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let (address, prefix) = match address {
            IpAddr::V6(ip) if prefix >= 96 && ip.to_ipv4_mapped().is_some() => {
                (address.to_canonical(), prefix - 96)
            }
            _ => (address, prefix),
        };
        match address {
            IpAddr::V4(ip) => {
                let prefix = prefix.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Self {
                    address: Ipv4Addr::from(u32::from(ip) & mask).into(),
                    prefix,
                }
            }
            IpAddr::V6(ip) => {
                let prefix = prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Self {
                    address: Ipv6Addr::from(u128::from(ip) & mask).into(),
                    prefix,
                }
            }
        }
    }

    /// The first of the addresses.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits the addresses have in common.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether this is one of the addresses.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.address.is_ipv4() && Self::new(ip, self.prefix) == self
    }

    /// Whether an address of this computer itself is among the addresses.
    fn has_loopback(self) -> bool {
        self.address.is_loopback()
            || self.contains(Ipv4Addr::LOCALHOST.into())
            || self.contains(Ipv6Addr::LOCALHOST.into())
    }
}

impl fmt::Display for Network {
    /// The address, and the prefix unless the network is that address alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == all {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

/// Keeps someone out until then: whoever comes from these addresses, or with this token. It
/// changes nothing for members who are there.
///
/// The room ignores a network with addresses of this computer itself. A ban with the same
/// network and token as an earlier one replaces that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The addresses.
    pub network: Option<Network>,
    /// The hash of the token of the member that was removed, if it had one.
    pub token: Option<TokenHash>,
    /// The name of that member, for the administrator.
    pub name: Option<Arc<str>>,
    /// The end, in the room's time and as the time of day for the store.
    pub until: (Time, Timestamp),
}

impl Ban {
    fn is_for_the_same(&self, other: &Self) -> bool {
        (self.network, self.token) == (other.network, other.token)
    }

    fn concerns(&self, ip: IpAddr, token: Option<&TokenHash>) -> bool {
        (token.is_some() && self.token.as_ref() == token)
            || self.network.is_some_and(|network| network.contains(ip))
    }
}

/// Lifts bans; the outcome is their number.
#[derive(Clone, Debug)]
pub struct Unban {
    /// Which bans.
    pub whom: Banned,
}

/// Whom a ban concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banned {
    /// Whoever comes from this address.
    Address(IpAddr),
    /// A member with this name when it was removed.
    Name(Arc<str>),
}

/// A ban would keep nobody out: it has no token, and no addresses or those of this computer
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the addresses of this computer itself cannot be banned")]
pub struct NotBanned;

/// The bans of a room, at most [`BANS_LIMIT`].
#[derive(Debug, Default)]
pub(super) struct Bans {
    list: Vec<Ban>,
}

impl Room {
    pub(super) fn ban(&mut self, mut ban: Ban) -> Result<(), NotBanned> {
        ban.network = ban.network.filter(|network| !network.has_loopback());
        if ban.network.is_none() && ban.token.is_none() {
            return Err(NotBanned);
        }
        self.lift(|other| other.is_for_the_same(&ban));
        while self.bans.list.len() >= BANS_LIMIT {
            let ends = self.bans.list.iter().map(|ban| ban.until.0);
            let Some((first, _)) = ends.enumerate().min_by_key(|(_, end)| *end) else {
                break;
            };
            let gone = self.bans.list.remove(first);
            self.record(|| Record::Unbanned(gone));
        }
        self.record(|| Record::Banned(ban.clone()));
        self.bans.list.push(ban);
        Ok(())
    }

    pub(super) fn unban(&mut self, command: Unban) -> usize {
        match command.whom {
            Banned::Address(ip) => self.lift(|ban| ban.concerns(ip, None)),
            Banned::Name(name) => self.lift(|ban| ban.name.as_ref() == Some(&name)),
        }
    }

    fn lift(&mut self, is_it: impl Fn(&Ban) -> bool) -> usize {
        let lifted: Vec<Ban> = self.bans.list.extract_if(.., |ban| is_it(ban)).collect();
        let count = lifted.len();
        for ban in lifted {
            self.record(|| Record::Unbanned(ban));
        }
        count
    }

    /// How long someone who comes from this address with this token may not join; `None`
    /// if no ban concerns them. Nobody is kept out for coming from this computer itself.
    #[must_use]
    pub fn is_banned(&self, ip: IpAddr, token: Option<&TokenHash>, time: Time) -> Option<Duration> {
        let bans = self.bans.list.iter();
        let ends = bans
            .filter(|ban| ban.concerns(ip, token))
            .map(|ban| ban.until.0);
        ends.max().filter(|end| *end > time).map(|end| end - time)
    }

    /// The bans, in the order in which they were made. Those whose end has passed have no
    /// effect, and stay until others take their place.
    #[must_use]
    pub fn bans(&self) -> &[Ban] {
        &self.bans.list
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, at};
    use super::*;

    fn network(address: &str, prefix: u8) -> Network {
        Network::new(address.parse().unwrap(), prefix)
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_with_its_bits() {
        for (network, inside, outside) in [
            (network("10.1.2.3", 32), "10.1.2.3", "10.1.2.2"),
            (network("10.1.2.3", 99), "::ffff:10.1.2.3", "10.1.2.2"),
            (network("10.1.2.3", 8), "10.255.0.1", "11.0.0.0"),
            (network("10.1.2.3", 0), "255.0.0.1", "::1"),
            (
                network("2001:db8::1", 64),
                "2001:db8::ffff",
                "2001:db8:0:1::",
            ),
            (network("2001:db8::1", 128), "2001:db8::1", "2001:db8::2"),
            (network("::ffff:10.1.2.3", 120), "10.1.2.200", "10.1.3.3"),
        ] {
            assert!(
                network.contains(inside.parse().unwrap()),
                "{network} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{network} {outside}"
            );
        }
        assert_eq!(network("10.1.2.3", 32).to_string(), "10.1.2.3");
        assert_eq!(network("2001:db8::1", 64).to_string(), "2001:db8::/64");
    }

    fn ban(address: Option<[u8; 4]>, name: &str, until: u64) -> Ban {
        Ban {
            network: address.map(|ip| Network::new(ip.into(), 32)),
            token: Some(TokenHash::of(name)),
            name: Some(name.into()),
            until: (at(until), Timestamp::UNIX_EPOCH),
        }
    }

    fn ip(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn who_is_banned_by_address_or_token_waits_until_the_last_ban_ends() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        room.apply(ban(Some([10, 0, 0, 1]), "ada", 1_000)).unwrap();
        room.apply(ban(Some([10, 0, 0, 1]), "bob", 3_000)).unwrap();
        let wait = |room: &Room, last, name: &str, time| {
            let token = TokenHash::of(name);
            let wait = room.is_banned(ip(last), Some(&token), at(time));
            wait.map(|wait| u64::try_from(wait.as_millis()).unwrap())
        };
        assert_eq!(wait(room, 1, "kim", 0), Some(3_000));
        assert_eq!(
            room.is_banned(ip(1), None, at(500)),
            Some(Duration::from_millis(2_500))
        );
        assert_eq!(wait(room, 2, "ada", 999), Some(1));
        assert_eq!(wait(room, 2, "ada", 1_000), None);
        assert_eq!(wait(room, 2, "kim", 0), None);
        assert_eq!(room.is_banned(ip(1), None, at(3_000)), None);
        // The same one again, for shorter.
        room.apply(ban(Some([10, 0, 0, 1]), "bob", 2_000)).unwrap();
        assert_eq!(
            (wait(room, 1, "kim", 0), room.bans().len()),
            (Some(2_000), 2)
        );
        // Lifted by name, then by address.
        let lift = |room: &mut Room, whom| room.apply(Unban { whom });
        assert_eq!(lift(room, Banned::Name("ada".into())), 1);
        assert_eq!(lift(room, Banned::Name("ada".into())), 0);
        assert_eq!(lift(room, Banned::Address(ip(2))), 0);
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(lift(room, Banned::Address(mapped)), 1);
        assert!(room.bans().is_empty());
    }

    #[test]
    fn whoever_comes_from_this_computer_is_banned_by_token_alone() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        let loopback = [127, 0, 0, 1];
        let mut nobody = ban(Some(loopback), "ada", 1_000);
        nobody.token = None;
        assert_eq!(room.apply(nobody), Err(NotBanned));
        room.apply(ban(Some(loopback), "ada", 1_000)).unwrap();
        assert_eq!(room.bans()[0].network, None);
        let here = loopback.into();
        assert_eq!(room.is_banned(here, None, at(0)), None);
        let token = TokenHash::of("ada");
        assert!(room.is_banned(here, Some(&token), at(0)).is_some());
    }

    #[test]
    fn when_there_are_too_many_bans_the_one_that_ends_first_gives_way() {
        let mut talk = Talk::new();
        let room = &mut talk.room;
        room.start_recording();
        for n in 0..BANS_LIMIT {
            let until = if n == 77 { 5 } else { 1_000 + n as u64 };
            room.apply(ban(None, &n.to_string(), until)).unwrap();
        }
        room.stage();
        let one_more = ban(None, "one more", 10);
        room.apply(one_more.clone()).unwrap();
        assert_eq!(room.bans().len(), BANS_LIMIT);
        assert!(
            room.bans()
                .iter()
                .all(|it| it.name.as_deref() != Some("77"))
        );
        let records = room.stage().unwrap().records;
        let gone = Record::Unbanned(ban(None, "77", 5));
        assert_eq!(records, [gone, Record::Banned(one_more)]);
    }

    #[test]
    fn every_network_with_this_computer_itself_is_known() {
        for (address, prefix) in [
            ("127.0.0.1", 32),
            ("127.9.9.9", 32),
            ("127.0.0.0", 8),
            ("100.0.0.0", 2),
            ("0.0.0.0", 0),
            ("::1", 128),
            ("::", 0),
            ("::ffff:127.0.0.1", 128),
        ] {
            assert!(
                network(address, prefix).has_loopback(),
                "{address}/{prefix}"
            );
        }
        assert!(!network("128.0.0.0", 1).has_loopback());
        assert!(!network("2001:db8::", 32).has_loopback());
    }
}
