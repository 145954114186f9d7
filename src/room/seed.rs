//! The secret of a room, from which all its hashes and draws follow.

use std::fmt;

use siphasher::sip::SipHasher13;

/// The secret of a room: 128 random bits that the caller draws once. Two rooms with the
/// same seed that apply the same commands are the same; whoever does not know it cannot
/// foresee the room's draws, or choose texts whose hashes meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 16]);

impl Seed {
    /// The seed of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// A keyed hash of its own for each `purpose`.
    pub(super) fn hash_for(self, purpose: &str) -> KeyedHash {
        let of_seed = SipHasher13::new_with_key(&self.0);
        let mut key = [0; 16];
        let (first, second) = key.split_at_mut(8);
        for (half, number) in [(first, b'1'), (second, b'2')] {
            let text = [purpose.as_bytes(), &[number]].concat();
            half.copy_from_slice(&of_seed.hash(&text).to_le_bytes());
        }
        KeyedHash(SipHasher13::new_with_key(&key))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A hash with a secret key (SipHash-1-3, as the standard library uses), the same on
/// every computer.
#[derive(Clone, Copy)]
pub(super) struct KeyedHash(SipHasher13);

impl KeyedHash {
    /// The hash of these bytes.
    pub(super) fn of(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(..)")
    }
}
