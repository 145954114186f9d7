//! The message ids that a member has used, so that the room recognizes a message that a
//! client sends again.

use super::seed::{KeyedHash, Seed};

/// How many ids the room remembers of each member.
pub const RECENT_IDS: usize = 1_024;

/// The last [`RECENT_IDS`] ids of one member, and the `seq` of each. They take no
/// memory for a member that sends nothing, and at most 16 bytes for each id.
///
/// The set stores no ids but 64 bits of a hash of each, with a secret key. It
/// confuses two ids of the same member once in 10¹⁶ messages, and nobody can provoke
/// that.
#[derive(Debug, Default)]
pub(super) struct RecentIds {
    hashes: Vec<u64>,
    seqs: Vec<u64>,
    /// The index of the oldest id, once the set is full.
    oldest: usize,
}

impl RecentIds {
    /// The `seq` of the message with this id.
    pub(super) fn find(&self, id: IdHash) -> Option<u64> {
        // Nearly all ids are new, and `contains` compares several at once.
        if !self.hashes.contains(&id.0) {
            return None;
        }
        let index = self.hashes.iter().position(|hash| *hash == id.0)?;
        self.seqs.get(index).copied()
    }

    /// Remembers an id that is not [found](Self::find).
    pub(super) fn add(&mut self, id: IdHash, seq: u64) {
        if self.hashes.len() < RECENT_IDS {
            self.hashes.push(id.0);
            self.seqs.push(seq);
        } else {
            self.hashes[self.oldest] = id.0;
            self.seqs[self.oldest] = seq;
            self.oldest = (self.oldest + 1) % RECENT_IDS;
        }
    }
}

/// The hash of a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdHash(u64);

/// Hashes message ids, with a secret key.
#[derive(Debug)]
pub(super) struct IdHasher(KeyedHash);

impl IdHasher {
    pub(super) fn new(seed: Seed) -> Self {
        Self(seed.hash_for("message ids"))
    }

    pub(super) fn hash(&self, id: &str) -> IdHash {
        IdHash(self.0.of(id.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_remembered_with_their_seqs_and_no_others() {
        let hasher = IdHasher::new(Seed::new([7; 16]));
        let id = |n: u64| hasher.hash(&n.to_string());
        let mut said = RecentIds::default();
        let limit = RECENT_IDS as u64;
        for n in 1..=limit {
            said.add(id(n), n);
        }
        assert!((1..=limit).all(|n| said.find(id(n)) == Some(n)));
        for n in limit + 1..=limit * 5 / 2 {
            assert_eq!(said.find(id(n)), None);
            said.add(id(n), n);
            assert_eq!(said.find(id(n)), Some(n));
            assert_eq!(said.find(id(n - limit)), None);
            assert_eq!(said.find(id(n - limit + 1)), Some(n - limit + 1));
        }
        assert!(said.hashes.capacity() <= RECENT_IDS && said.seqs.capacity() <= RECENT_IDS);
    }
}
