//! Which server a client trusts, and what it may tell it. Does no I/O.
//!
//! - Where a pin is expected, no other server is told anything, not even in an encrypted
//!   connection.
//! - Where none is expected, the client asks for the name of the room before it says who
//!   it is: a known name from an unknown server is another identity too.
//! - What an earlier connection left, such as the token of a session, goes only to the
//!   server that it comes from.

use crate::protocol::Pin;
use crate::protocol::address::Address;

use super::end::End;
use super::event::{Security, Trust};
use super::known_rooms::KnownRooms;
use super::settings::{Encryption, Settings};

/// An address to try, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    pub address: Address,
    /// Whether the client speaks TLS there.
    pub encrypted: bool,
    /// The server that has to answer.
    pub expected: Option<Expected>,
    /// Whether a server that does not speak TLS is asked again without.
    pub may_be_plain: bool,
}

/// A server that has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub pin: Pin,
    /// The name of its room, as far as the client knows it.
    pub room: Option<String>,
}

impl Expected {
    /// The end that it means if another server answers.
    pub fn other(&self, found: Pin) -> End {
        End::OtherIdentity {
            room: self.room.clone(),
            expected: self.pin,
            found,
        }
    }
}

/// A server that answers: how the client knows it, before the server has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    /// Its pin; `None` without encryption.
    pub pin: Option<Pin>,
    /// Whether the client expected this very server, or met it at this address before.
    pub verified: Option<Trust>,
    /// Whether the server has to tell the name of its room first.
    pub is_asked: bool,
    /// Whether it may get what an earlier connection or run of the program left.
    pub may_resume: bool,
}

/// What a client knows about servers.
#[derive(Debug, Default)]
pub(super) struct TrustStore {
    /// The servers that the user has met.
    pub known: KnownRooms,
    /// How this session was protected when the client was in the room.
    session: Option<Security>,
}

impl TrustStore {
    /// Whether the client knows which server it comes back to.
    pub const fn knows_its_server(&self) -> bool {
        matches!(self.session, Some(Security::Tls { .. }))
    }

    /// The addresses to try, in order.
    pub fn goals(&self, settings: &Settings) -> Vec<Goal> {
        // Without a pin or a key nobody could tell whether they lead to the same server.
        let is_told_apart =
            settings.pin.is_some() || settings.key.is_some() || settings.host_key.is_some();
        let more = settings.more_addresses.iter().filter(|_| is_told_apart);
        let addresses = std::iter::once(&settings.address).chain(more);
        addresses.map(|it| self.goal(settings, it)).collect()
    }

    fn goal(&self, settings: &Settings, address: &Address) -> Goal {
        let encrypted = settings.encryption == Encryption::Tls;
        let pin = match self.session {
            Some(Security::Tls { pin, .. }) => Some(pin),
            _ => settings.pin,
        };
        let pin = pin.or_else(|| self.known.expected(address).map(|it| it.pin));
        let expected = pin.filter(|_| encrypted).map(|pin| Expected {
            pin,
            room: self.room_of(pin),
        });
        let has_key = settings.key.is_some() || settings.host_key.is_some();
        let may_be_plain =
            encrypted && expected.is_none() && !has_key && !self.known.encrypts(address);
        Goal {
            address: address.clone(),
            encrypted,
            expected,
            may_be_plain,
        }
    }

    fn room_of(&self, pin: Pin) -> Option<String> {
        self.known.server(pin)?.rooms.first().cloned()
    }

    /// How the client knows the server with this pin that answers at `address`. Where
    /// another one is expected, the client does not come so far.
    pub fn meet(&self, settings: &Settings, address: &Address, pin: Option<Pin>) -> Met {
        let was_plain = self.session == Some(Security::Plain);
        let verified = pin.and_then(|pin| match self.session {
            Some(Security::Tls { pin: before, trust }) if before == pin => Some(trust),
            _ if settings.pin == Some(pin) => Some(Trust::Pinned),
            _ => self.known.knows(pin, address).then_some(Trust::Known),
        });
        let is_expected = self.goal(settings, address).expected.is_some();
        Met {
            pin,
            verified,
            is_asked: pin.is_some() && !is_expected,
            // Without encryption everyone on the way has it already.
            may_resume: verified.is_some() || was_plain || settings.encryption == Encryption::Plain,
        }
    }

    /// Checks the name of the room that a server has.
    ///
    /// # Errors
    /// If another server is known to have the room of this name.
    pub fn check_room(&self, room: &str, found: Pin) -> Result<(), End> {
        match self.known.other_with_room(room, found) {
            Some(other) => Err(End::OtherIdentity {
                room: Some(room.to_owned()),
                expected: other.pin,
                found,
            }),
            None => Ok(()),
        }
    }

    /// Why the client trusts a server that it has met, if the server has not `proved` that
    /// it knows the key.
    pub fn trust(&self, met: &Met, pin: Pin, proved: bool) -> Trust {
        let is_known = self.known.server(pin).is_some();
        let otherwise = if proved {
            Trust::Key
        } else if is_known {
            Trust::Known
        } else {
            Trust::FirstUse
        };
        met.verified.unwrap_or(otherwise)
    }

    /// The client is in the room, protected so.
    pub const fn joined(&mut self, security: Security) {
        self.session = Some(security);
    }
}
