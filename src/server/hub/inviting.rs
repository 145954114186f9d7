//! What lets others in: the keys of the room, nonces for their proofs, and invitations.

use std::io;
use std::sync::Arc;

use crate::protocol::invitation::{Invitation, MORE_ADDRESSES};
use crate::protocol::proof::Nonce;

use super::core::Hub;
use super::keys::Keys;

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
