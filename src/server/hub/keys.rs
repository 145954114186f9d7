//! The keys of a room: who proves one of them may join, or is the host.

use std::io;
use std::sync::Arc;

use crate::protocol::invitation::{Invitation, MORE_ADDRESSES};
use crate::protocol::proof::{Label, Nonce};
use crate::room::{self, KEY_BYTES, RoomKey};

use super::core::Hub;

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

impl Hub {
    /// The keys at this moment. Takes no lock: proofs are verified outside of all of them.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// A nonce for the challenge of one connection.
    ///
    /// # Errors
    /// If the kernel provides no random numbers.
    // As with `new_token`.
    #[expect(clippy::unused_self)]
    pub fn new_nonce(&self) -> io::Result<Nonce> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Nonce(bytes))
    }

    /// An invitation to the room: the addresses where others can join, the server's pin,
    /// and the key if the room is private; with the host key for `host`. `None` if no
    /// address is known.
    pub fn invitation(&self, host: bool) -> Option<Invitation> {
        let addresses = self.surroundings.addresses();
        let (first, more) = addresses.split_first()?;
        let keys = self.keys();
        let is_private = self.live().private;
        let mut invitation = Invitation::to(first.clone());
        invitation.more = more.iter().take(MORE_ADDRESSES).cloned().collect();
        invitation.pin = Some(self.tls.identity().pin());
        invitation.key = is_private.then(|| keys.key.clone());
        invitation.host_key = host.then(|| keys.host_key.clone());
        Some(invitation)
    }
}
