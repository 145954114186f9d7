//! Invitations: links that say where a room is, how its server is known again, and what
//! lets someone in.
//!
//! ```text
//! chatroom://192.168.1.5:53000#p=PIN&k=KEY&a=10.0.0.5
//! ```
//!
//! Everything secret is in the fragment, which no program sends to a server.

use std::fmt;
use std::str::FromStr;

use crate::room::RoomKey;

use super::Pin;
use super::address::{Address, NotAnAddress, SCHEME, in_a_link};

/// The most further addresses in an invitation.
pub const MORE_ADDRESSES: usize = 4;

/// The most bytes of an invitation.
pub const INVITATION_LIMIT: usize = 2_048;

/// An invitation. With a key in it, it is a secret: its [`Debug`] output hides the keys,
/// and only [`link`](Self::link) shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invitation {
    /// The address of the room.
    pub address: Address,
    /// Further addresses of the same server, at most [`MORE_ADDRESSES`].
    pub more: Vec<Address>,
    /// The pin of the server.
    pub pin: Option<Pin>,
    /// The key of the room, if it is private.
    pub key: Option<RoomKey>,
    /// The key by which the host shows to be the host.
    pub host_key: Option<RoomKey>,
    /// What this version does not know, kept as it was.
    unknown: Unknown,
}

/// The parts of a link that this version does not know.
#[derive(Clone, Default, PartialEq, Eq)]
struct Unknown {
    /// The part after `?`.
    parameters: Option<String>,
    /// The parts of the fragment.
    parts: Vec<String>,
}

impl fmt::Debug for Unknown {
    /// A part may be a secret of a later version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} parts",
            self.parts.len() + usize::from(self.parameters.is_some())
        )
    }
}

/// The reason why a text is no invitation. Shows nothing that could be a part of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnInvitation {
    /// The address is not valid.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
    /// The key or the pin is not whole, or is not one.
    #[error("this invitation is incomplete or damaged; copy the whole link, or ask for it again")]
    Damaged,
    /// It is longer than [`INVITATION_LIMIT`].
    #[error("this link is too long to be an invitation")]
    TooLong,
}

impl Invitation {
    /// An invitation to a room that anyone may join, whose server is not known.
    #[must_use]
    pub fn to(address: Address) -> Self {
        Self {
            address,
            ..Self::default()
        }
    }

    /// The link. A secret, if there is a key in it.
    #[must_use]
    pub fn link(&self) -> String {
        let mut link = self.address.to_link();
        if let Some(parameters) = &self.unknown.parameters {
            link += "?";
            link += parameters;
        }
        let pin = self.pin.iter().map(|pin| format!("p={pin}"));
        let key = self.key.iter().map(|key| format!("k={}", key.secret()));
        let host_key = self
            .host_key
            .iter()
            .map(|key| format!("h={}", key.secret()));
        let more = self.more.iter().take(MORE_ADDRESSES);
        let more = more.map(|address| format!("a={}", address.in_a_link()));
        let parts = pin.chain(key).chain(host_key).chain(more);
        let parts: Vec<String> = parts.chain(self.unknown.parts.iter().cloned()).collect();
        if !parts.is_empty() {
            link += "#";
            link += &parts.join("&");
        }
        link
    }

    /// Whether it lets someone in who would not be let in without it.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.key.is_some() || self.host_key.is_some()
    }

    /// Reads an invitation, or an address alone, and returns whether it contained a port.
    ///
    /// # Errors
    /// If a part of it is not valid.
    pub fn read(written: &str) -> Result<(Self, bool), NotAnInvitation> {
        let written = written.trim();
        if written.len() > INVITATION_LIMIT {
            return Err(NotAnInvitation::TooLong);
        }
        let (address, port_written) = Address::read(written)?;
        let mut invitation = Self::to(address);
        if !written.contains("://") {
            return Ok((invitation, port_written));
        }
        let (before, fragment) = written.split_once('#').unwrap_or((written, ""));
        let parameters = before.split_once('?');
        invitation.unknown.parameters = parameters.map(|(_, it)| in_a_link(it));
        for part in fragment.split('&').filter(|part| !part.is_empty()) {
            invitation.take(part)?;
        }
        Ok((invitation, port_written))
    }

    /// Takes a part of the fragment. If there are two of a kind, the first one counts.
    fn take(&mut self, part: &str) -> Result<(), NotAnInvitation> {
        let damaged = |_| NotAnInvitation::Damaged;
        match part.split_once('=') {
            Some(("p", pin)) if self.pin.is_none() => {
                self.pin = Some(pin.parse().map_err(|_| NotAnInvitation::Damaged)?);
            }
            Some(("k", key)) if self.key.is_none() => {
                self.key = Some(key.parse().map_err(damaged)?);
            }
            Some(("h", key)) if self.host_key.is_none() => {
                self.host_key = Some(key.parse().map_err(damaged)?);
            }
            Some(("a", address)) if self.more.len() < MORE_ADDRESSES => {
                let link = format!("{SCHEME}://{address}");
                let address = link.parse().map_err(|_| NotAnInvitation::Damaged)?;
                self.more.push(address);
            }
            Some(("p" | "k" | "h" | "a", _)) => {}
            _ => self.unknown.parts.push(in_a_link(part)),
        }
        Ok(())
    }
}

impl FromStr for Invitation {
    type Err = NotAnInvitation;

    /// As [`Invitation::read`].
    fn from_str(written: &str) -> Result<Self, NotAnInvitation> {
        Self::read(written).map(|(invitation, _)| invitation)
    }
}

impl From<Address> for Invitation {
    fn from(address: Address) -> Self {
        Self::to(address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIN: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    fn read(written: &str) -> Invitation {
        written.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_link_has_all_that_lets_someone_in() {
        let link = format!(
            "chatroom://192.168.1.5:53000#p={PIN}&k=abcdefghijklmnop&a=10.0.0.5:53000&a=[fe80::1%25eth0]:9"
        );
        let invitation = read(&link);
        assert_eq!(invitation.address.to_string(), "192.168.1.5:53000");
        assert_eq!(invitation.pin.unwrap().to_string(), PIN);
        assert_eq!(
            invitation.key.as_ref().unwrap().secret(),
            "abcdefghijklmnop"
        );
        let more: Vec<_> = invitation.more.iter().map(Address::to_string).collect();
        assert_eq!(more, ["10.0.0.5:53000", "[fe80::1%eth0]:9"]);
        assert!(invitation.is_secret());
        assert_eq!(invitation.link(), link);
    }

    #[test]
    fn an_address_alone_is_an_invitation_to_a_room_for_everyone() {
        for written in ["", "example.org", "chatroom://example.org/", "[::1]:9"] {
            let invitation = read(written);
            assert_eq!(invitation.pin, None, "{written}");
            assert!(!invitation.is_secret(), "{written}");
        }
        // Not a link: there is no fragment.
        assert!(
            "example.org#k=abcdefghijklmnop"
                .parse::<Invitation>()
                .is_err()
        );
    }

    #[test]
    fn what_later_versions_add_is_kept() {
        let link = format!("chatroom://h:1?x=1#p={PIN}&k=abcdefghijklmnop&z=%20&new");
        assert_eq!(read(&link).link(), link);
    }

    #[test]
    fn nothing_of_a_link_acts_on_a_terminal() {
        assert_eq!(
            read("chatroom://host?a\u{1b}[2J#\u{202e}\n é").link(),
            "chatroom://host:53000?a%1B[2J#%E2%80%AE%0A%20é"
        );
    }

    #[test]
    fn of_two_parts_the_first_counts_and_further_addresses_have_an_end() {
        let two = read("chatroom://h#k=abcdefghijklmnop&k=bbbbbbbbbbbbbbbb");
        assert_eq!(two.key.unwrap().secret(), "abcdefghijklmnop");
        let many = read(&format!("chatroom://h#{}", "a=x&".repeat(100)));
        assert_eq!(many.more.len(), MORE_ADDRESSES);
    }

    #[test]
    fn a_damaged_link_is_told_without_its_key() {
        for link in [
            "chatroom://h#k=abcdefghijklmno",
            "chatroom://h#p=abc",
            "chatroom://h#h=secret",
            "chatroom://h#a=:x",
        ] {
            let error = link.parse::<Invitation>().unwrap_err();
            assert_eq!(error, NotAnInvitation::Damaged, "{link}");
            assert!(!error.to_string().contains("abc"), "{error}");
        }
        let long = format!("chatroom://h#{}", "z".repeat(INVITATION_LIMIT));
        assert_eq!(long.parse::<Invitation>(), Err(NotAnInvitation::TooLong));
    }

    #[test]
    fn nothing_but_the_link_shows_a_key() {
        let invitation = read("chatroom://h#k=abcdefghijklmnop&h=bbbbbbbbbbbbbbbb&s=secretsecret");
        let shown = format!("{invitation:?}");
        for secret in ["abcdef", "bbbbbb", "secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn no_link_panics_and_a_link_is_read_back(text in "(chatroom://)?[a-z0-9.:\\[\\]%?#&=/ é]{0,80}") {
            if let Ok(invitation) = text.parse::<Invitation>() {
                prop_assert_eq!(invitation.link().parse(), Ok(invitation));
            }
        }
    }
}
