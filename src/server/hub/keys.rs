//! The keys of a room: who proves one of them may join, or is the host.

use std::io;

use crate::protocol::proof::Label;
use crate::room::{self, KEY_BYTES, RoomKey};

/// The keys of a room. Nobody changes them: another pair replaces them.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Whoever proves it may join the room while it is private.
    pub key: RoomKey,
    /// Whoever proves it is a host.
    pub host_key: RoomKey,
}

/// The key that a connection has proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// The room's key.
    Member,
    /// The host key, which lets it join as well.
    Host,
}

impl Proven {
    /// What a proof of this must be labelled with.
    pub const fn label(self) -> Label {
        match self {
            Self::Member => Label::Member,
            Self::Host => Label::Host,
        }
    }
}

impl Keys {
    /// The keys as the room has them.
    pub fn of_room(&self) -> room::Keys {
        room::Keys {
            key: Some(self.key.clone()),
            host_key: Some(self.host_key.clone()),
        }
    }

    /// The key of which this is a proof.
    pub const fn of(&self, proven: Proven) -> &RoomKey {
        match proven {
            Proven::Member => &self.key,
            Proven::Host => &self.host_key,
        }
    }
}

/// A key that nobody can guess.
///
/// # Errors
/// If the kernel provides no random numbers.
pub fn random_key() -> io::Result<RoomKey> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(RoomKey::from_random(bytes))
}
