//! The addresses that begin with the same bits.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    pub(super) fn has_loopback(self) -> bool {
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

#[cfg(test)]
mod tests {
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
