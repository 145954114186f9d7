//! How a room must end, or has ended.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::lock::{Mutex, Rank};
use crate::room::Closing;

/// How a room must end, or has ended.
#[derive(Debug)]
pub struct Ending {
    state: Mutex<State>,
    /// The room was closed, or must be closed.
    closed: Notify,
    /// The time at which the room ends by itself may have changed.
    deserted: Notify,
    empty: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// The requested closing, if there is one.
    wanted: Option<Closing>,
    /// The reason why the store failed, if it did.
    store_failed: Option<String>,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            state: Mutex::new(Rank::Outcome, State::default()),
            closed: Notify::new(),
            deserted: Notify::new(),
            empty: AtomicBool::new(false),
        }
    }
}

impl Ending {
    /// Asks for the room to be closed. Only the first call has an effect.
    pub fn request(&self, closing: Closing) {
        self.state.lock().wanted.get_or_insert(closing);
        self.closed.notify_one();
    }

    /// The requested closing, if there is one.
    pub fn wanted(&self) -> Option<Closing> {
        self.state.lock().wanted
    }

    /// Reports that the room was closed.
    pub fn tell_closed(&self) {
        self.closed.notify_one();
    }

    /// Waits until the room was closed, or must be.
    pub async fn closed(&self) {
        self.closed.notified().await;
    }

    /// The store failed, for this reason.
    pub fn set_store_failed(&self, why: String) {
        self.state.lock().store_failed = Some(why);
    }

    /// The reason why the store failed, if it did.
    pub fn store_failed(&self) -> Option<String> {
        self.state.lock().store_failed.clone()
    }

    /// Reports that the time at which the room ends by itself may have changed.
    pub fn tell_deserted(&self) {
        self.deserted.notify_one();
    }

    /// Waits until that time may have changed.
    pub async fn deserted(&self) {
        self.deserted.notified().await;
    }

    /// The room ends because everyone has left.
    pub fn set_empty(&self) {
        self.empty.store(true, Ordering::Relaxed);
    }

    /// Whether the room ended because everyone had left.
    pub fn is_empty(&self) -> bool {
        self.empty.load(Ordering::Relaxed)
    }
}
