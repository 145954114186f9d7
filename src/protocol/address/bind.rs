//! Addresses of this computer.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::zone;

/// An IP address of this computer to listen on, with the zone that a link-local one
/// needs: `192.168.1.5`, `::1`, `fe80::1%eth0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindAddress {
    ip: IpAddr,
    zone: Option<String>,
}

/// The reason why a text is not an address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABindAddress {
    /// It is not an IP address.
    #[error("this is not an IP address")]
    NoIp,
    /// It is link-local, and does not name its interface.
    #[error("this IP address needs the network interface it belongs to: fe80::1%eth0")]
    NoZone,
}

impl BindAddress {
    /// The address with this port.
    ///
    /// # Errors
    /// If this computer has no network interface with the name of the zone.
    pub fn at(&self, port: u16) -> io::Result<SocketAddr> {
        match (self.ip, &self.zone) {
            (IpAddr::V6(ip), Some(zone)) => {
                if let Ok(number) = zone.parse() {
                    return Ok(SocketAddrV6::new(ip, port, 0, number).into());
                }
                // The system knows the numbers of the interfaces; no query leaves the
                // computer.
                let found = (format!("{ip}%{zone}").as_str(), port).to_socket_addrs();
                let found = found.ok().and_then(|mut found| found.next());
                found.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
            }
            (ip, _) => Ok(SocketAddr::new(ip, port)),
        }
    }

    /// The address without its zone.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }
}

impl From<IpAddr> for BindAddress {
    fn from(ip: IpAddr) -> Self {
        Self { ip, zone: None }
    }
}

impl FromStr for BindAddress {
    type Err = NotABindAddress;

    fn from_str(written: &str) -> Result<Self, NotABindAddress> {
        if let Some((ip, zone)) = zone::split(written) {
            if zone.is_none() && ip.is_unicast_link_local() {
                return Err(NotABindAddress::NoZone);
            }
            return Ok(Self {
                ip: ip.into(),
                zone: zone.map(str::to_owned),
            });
        }
        let ip: IpAddr = written.parse().map_err(|_| NotABindAddress::NoIp)?;
        Ok(ip.into())
    }
}

impl<'de> Deserialize<'de> for BindAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = BindAddress;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an IP address")
            }

            // Parsed here, so that an error names its place in the file.
            fn visit_str<E: de::Error>(self, written: &str) -> Result<BindAddress, E> {
                written.parse().map_err(E::custom)
            }
        }

        from.deserialize_str(Written)
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}%{zone}", self.ip),
            None => self.ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<BindAddress, NotABindAddress> {
        written.parse()
    }

    #[test]
    fn an_address_keeps_its_zone() {
        for written in [
            "192.168.1.5",
            "::1",
            "::",
            "fe80::1%eth0",
            "fe80::1%2",
            "fe80::1%wlp0s20f3",
        ] {
            assert_eq!(read(written).unwrap().to_string(), written);
        }
        let address = read("fe80::1%7").unwrap().at(53_000).unwrap();
        assert_eq!(address.to_string(), "[fe80::1%7]:53000");
        // Every computer has this interface, as its first.
        let address = read("fe80::1%lo").unwrap().at(53_000).unwrap();
        assert_eq!(address.to_string(), "[fe80::1%1]:53000");
        let missing = read("fe80::1%no-such-one").unwrap().at(1).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::AddrNotAvailable);
    }

    #[test]
    fn a_text_that_is_no_address_of_a_computer_is_an_error() {
        for written in [
            "",
            "x",
            "example.org",
            "1.2.3",
            "::1%",
            "fe80::1%a b",
            "fe80::1%\u{1b}[2J",
            "fe80::1%a/b",
            "fe80::1%25eth0%1",
            "fe80::1%longer-than-names",
            "127.0.0.1%lo",
            "[::1]",
        ] {
            assert_eq!(read(written), Err(NotABindAddress::NoIp), "{written:?}");
        }
        assert_eq!(read("fe80::1"), Err(NotABindAddress::NoZone));
    }
}
