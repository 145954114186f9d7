//! The places where servers are met: which of them stay, and which are given to others.

use std::net::IpAddr;

use crate::protocol::address::Address;

/// A place where a server was met, written in one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The name of a host, or a public address: the same server is expected there again.
    Fixed(String),
    /// An address within a network, or of this computer: another computer may have it
    /// tomorrow, or it is another one in another network.
    Reused(String),
}

impl Place {
    pub fn of(address: &Address) -> Self {
        let host = address.host.to_ascii_lowercase();
        let (ip, _zone) = host.split_once('%').unwrap_or((&host, ""));
        match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) if is_reused(ip.into()) => {
                Self::Reused(written(&ip.to_string(), address.port))
            }
            Ok(ip) if is_reused(ip) => Self::Reused(written(&host, address.port)),
            // Another form of the same address is the same place.
            Ok(ip) => Self::Fixed(written(&ip.to_string(), address.port)),
            Err(_) => {
                let host = host.trim_end_matches('.');
                let place = written(host, address.port);
                if host == "localhost" || host.ends_with(".localhost") {
                    Self::Reused(place)
                } else {
                    Self::Fixed(place)
                }
            }
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Fixed(place) | Self::Reused(place) => place,
        }
    }
}

fn written(host: &str, port: u16) -> String {
    Address::new(host, port).to_string()
}

/// Whether networks give this address to one computer after the other. No computer has the
/// unspecified one; a connection to it arrives at this computer.
fn is_reused(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || ip.is_unspecified()
        }
        IpAddr::V6(ip) => {
            ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_loopback()
                || ip.is_unspecified()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        Place::of(&address.parse().unwrap())
    }

    #[test]
    fn addresses_that_networks_give_away_are_told_apart_from_those_that_stay() {
        for address in [
            "10.0.0.5",
            "172.31.0.1:4000",
            "192.168.1.5",
            "169.254.3.3",
            "127.0.0.1",
            "0.0.0.0",
            "[::ffff:192.168.1.5]",
            "[fe80::1%eth0]",
            "[fd00::1]",
            "[::1]",
            "localhost",
            "LocalHost.",
            "room.localhost",
        ] {
            assert!(matches!(place(address), Place::Reused(_)), "{address}");
        }
        for address in [
            "example.org",
            "office",
            "ada.local",
            "notlocalhost",
            "172.32.0.1",
            "192.0.2.7",
            "[2001:db8::1]",
        ] {
            assert!(matches!(place(address), Place::Fixed(_)), "{address}");
        }
    }

    #[test]
    fn a_place_has_one_form() {
        for (one, other) in [
            ("Example.ORG.", "example.org:53000"),
            ("[2001:DB8:0:0::1]:4000", "[2001:db8::1]:4000"),
            ("[::ffff:192.0.2.7]", "192.0.2.7"),
            ("[::ffff:192.168.1.5]", "192.168.1.5"),
        ] {
            assert_eq!(place(one), place(other));
        }
        assert_ne!(place("example.org:4000"), place("example.org"));
    }
}
