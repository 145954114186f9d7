//! The address of a room, as people write it and links carry it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::DEFAULT_PORT;

/// The scheme of a link to a room.
pub const SCHEME: &str = "chatroom";

/// The host of a room, unless another is asked for.
pub const DEFAULT_HOST: &str = "localhost";

/// Where a room is: `host`, `host:port`, `[v6]:port` or a `chatroom://` link
/// with one of these (RFC 3986, section 3.2).
///
/// ```
/// use chatroom::wire::address::Address;
///
/// let address: Address = "chatroom://example.org:4000/#later".parse().unwrap();
/// assert_eq!((address.host.as_str(), address.port), ("example.org", 4000));
/// assert_eq!("[::1]".parse::<Address>().unwrap().to_string(), "[::1]:53000");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// What a link says behind `?`; kept for later use.
    pub parameters: Option<String>,
    /// What a link says behind `#`; kept for later use.
    pub fragment: Option<String>,
}

impl Default for Address {
    fn default() -> Self {
        Self::new(DEFAULT_HOST, DEFAULT_PORT)
    }
}

/// Why something is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// The port is not one.
    #[error("“{0}” is not a port: a number from 1 to 65535 is")]
    Port(String),
    /// The host is not one.
    #[error("“{0}” is not the name or the IP address of a computer")]
    Host(String),
    /// It is a link of another kind.
    #[error("“{0}://” is not the start of a link to a room: “{SCHEME}://” is")]
    Scheme(String),
}

impl Address {
    /// The address of `host` and `port`.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            parameters: None,
            fragment: None,
        }
    }
}

impl Address {
    /// Reads an address, and tells whether a port was written in it. An empty one,
    /// and an empty part of one, means the default.
    ///
    /// # Errors
    /// What in it is no part of an address.
    pub fn read(written: &str) -> Result<(Self, bool), NotAnAddress> {
        let written = written.trim();
        let (rest, parameters, fragment) = match written.split_once("://") {
            None => (written, None, None),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
                let (rest, fragment) = cut(rest, '#');
                let (rest, parameters) = cut(rest, '?');
                (cut(rest, '/').0, parameters, fragment)
            }
            Some((scheme, _)) => return Err(NotAnAddress::Scheme(scheme.to_owned())),
        };
        let (host, port) = split_port(rest)?;
        let port_written = port.is_some_and(|port| !port.trim().is_empty());
        let address = Self {
            host: if host.is_empty() { DEFAULT_HOST } else { host }.to_owned(),
            port: port.map_or(Ok(DEFAULT_PORT), parse_port)?,
            parameters: parameters.map(str::to_owned),
            fragment: fragment.map(str::to_owned),
        };
        Ok((address, port_written))
    }

    /// The address as a link, with all that was kept for later use.
    #[must_use]
    pub fn to_link(&self) -> String {
        let mut link = format!("{SCHEME}://{self}");
        for (sign, kept) in [("?", &self.parameters), ("#", &self.fragment)] {
            if let Some(kept) = kept {
                link += sign;
                link += kept;
            }
        }
        link
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// As [`Address::read`].
    fn from_str(written: &str) -> Result<Self, NotAnAddress> {
        Self::read(written).map(|(address, _)| address)
    }
}

/// What comes before `at`, and what comes after it if it is there.
fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The host and, if there is one, the port.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), NotAnAddress> {
    let bad_host = || NotAnAddress::Host(authority.to_owned());
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad_host)?;
        if !is_v6(host) {
            return Err(bad_host());
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(bad_host()),
        };
    }
    if is_v6(authority) {
        return Ok((authority, None));
    }
    let (host, port) = cut(authority, ':');
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !host.chars().all(fits) || host.len() > 253 {
        return Err(bad_host());
    }
    Ok((host, port))
}

/// Whether it is an IPv6 address, with a zone or without (RFC 4007, section 11).
fn is_v6(host: &str) -> bool {
    cut(host, '%').0.parse::<Ipv6Addr>().is_ok()
}

/// Reads a port; an empty one is the default.
///
/// # Errors
/// If it is not a number from 1 to 65535.
pub fn parse_port(written: &str) -> Result<u16, NotAnAddress> {
    match written.trim() {
        "" => Ok(DEFAULT_PORT),
        port if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => Err(NotAnAddress::Port(port.to_owned())),
            Ok(port) => Ok(port),
        },
        port => Err(NotAnAddress::Port(port.to_owned())),
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        match address.ip() {
            // With its zone.
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                let text = address.to_string();
                let host = text.strip_prefix('[').and_then(|it| it.split_once(']'));
                Self::new(host.map_or("", |(host, _)| host), address.port())
            }
            ip => Self::new(ip.to_canonical().to_string(), address.port()),
        }
    }
}

impl fmt::Display for Address {
    /// `host:port`, also for the default port: it is what one dictates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(written: &str) -> (String, u16) {
        let address: Address = written.parse().unwrap_or_else(|error| panic!("{error}"));
        (address.host, address.port)
    }

    #[test]
    fn every_way_to_write_an_address_is_read() {
        for (written, host, port) in [
            ("", "localhost", 53000),
            ("example.org", "example.org", 53000),
            (" example.org:4000 ", "example.org", 4000),
            ("example.org:", "example.org", 53000),
            (":4000", "localhost", 4000),
            ("192.168.1.5:1", "192.168.1.5", 1),
            ("::1", "::1", 53000),
            ("[::1]", "::1", 53000),
            ("[fe80::1%eth0]:4000", "fe80::1%eth0", 4000),
            ("chatroom://example.org", "example.org", 53000),
            ("CHATROOM://[2001:db8::1]:4000/", "2001:db8::1", 4000),
            (
                "chatroom://example.org:4000/room?x=1#y",
                "example.org",
                4000,
            ),
            ("bücher.example", "bücher.example", 53000),
        ] {
            assert_eq!(read(written), (host.to_owned(), port), "{written:?}");
        }
    }

    #[test]
    fn a_link_keeps_what_later_versions_may_use() {
        let address: Address = "chatroom://host?pin=1&x#fp".parse().unwrap();
        assert_eq!(address.parameters.as_deref(), Some("pin=1&x"));
        assert_eq!(address.fragment.as_deref(), Some("fp"));
        assert_eq!(address.to_link(), "chatroom://host:53000?pin=1&x#fp");
        assert_eq!(address.to_link().parse(), Ok(address));
    }

    #[test]
    fn a_port_that_is_written_is_told_from_the_default() {
        let written = |written| Address::read(written).map(|(_, port)| port);
        assert_eq!(written("host:53000"), Ok(true));
        assert_eq!(written("[::1]:1"), Ok(true));
        assert_eq!(written("host"), Ok(false));
        assert_eq!(written("host:"), Ok(false));
    }

    #[test]
    fn what_is_not_an_address_is_told() {
        for written in [
            "http://example.org",
            "example.org:0",
            "example.org:65536",
            "example.org:-1",
            "a b",
            "example.org:+80",
            "[::1",
            "[::1]4000",
            "[example.org]:1",
            "a:1:2",
            "user@host",
            "host/path",
        ] {
            assert!(written.parse::<Address>().is_err(), "{written:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_panics_and_a_good_one_is_written_as_it_is_read(written in ".{0,40}") {
            if let Ok(address) = written.parse::<Address>() {
                let again: Address = address.to_string().parse().unwrap();
                prop_assert_eq!((again.host, again.port), (address.host, address.port));
            }
        }
    }
}
