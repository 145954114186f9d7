//! For tests: commands that wait, as they would for a log that several machines share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{self, AtomicBool};

use crate::lock::{Mutex, Rank};

/// A command that waits.
type Waiting<H> = Box<dyn FnOnce(&H) + Send>;

/// Commands for `H` that wait, in order.
pub struct Ordering<H> {
    is_on: AtomicBool,
    waiting: Mutex<VecDeque<Waiting<H>>>,
}

impl<H> fmt::Debug for Ordering<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ordering").field(&self.is_on).finish()
    }
}

impl<H> Default for Ordering<H> {
    fn default() -> Self {
        Self {
            is_on: AtomicBool::new(false),
            waiting: Mutex::new(Rank::Outcome, VecDeque::new()),
        }
    }
}

impl<H> Ordering<H> {
    /// Whether commands wait.
    pub fn is_on(&self) -> bool {
        self.is_on.load(atomic::Ordering::Relaxed)
    }

    /// From now on commands wait.
    pub fn turn_on(&self) {
        self.is_on.store(true, atomic::Ordering::Relaxed);
    }

    /// Adds a command.
    pub fn add(&self, command: impl FnOnce(&H) + Send + 'static) {
        self.waiting.lock().push_back(Box::new(command));
    }

    /// The oldest command that waits.
    pub fn next(&self) -> Option<Waiting<H>> {
        self.waiting.lock().pop_front()
    }
}
