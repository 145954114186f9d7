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
    dropped: usize,
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
                while let Some((batch, dropped)) = ours.next()
                    && write(batch, dropped).is_continue()
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
        if state.dropped == 0 && state.waiting.bytes() + bytes <= self.limit {
            add(&mut state.waiting);
        } else {
            state.dropped += entries;
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
}

impl<B: Batch> Shared<B> {
    /// Waits for entries, and returns them with the number of those that were dropped
    /// after them. Returns `None` when no more will come.
    fn next(&self) -> Option<(B, usize)> {
        let mut state = self.changed.wait_while(self.state.lock(), |state| {
            state.waiting.bytes() == 0 && state.dropped == 0 && !state.finishing
        });
        let waiting = std::mem::take(&mut state.waiting);
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        (waiting.bytes() > 0 || dropped > 0).then_some((waiting, dropped))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Instant;

    use super::*;

    /// The most bytes that wait in these tests.
    const LIMIT: usize = 10;

    type Written = (Vec<u8>, usize);

    /// A queue whose thread writes a batch each time that the test receives one, for as
    /// long as the test holds the receiver.
    fn started() -> (Queue<Vec<u8>>, Receiver<Written>) {
        let (written, batches) = mpsc::sync_channel(0);
        let write = move |batch, dropped| match written.send((batch, dropped)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        (Queue::start("queue", LIMIT, write).unwrap(), batches)
    }

    fn push(queue: &Queue<Vec<u8>>, bytes: &[u8]) {
        queue.push(1, bytes.len(), |batch| batch.extend_from_slice(bytes));
    }

    /// Waits until the thread has taken all that waited.
    fn taken(queue: &Queue<Vec<u8>>) {
        while !queue.shared.state.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn entries_are_written_in_order() {
        let (queue, batches) = started();
        let writer = std::thread::spawn(move || {
            let mut all = Vec::new();
            while all.len() < 1_000 {
                let (batch, dropped) = batches.recv().unwrap();
                assert_eq!(dropped, 0);
                all.extend(batch);
            }
            all
        });
        for number in 0..1_000_u16 {
            push(&queue, &number.to_le_bytes()[..1]);
            taken(&queue);
        }
        let all = writer.join().unwrap();
        assert!((0..1_000_u16).map(|it| it.to_le_bytes()[0]).eq(all));
        queue.finish();
    }

    #[test]
    fn a_full_queue_drops_entries_until_all_that_wait_are_taken_and_counts_them() {
        let (queue, batches) = started();
        push(&queue, b"first");
        taken(&queue);
        // The thread waits with the first one.
        push(&queue, &[b'a'; LIMIT]);
        push(&queue, b"b");
        // Smaller than what is left, but the queue has dropped one before it.
        push(&queue, b"");
        assert_eq!(queue.shared.state.lock().waiting.len(), LIMIT);
        assert_eq!(batches.recv().unwrap(), (b"first".to_vec(), 0));
        assert_eq!(batches.recv().unwrap(), (vec![b'a'; LIMIT], 2));
        push(&queue, b"c");
        assert_eq!(batches.recv().unwrap(), (b"c".to_vec(), 0));
    }

    #[test]
    fn an_entry_that_is_larger_than_the_queue_is_dropped_and_counted() {
        let (queue, batches) = started();
        queue.push(3, LIMIT + 1, |_| panic!("it was added"));
        assert_eq!(batches.recv().unwrap(), (Vec::new(), 3));
    }

    #[test]
    fn the_end_waits_for_what_is_written_but_at_most_a_second() {
        let (queue, batches) = started();
        push(&queue, b"last");
        let start = Instant::now();
        queue.finish();
        assert!(start.elapsed() >= FINISH_WITHIN, "nothing was written yet");
        assert_eq!(batches.recv().unwrap(), (b"last".to_vec(), 0));
        queue.finish();
        assert!(queue.shared.state.lock().done);
    }

    #[test]
    fn nothing_waits_for_a_thread_that_writes_no_more() {
        let (queue, batches): (_, Receiver<Written>) = started();
        push(&queue, b"one");
        drop(batches);
        while !queue.shared.state.lock().done {
            std::thread::yield_now();
        }
        for _ in 0..10 {
            push(&queue, &[b'x'; LIMIT]);
        }
        assert!(queue.shared.state.lock().waiting.is_empty());
        assert_eq!(queue.shared.state.lock().dropped, 0);
    }
}
