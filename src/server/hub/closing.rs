//! Closing the room: because someone asks for it, because everyone has left, or because
//! nothing can be stored.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use crate::room::{Close, Closing};
use crate::store::WriteError;

use super::core::Hub;

impl Hub {
    /// Asks the thread that serves the room to close it. Waits for no lock that a thread
    /// holds for longer than a field takes. Only the first call has an effect.
    pub fn request_close(&self, closing: Closing) {
        self.ending.request(closing);
    }

    /// Closes the room, and notifies everyone.
    pub fn close(&self, closing: Closing) {
        self.room().apply(Close { closing });
        self.ending.tell_closed();
        self.tell_news();
    }

    /// How the room was closed, if it was.
    pub fn closed(&self) -> Option<Closing> {
        self.room().closed()
    }

    /// Waits until the room is closed or must be; in the second case it closes the room.
    pub async fn closing(&self) {
        loop {
            if let Some(closing) = self.ending.wanted() {
                self.close(closing);
            }
            if self.closed().is_some() {
                return;
            }
            self.ending.closed().await;
        }
    }

    /// Waits until everyone can read that the room is closed; returns how.
    pub async fn over(&self) -> Closing {
        let mut news = self.wakers.first().waiter();
        loop {
            news.see();
            let over = self.room().over();
            if let Some(closing) = over {
                return closing;
            }
            news.notified().await;
        }
    }

    /// Closes the room because nothing can be stored any more.
    pub fn fail(&self, retry_ms: u64, why: &WriteError) {
        self.room().fail(retry_ms);
        self.ending.set_store_failed(why.to_string());
        self.ending.tell_closed();
        self.backlog.set_congested(false);
        self.wakers.tell_news();
    }

    /// The reason why the store failed, if that closed the room.
    pub fn store_failed(&self) -> Option<String> {
        self.ending.store_failed()
    }

    /// Reports that a member or connection has gone: it may have been the last one.
    pub fn look_for_the_last(&self) {
        self.admission.set_left(Instant::now());
        self.ending.tell_deserted();
    }

    /// The time at which the room ends by itself if nobody joins until then; `None` while
    /// anyone is in it, may come back to it, or has not joined yet.
    fn ends_at(&self, last_call: Duration) -> Option<Instant> {
        let live = self.live();
        let room = self.room();
        let is_empty = room.is_deserted() || (live.idle_timeout.is_some() && room.count() == 0);
        let is_closed = room.closed().is_some();
        drop(room);
        if live.stay_open || !is_empty || is_closed {
            return None;
        }
        let patience = live.idle_timeout.unwrap_or(last_call);
        self.admission.deserted_since()?.checked_add(patience)
    }

    /// Waits until the room must end by itself, and closes it. Connections made at that
    /// moment are accepted, or wait at the port.
    ///
    /// `last_call` is how long an empty room stays open for connections that are still
    /// being made.
    pub async fn close_when_deserted(&self, last_call: Duration) {
        loop {
            let Some(end) = self.ends_at(last_call) else {
                self.ending.deserted().await;
                continue;
            };
            if end <= Instant::now() {
                self.ending.set_empty();
                self.close(Closing::ForGood);
                return;
            }
            // Members may join and leave meanwhile.
            sleep_until(end.into()).await;
        }
    }

    /// Whether the room was closed because everyone had left.
    pub fn ended_empty(&self) -> bool {
        self.ending.is_empty()
    }
}
