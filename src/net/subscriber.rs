//! The subscriber that a connection counts for.
//!
//! A limit for each address is a limit for each subscriber. With IPv4 that is one
//! address. With IPv6 a subscriber has 2⁶⁴ addresses at least (RFC 6177), so a distant
//! address counts as its /64. On a link of this computer it is the other way round: the
//! /64 is the link, and each computer on it has an address of its own.
//!
//! But one computer on the link can use any number of addresses. So there is a second,
//! larger limit for the link as a whole: 16 times that of one address, 4,096 at least. A
//! computer that uses all of it keeps out the others on that link, as it could in any
//! case by other means (it is on their link). It does not keep out members who connect
//! over IPv4 or from elsewhere: by default 10,000 may be in the room. The same holds for
//! the rate of new connections.

use std::net::{IpAddr, Ipv6Addr};

use super::interface::LocalAddress;

/// The limit of a whole link, as a multiple of the limit of one address.
const LINK_FACTOR: usize = 16;

/// The least limit of connections from a whole link.
const LINK_LEAST: usize = 4_096;

/// The most links that this distinguishes; a computer is on a few.
const LINKS: usize = 64;

/// A prefix shorter than this is not a link, but a part of the internet.
const SHORTEST_LINK: u8 = 48;

/// The IPv6 addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    bits: u128,
    length: u8,
}

impl Prefix {
    /// The prefix of `ip` with this many bits, 128 at most.
    #[must_use]
    pub fn new(ip: Ipv6Addr, length: u8) -> Self {
        let length = length.min(128);
        let bits = u128::from(ip) & mask(length);
        Self { bits, length }
    }

    /// The prefix of an IPv6 address of this computer.
    #[must_use]
    pub fn of(address: &LocalAddress) -> Option<Self> {
        match address.ip {
            IpAddr::V6(ip) => Some(Self::new(ip, address.prefix_len)),
            IpAddr::V4(_) => None,
        }
    }

    /// Whether the address begins with this prefix.
    #[must_use]
    pub fn contains(&self, ip: Ipv6Addr) -> bool {
        u128::from(ip) & mask(self.length) == self.bits
    }
}

/// A mask with this many bits set from the left.
fn mask(length: u8) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(length.into()))
        .unwrap_or(0)
}

/// The /64 of an IPv6 address, by the first address in it.
#[must_use]
pub fn network_of(ip: Ipv6Addr) -> IpAddr {
    Ipv6Addr::from(u128::from(ip) & mask(64)).into()
}

/// The IPv6 links of this computer, 64 at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<Prefix>);

impl FromIterator<Prefix> for Links {
    fn from_iter<T: IntoIterator<Item = Prefix>>(prefixes: T) -> Self {
        let mut links = Vec::new();
        for prefix in prefixes {
            // A prefix of 128 bits is a computer, not a link.
            let is_link = (SHORTEST_LINK..128).contains(&prefix.length);
            if is_link && !links.contains(&prefix) && links.len() < LINKS {
                links.push(prefix);
            }
        }
        Self(links)
    }
}

/// The subscriber that a connection counts for. The server computes it once and stores it
/// with the connection: the links may have changed when the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber {
    /// The address that it counts under: an IPv4 address, a computer on a link of this
    /// one, or the /64 of a distant address.
    pub key: IpAddr,
    /// The /64 of the computer if it is on a link of this one, by the first address in
    /// it.
    pub link: Option<IpAddr>,
}

impl Links {
    /// The subscriber that a connection from this address counts for.
    #[must_use]
    pub fn subscriber(&self, ip: IpAddr) -> Subscriber {
        let (key, link) = match ip.to_canonical() {
            IpAddr::V6(ip) => {
                let network = network_of(ip);
                if ip.is_loopback() {
                    (ip.into(), None)
                } else if self.is_local(ip) {
                    (ip.into(), Some(network))
                } else {
                    (network, None)
                }
            }
            v4 @ IpAddr::V4(_) => (v4, None),
        };
        Subscriber { key, link }
    }

    /// Whether each address there is a computer of its own.
    fn is_local(&self, ip: Ipv6Addr) -> bool {
        ip.is_unicast_link_local()
            || ip.is_unique_local()
            || self.0.iter().any(|prefix| prefix.contains(ip))
    }
}

impl Subscriber {
    /// The addresses that a connection counts under, with the limit of each; `limit` is
    /// the most from one address, and 0 means no limit.
    pub fn limits(&self, limit: usize) -> impl Iterator<Item = (IpAddr, usize)> + use<> {
        let for_link = match limit {
            0 => 0,
            _ => limit.saturating_mul(LINK_FACTOR).max(LINK_LEAST),
        };
        let link = self.link.map(|link| (link, for_link));
        [(self.key, limit)].into_iter().chain(link)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(prefixes: &[&str]) -> Links {
        let prefixes = prefixes.iter().map(|written| {
            let (ip, length) = written.split_once('/').unwrap();
            Prefix::new(ip.parse().unwrap(), length.parse().unwrap())
        });
        prefixes.collect()
    }

    fn counted(links: &Links, ip: &str) -> (String, Option<String>) {
        let it = links.subscriber(ip.parse().unwrap());
        (it.key.to_string(), it.link.map(|it| it.to_string()))
    }

    #[test]
    fn from_afar_an_address_of_ipv6_counts_as_its_64_bit_prefix() {
        let links = links(&["2001:db8:9::/64"]);
        for (ip, subscriber) in [
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:9:1::1", "2001:db8:9:1::"),
            ("::1", "::1"),
        ] {
            assert_eq!(counted(&links, ip), (subscriber.to_owned(), None));
        }
    }

    #[test]
    fn on_a_local_link_each_address_counts_by_itself_and_the_link_as_a_whole() {
        let links = links(&["2001:db8:9::/64", "2001:db8:a::1/128", "2000::/3"]);
        for (ip, link) in [
            ("2001:db8:9::5", "2001:db8:9::"),
            ("fe80::5", "fe80::"),
            ("fd00:1:2:3::5", "fd00:1:2:3::"),
        ] {
            let wanted = (ip.to_owned(), Some(link.to_owned()));
            assert_eq!(counted(&links, ip), wanted);
        }
        // Neither is a link.
        assert_eq!(counted(&links, "2001:db8:a::1").1, None);
        assert_eq!(counted(&links, "2001:db8:b::1").1, None);
    }

    #[test]
    fn a_link_may_have_many_times_the_connections_of_an_address() {
        let limits = |ip: &str, limit| {
            let subscriber = Links::default().subscriber(ip.parse().unwrap());
            subscriber
                .limits(limit)
                .map(|(_, limit)| limit)
                .collect::<Vec<_>>()
        };
        assert_eq!(limits("192.0.2.1", 256), [256]);
        assert_eq!(limits("fe80::1", 256), [256, 4_096]);
        assert_eq!(limits("fe80::1", 1), [1, 4_096]);
        assert_eq!(limits("fe80::1", 1_000), [1_000, 16_000]);
        assert_eq!(limits("fe80::1", 0), [0, 0]);
    }

    #[test]
    fn however_many_prefixes_there_are_few_are_links() {
        let many = (0..10_000_u128).map(|n| Prefix::new(Ipv6Addr::from(n << 64), 64));
        assert_eq!(many.collect::<Links>().0.len(), LINKS);
    }

    proptest! {
        #[test]
        fn a_prefix_has_the_addresses_that_begin_with_it(bits: u128, length in 0..=128_u8) {
            let prefix = Prefix::new(Ipv6Addr::from(bits), length);
            prop_assert!(prefix.contains(Ipv6Addr::from(bits)));
            if length > 0 {
                let other = bits ^ (1 << (128 - u32::from(length)));
                prop_assert!(!prefix.contains(Ipv6Addr::from(other)));
            }
        }
    }
}
