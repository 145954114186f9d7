//! A bounded queue to a thread that writes, so that nobody else waits for a terminal that
//! is stopped, a pipe that nobody reads, or a slow journal.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::lock::{Condvar, Mutex, Rank};

/// How long [`Queue::finish`] waits for the last entries.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Entries that wait, in order.
pub trait Batch: Default + Send + 'static {
    /// Their size in bytes.
    fn bytes(&self) -> usize;
}

impl Batch for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// A bounded queue to a thread that writes.
///
/// When the queue is full, it drops new entries until the thread has taken all that wait;
/// then the thread gets the number of dropped ones.
#[derive(Debug)]
pub struct Queue<B> {
    shared: Arc<Shared<B>>,
    /// The most bytes that wait. The thread may have as many again.
    limit: usize,
}

#[derive(Debug)]
struct Shared<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State<B> {
    waiting: B,
    /// The number of entries that were dropped after them.
    left_out: usize,
    /// No more entries will come.
    finishing: bool,
    /// Nothing more will be written.
    done: bool,
}

impl<B: Batch> Queue<B> {
    /// Starts a thread with this name, which calls `write` with all entries that wait and
    /// the number of entries that were dropped after them. After `write` has returned a
    /// break, the thread does not call it again, and drops everything.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(
        name: &str,
        limit: usize,
        mut write: impl FnMut(B, usize) -> ControlFlow<()> + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(Rank::Lines, State::default()),
            changed: Condvar::default(),
        });
        let ours = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Some((batch, left_out)) = ours.next()
                    && write(batch, left_out).is_continue()
                {}
                let mut state = ours.state.lock();
                state.done = true;
                state.waiting = B::default();
                drop(state);
                ours.changed.notify_all();
            })?;
        Ok(Self { shared, limit })
    }

    /// Appends what `add` adds, which has this many `entries` and `bytes`, or drops it.
    /// Never waits.
    pub fn push(&self, entries: usize, bytes: usize, add: impl FnOnce(&mut B)) {
        let mut state = self.shared.state.lock();
        // Once the thread writes no more, nothing needs to wait.
        if state.done {
            return;
        }
        if state.left_out == 0 && state.waiting.bytes() + bytes <= self.limit {
            add(&mut state.waiting);
        } else {
            state.left_out += entries;
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until everything is written, but at most a second.
    pub fn finish(&self) {
        self.shared.state.lock().finishing = true;
        self.shared.changed.notify_all();
        let rest = (self.shared.changed).wait_timeout_while(
            self.shared.state.lock(),
            FINISH_WITHIN,
            |state| !state.done,
        );
        drop(rest);
    }

    /// The number of bytes that wait, and of dropped entries.
    #[cfg(test)]
    pub fn state(&self) -> (usize, usize) {
        let state = self.shared.state.lock();
        (state.waiting.bytes(), state.left_out)
    }

    /// Whether nothing more will be written.
    #[cfg(test)]
    pub fn is_done(&self) -> bool {
        self.shared.state.lock().done
    }
}

impl<B: Batch> Shared<B> {
    /// Waits for entries, and returns them with the number of those that were dropped
    /// after them. Returns `None` when no more will come.
    fn next(&self) -> Option<(B, usize)> {
        let mut state = self.changed.wait_while(self.state.lock(), |state| {
            state.waiting.bytes() == 0 && state.left_out == 0 && !state.finishing
        });
        let waiting = std::mem::take(&mut state.waiting);
        let left_out = std::mem::take(&mut state.left_out);
        drop(state);
        (waiting.bytes() > 0 || left_out > 0).then_some((waiting, left_out))
    }
}
