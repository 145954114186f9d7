//! What ties a member to its connection: a lease for the present one, and the hash of a
//! token for the next one.

use sha2::{Digest as _, Sha256};

use super::entry::MemberId;
use super::event::Why;
use super::time::Time;

/// The hash of a resume token, the secret by which a client comes back. It is enough
/// to recognize the token, but does not reveal it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(
    /// The SHA-256 of the token.
    pub [u8; 32],
);

impl TokenHash {
    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// The first 64 bits, as an index: two hashes do not begin the same way in practice.
    pub(super) fn start(&self) -> u64 {
        let (start, _) = self.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        u64::from_be_bytes(*start)
    }
}

/// The right of one connection to act for a member. It ends when the connection is
/// lost, or when another connection takes the member over. After that, any use of it has
/// no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The member.
    pub id: MemberId,
    /// Counts the leases of the member.
    generation: u64,
}

/// What ties a member to its present connection, or to the next one.
#[derive(Debug)]
pub(super) struct Attachment {
    /// The hash of its token. A member without one cannot come back.
    pub(super) token: Option<TokenHash>,
    /// The number of the valid lease, or of the next one if the member is away.
    pub(super) generation: u64,
    /// When the member's current or last connection was opened; `None` for its first.
    pub(super) opened: Option<Time>,
    /// Set while the member is away.
    pub(super) absence: Option<Box<Absence>>,
}

impl Attachment {
    pub(super) fn new(token: Option<TokenHash>) -> Self {
        Self {
            token,
            generation: 0,
            opened: None,
            absence: None,
        }
    }

    pub(super) const fn is_away(&self) -> bool {
        self.absence.is_some()
    }

    pub(super) const fn lease(&self, id: MemberId) -> Lease {
        let generation = self.generation;
        Lease { id, generation }
    }

    pub(super) const fn honours(&self, lease: Lease) -> bool {
        self.generation == lease.generation
    }
}

/// The absence of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absence {
    /// The deadline for coming back.
    pub(super) until: Time,
    /// The reason why the connection ended.
    pub(super) why: Why,
}
