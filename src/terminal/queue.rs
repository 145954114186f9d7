//! A bounded queue before a thread that writes, so that nobody else waits for a terminal
//! that is stopped, a pipe that nobody reads, or a slow journal.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::lock::{Condvar, Guard, Mutex, Rank};

/// How long [`Queue::finish`] waits for the last entries.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Entries that wait, in order.
pub trait Batch: Default + Send + 'static {
    /// How many bytes they have.
    fn bytes(&self) -> usize;
}

impl Batch for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// A bounded queue before a thread that writes.
///
/// When the queue is full, new entries are left out until all that waits was taken to be
/// written; then the thread is handed their number.
#[derive(Debug)]
pub struct Queue<B> {
    shared: Arc<Shared<B>>,
    /// The most bytes that wait. As many may be on their way out.
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
    /// How many entries were left out after them.
    left_out: usize,
    /// No more will come.
    finishing: bool,
    /// Nothing more will be written.
    done: bool,
}

impl<B: Batch> Queue<B> {
    /// Starts a thread with this name, which calls `write` with all that waits and with
    /// the number of entries that were left out after it. When `write` breaks, it is
    /// not called again, and all that comes is dropped.
    ///
    /// # Errors
    /// If the system has no thread to spare.
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
                let mut state = ours.lock();
                state.done = true;
                state.waiting = B::default();
                drop(state);
                ours.changed.notify_all();
            })?;
        Ok(Self { shared, limit })
    }

    /// Lets wait what `add` adds: so many `entries` of so many `bytes`; or leaves them
    /// out. Never waits itself.
    pub fn push(&self, entries: usize, bytes: usize, add: impl FnOnce(&mut B)) {
        let mut state = self.shared.lock();
        // Once nobody writes, nothing is kept.
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

    /// Waits until all is written, but at most a second.
    pub fn finish(&self) {
        self.shared.lock().finishing = true;
        self.shared.changed.notify_all();
        let rest =
            (self.shared.changed)
                .wait_timeout_while(self.shared.lock(), FINISH_WITHIN, |state| !state.done);
        drop(rest);
    }

    /// How many bytes wait, and how many entries were left out.
    #[cfg(test)]
    pub fn state(&self) -> (usize, usize) {
        let state = self.shared.lock();
        (state.waiting.bytes(), state.left_out)
    }

    /// Whether nothing more will be written.
    #[cfg(test)]
    pub fn is_done(&self) -> bool {
        self.shared.lock().done
    }
}

impl<B: Batch> Shared<B> {
    fn lock(&self) -> Guard<'_, State<B>> {
        self.state.lock()
    }

    /// Waits for entries; gives them, and the number of those that were left out after
    /// them. `None` when no more will come.
    fn next(&self) -> Option<(B, usize)> {
        let mut state = self.changed.wait_while(self.lock(), |state| {
            state.waiting.bytes() == 0 && state.left_out == 0 && !state.finishing
        });
        let waiting = std::mem::take(&mut state.waiting);
        let left_out = std::mem::take(&mut state.left_out);
        drop(state);
        (waiting.bytes() > 0 || left_out > 0).then_some((waiting, left_out))
    }
}
