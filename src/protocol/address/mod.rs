//! The address of a room, as people write it and as links contain it.

mod bind;
mod zone;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

pub use self::bind::{BindAddress, NotABindAddress};

use super::DEFAULT_PORT;
use crate::room::clean_room_name;

/// The scheme of a link to a room.
pub const SCHEME: &str = "chatroom";

/// The most bytes of the name of a host (RFC 1035, section 2.3.4).
const HOST_LIMIT: usize = 253;

/// The default host of a room.
pub const DEFAULT_HOST: &str = "localhost";

/// The address of a room: `host`, `host:port`, `[v6]:port` or a `chatroom://` link
/// with one of these (RFC 3986, section 3.2). The rest of a link is for an
/// [`Invitation`](super::invitation::Invitation).
///
/// ```
/// use chatroom::protocol::address::Address;
///
/// let address: Address = "chatroom://example.org:4000/".parse().unwrap();
/// assert_eq!((address.host.as_str(), address.port), ("example.org", 4000));
/// assert_eq!("[::1]".parse::<Address>().unwrap().to_string(), "[::1]:53000");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name in the form for lookup (`xn--bcher-kva.example` for `bücher.example`), or
    /// an IP address, without brackets and with its zone (`fe80::1%eth0`).
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Default for Address {
    fn default() -> Self {
        Self::new(DEFAULT_HOST, DEFAULT_PORT)
    }
}

/// The reason why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// The port is not valid.
    #[error("“{0}” is not a port; a port is a number from 1 to 65535")]
    Port(String),
    /// The host is not valid.
    #[error("“{0}” is not the name or the IP address of a computer")]
    Host(String),
    /// It is a link with another scheme.
    #[error("“{0}://” does not begin a link to a room; such a link begins with “{SCHEME}://”")]
    Scheme(String),
}

impl Address {
    /// The address of `host` and `port`.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl Address {
    /// Reads an address, and returns whether it contained a port. An empty one, and an
    /// empty part of one, means the default.
    ///
    /// # Errors
    /// If a part of it is not valid.
    pub fn read(written: &str) -> Result<(Self, bool), NotAnAddress> {
        let written = written.trim();
        let rest = match written.split_once("://") {
            None => written,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
                rest.split(['#', '?', '/']).next().unwrap_or_default()
            }
            Some((scheme, _)) => return Err(NotAnAddress::Scheme(shown(scheme))),
        };
        let is_link = written.contains("://");
        let (host, port) = split_port(rest, is_link)?;
        let port_written = port.is_some_and(|port| !port.trim().is_empty());
        let address = Self {
            host: if host.is_empty() {
                DEFAULT_HOST.to_owned()
            } else {
                host.into_owned()
            },
            port: port.map_or(Ok(DEFAULT_PORT), parse_port)?,
        };
        Ok((address, port_written))
    }

    /// The address as a link.
    #[must_use]
    pub fn to_link(&self) -> String {
        format!("{SCHEME}://{}", self.in_a_link())
    }

    /// The address as it stands in a link: RFC 6874 defines how that writes the sign
    /// before a zone.
    pub(super) fn in_a_link(&self) -> String {
        self.to_string().replacen('%', "%25", 1)
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// As [`Address::read`].
    fn from_str(written: &str) -> Result<Self, NotAnAddress> {
        Self::read(written).map(|(address, _)| address)
    }
}

/// The text before `at`, and the text after it if `at` is there.
fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The host and, if there is one, the port.
fn split_port(
    authority: &str,
    is_link: bool,
) -> Result<(Cow<'_, str>, Option<&str>), NotAnAddress> {
    let bad_host = || NotAnAddress::Host(shown(authority));
    let v6 = |host| {
        let host = zone::decoded(host, is_link);
        zone::split(&host).is_some().then_some(host)
    };
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad_host)?;
        let host = v6(host).ok_or_else(bad_host)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(bad_host()),
        };
    }
    if let Some(host) = v6(authority) {
        return Ok((host, None));
    }
    let (host, port) = cut(authority, ':');
    let host = if is_link {
        unescaped(host)
    } else {
        Some(host.into())
    };
    let host = host.and_then(looked_up).ok_or_else(bad_host)?;
    Ok((host, port))
}

/// The name of a host in the form for lookup: in ASCII (Unicode Technical Standard 46).
/// `None` if it is not a name.
fn looked_up(host: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let host = if host.is_ascii() {
        host
    } else {
        // A longer one is too long in ASCII, too.
        let fits = host.len() <= 4 * HOST_LIMIT;
        let ascii = Uts46::new().to_ascii(
            host.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Allow,
            DnsLength::VerifyAllowRootDot,
        );
        ascii.ok().filter(|_| fits)?.into_owned().into()
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (host.bytes().all(fits) && host.len() <= HOST_LIMIT).then_some(host)
}

/// A part of a link without its percent-encoding (RFC 3986, section 2.1). `None` if
/// the encoding is wrong, or of something other than UTF-8.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let digits = part.get(..2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// `text` as it can stand in a link: this percent-encodes white space and characters that
/// act on a terminal.
pub(super) fn in_a_link(text: &str) -> String {
    let mut link = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_graphic() || (c.is_alphanumeric() && !c.is_ascii()) {
            link.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(link, "%{byte:02X}");
            }
        }
    }
    link
}

/// The part of `written` that can be shown in one line.
fn shown(written: &str) -> String {
    clean_room_name(written).unwrap_or_default()
}

/// Reads a port; an empty one is the default.
///
/// # Errors
/// If it is not a number from 1 to 65535.
pub fn parse_port(written: &str) -> Result<u16, NotAnAddress> {
    match written.trim() {
        "" => Ok(DEFAULT_PORT),
        port if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => Err(NotAnAddress::Port(shown(port))),
            Ok(port) => Ok(port),
        },
        port => Err(NotAnAddress::Port(shown(port))),
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
    /// `host:port`, also for the default port: people read it to each other.
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
            ("bücher.example", "xn--bcher-kva.example", 53000),
            ("BÜCHER.example:1", "xn--bcher-kva.example", 1),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah", 53000),
            ("faß.example", "xn--fa-hia.example", 53000),
            ("１２７.0.0.1", "127.0.0.1", 53000),
            (
                "chatroom://b%C3%BCcher.example:4000",
                "xn--bcher-kva.example",
                4000,
            ),
            ("chatroom://my%5Fhost", "my_host", 53000),
            ("fe80::1%eth0", "fe80::1%eth0", 53000),
            ("[fe80::1%2]:1", "fe80::1%2", 1),
            ("[fe80::1%25eth0]:1", "fe80::1%eth0", 1),
            ("chatroom://[fe80::1%25eth0]", "fe80::1%eth0", 53000),
            ("chatroom://[fe80::1%25eth0]:4000/", "fe80::1%eth0", 4000),
            ("chatroom://[fe80::1%252]", "fe80::1%2", 53000),
            ("chatroom://[fe80::1%eth0]", "fe80::1%eth0", 53000),
        ] {
            assert_eq!(read(written), (host.to_owned(), port), "{written:?}");
        }
    }

    #[test]
    fn of_a_link_the_rest_is_no_part_of_the_address() {
        let address: Address = "chatroom://host/room?pin=1&x#fp".parse().unwrap();
        assert_eq!(address, Address::new("host", 53000));
        assert_eq!(address.to_link(), "chatroom://host:53000");
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
    fn a_text_that_is_no_address_is_an_error() {
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
            "[fe80::1%\u{1b}[2J]:1",
            "[fe80::1%\u{1b}]",
            "fe80::1%",
            "[fe80::1%]",
            "chatroom://[fe80::1%25]x",
            "chatroom://[fe80::1%25%1B]",
            "[fe80::1%a b]",
            "[fe80::1%longer-than-names]",
            "chatroom://a%1b[2J",
            "chatroom://a%00",
            "chatroom://a%2Fb",
            "chatroom://a%zz",
            "chatroom://a%C3",
            "b%C3%BCcher.example",
            "bü cher",
            "bücher\u{202e}",
            "ü..example",
            &"ü".repeat(64),
            &"ü".repeat(100_000),
        ] {
            assert!(written.parse::<Address>().is_err(), "{written:?}");
        }
    }

    #[test]
    fn a_zone_is_written_in_a_link_as_links_have_it() {
        let address: Address = "[fe80::1%eth0]:4000".parse().unwrap();
        assert_eq!(address.to_string(), "[fe80::1%eth0]:4000");
        assert_eq!(address.to_link(), "chatroom://[fe80::1%25eth0]:4000");
        assert_eq!(address.to_link().parse(), Ok(address));
    }

    #[test]
    fn nothing_of_an_address_acts_on_a_terminal() {
        for written in [
            "\u{1b}[2J",
            "a:\u{9b}2J",
            "\u{1b}]0;x\u{7}://a",
            "[\u{202e}",
        ] {
            let why = written.parse::<Address>().unwrap_err().to_string();
            assert!(
                !why.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{why:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_link_is_read_as_it_is_written(
            written in "(chatroom://)?(\\[?(fe80::1|::)(%(25)?[a-z0-9%]{0,4})?\\]?|[a-zü.%C3]{0,9})(:[0-9]{0,3})?([?#].{0,9})?",
        ) {
            if let Ok(address) = written.parse::<Address>() {
                let link = address.to_link();
                prop_assert!(!link.contains(char::is_control));
                prop_assert_eq!(link.parse(), Ok(address));
            }
        }

        #[test]
        fn no_address_panics_and_a_good_one_is_written_as_it_is_read(written in ".{0,40}") {
            if let Ok(address) = written.parse::<Address>() {
                let again: Address = address.to_string().parse().unwrap();
                prop_assert_eq!((again.host, again.port), (address.host, address.port));
            }
        }
    }
}
