//! Events that wait to be stored, in a room with a store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// While more bytes than this wait to be stored, the server reads from no member.
const WAITING_LIMIT: usize = 4 << 20;

/// What the hub knows of the store.
#[derive(Debug)]
pub struct Backlog {
    /// The `seq` of the oldest message in the store.
    oldest: AtomicU64,
    /// Something happened that must be stored.
    unstored: Notify,
    /// So much waits to be stored that the server reads from no member.
    congested: AtomicBool,
}

impl Backlog {
    /// Nothing waits; the oldest stored message has this `seq`.
    pub fn new(oldest: u64) -> Self {
        Self {
            oldest: AtomicU64::new(oldest),
            unstored: Notify::new(),
            congested: AtomicBool::new(false),
        }
    }

    /// The `seq` of the oldest message in the store.
    pub fn oldest(&self) -> u64 {
        self.oldest.load(Ordering::Relaxed)
    }

    /// Sets the `seq` of the oldest message in the store.
    pub fn set_oldest(&self, seq: u64) {
        self.oldest.store(seq, Ordering::Relaxed);
    }

    /// Reports that something must be stored.
    pub fn tell(&self) {
        self.unstored.notify_one();
    }

    /// Waits until something must be stored.
    pub async fn unstored(&self) {
        self.unstored.notified().await;
    }

    /// So many bytes wait now, which is more than before.
    pub fn grew(&self, waiting: usize) {
        if waiting > WAITING_LIMIT {
            self.set_congested(true);
        }
    }

    /// So many bytes wait now, which is less than before.
    pub fn shrank(&self, waiting: usize) {
        if waiting <= WAITING_LIMIT / 2 {
            self.set_congested(false);
        }
    }

    /// Whether so much waits that the server must read from no member.
    pub fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Relaxed)
    }

    /// Sets whether so much waits.
    pub fn set_congested(&self, congested: bool) {
        self.congested.store(congested, Ordering::Relaxed);
    }
}
