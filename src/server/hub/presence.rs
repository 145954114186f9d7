//! Announces joins and leaves: in a small room each at once, in a big one collected over a
//! short time.

use tokio::time::sleep;

use crate::room::{Announce, GATHER_TIME};

use super::core::Hub;

impl Hub {
    /// Wakes all readers because of a join or leave; after a while, if it is `gathered`
    /// with others.
    pub fn tell_change(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
            // A newcomer waits until its join is stored.
            self.backlog.tell();
        } else {
            self.tell_news();
        }
    }

    /// Wakes the connection whose member was taken over; after a while, if `gathered`.
    /// The log has no entry for a takeover, so none is stored first.
    pub fn tell_takeover(&self, gathered: bool) {
        if gathered {
            self.gathering.notify_one();
        } else {
            self.wakers.tell_news();
        }
    }

    /// Announces the collected joins and leaves.
    pub fn tell_gathered(&self) {
        self.room().apply(Announce);
        self.tell_news();
        if self.is_durable() {
            // Takeovers do not wait for the store.
            self.wakers.tell_news();
        }
    }

    /// Announces the joins and leaves of a big room; never returns.
    pub async fn announce_gathered(&self) {
        loop {
            self.gathering.notified().await;
            sleep(GATHER_TIME).await;
            self.tell_gathered();
        }
    }
}
