//! The memory that the server holds for all peers together.
//!
//! A bound limits the memory for each peer, but ten thousand of them could still take
//! more than the machine has. So all peers share one budget. When the budget is used up,
//! the server ends the connection that holds most. Its member may come back, and reads
//! what it missed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use crate::lock::{Mutex, Rank};

/// The most bytes that the server and the kernel hold in buffers for all peers together.
pub(super) const HELD_LIMIT: usize = 256 << 20;

/// The budget does not count less than this. It is the cost of a member who does nothing
/// unusual, and the number of members bounds the total.
const SMALL: usize = 4 << 10;

/// The memory that the server holds for all peers.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The bytes that count against the budget.
    total: usize,
    /// The connections that hold memory, ordered by how much.
    by_bytes: BTreeSet<(usize, u64)>,
    holders: HashMap<u64, Holder>,
    last_id: u64,
}

#[derive(Debug)]
struct Holder {
    is_over: Arc<AtomicBool>,
    /// Wakes the task that serves the connection.
    waker: Waker,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::new(Rank::Budget, State::default()),
        })
    }
}

/// The part of a [`Budget`] that one connection uses. It takes no memory while that part
/// is small.
#[derive(Debug, Default)]
pub(super) struct Share(Option<Box<Used>>);

#[derive(Debug)]
struct Used {
    budget: Arc<Budget>,
    id: u64,
    bytes: usize,
    is_over: Arc<AtomicBool>,
}

impl Share {
    /// Whether the connection must end, because others need the memory.
    pub(super) fn is_over(&self) -> bool {
        let used = self.0.as_ref();
        used.is_some_and(|used| used.is_over.load(Ordering::Relaxed))
    }

    /// Sets the number of bytes that this connection holds. If the budget is exceeded,
    /// the connections that hold most must end: their [`is_over`](Self::is_over) becomes
    /// true, and this wakes their tasks. `context` belongs to the task of this
    /// connection.
    pub(super) fn set(&mut self, budget: &Arc<Budget>, bytes: usize, context: &Context<'_>) {
        if bytes < SMALL {
            self.0 = None;
            return;
        }
        let used = self
            .0
            .get_or_insert_with(|| Box::new(Used::new(budget, context)));
        if used.bytes == bytes || used.is_over.load(Ordering::Relaxed) {
            return;
        }
        let mut state = budget.state.lock();
        state.by_bytes.remove(&(used.bytes, used.id));
        state.by_bytes.insert((bytes, used.id));
        state.total = state.total - used.bytes + bytes;
        used.bytes = bytes;
        let mut woken = Vec::new();
        // Each turn removes one holder.
        while state.total > budget.limit
            && let Some((bytes, id)) = state.by_bytes.pop_last()
        {
            state.total -= bytes;
            if let Some(holder) = state.holders.remove(&id) {
                holder.is_over.store(true, Ordering::Relaxed);
                woken.push(holder.waker);
            }
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Used {
    fn new(budget: &Arc<Budget>, context: &Context<'_>) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let mut state = budget.state.lock();
        state.last_id += 1;
        let id = state.last_id;
        let holder = Holder {
            is_over: Arc::clone(&is_over),
            waker: context.waker().clone(),
        };
        state.holders.insert(id, holder);
        state.by_bytes.insert((0, id));
        drop(state);
        Self {
            budget: Arc::clone(budget),
            id,
            bytes: 0,
            is_over,
        }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let mut state = self.budget.state.lock();
        // Once it is over, the budget counts nothing of it.
        if state.holders.remove(&self.id).is_some() {
            state.by_bytes.remove(&(self.bytes, self.id));
            state.total -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wakers::counting::Wakes;
    use super::*;

    #[test]
    fn where_too_much_is_held_the_one_who_holds_most_is_let_go_of() {
        let budget = Budget::new(100_000);
        let woken: Vec<Arc<Wakes>> = (0..3).map(|_| Arc::default()).collect();
        let wakers: Vec<Waker> = woken.iter().map(|it| Waker::from(Arc::clone(it))).collect();
        let mut shares = [Share::default(), Share::default(), Share::default()];
        let mut set = |index: usize, bytes| {
            let context = Context::from_waker(&wakers[index]);
            shares[index].set(&budget, bytes, &context);
            shares.each_ref().map(Share::is_over)
        };
        assert_eq!(set(0, 30_000), [false; 3]);
        assert_eq!(set(1, 50_000), [false; 3]);
        assert_eq!(set(2, 20_000), [false; 3]);
        // One byte too much: the largest holder ends, not the one that asked.
        assert_eq!(set(2, 20_001), [false, true, false]);
        assert_eq!(budget.state.lock().total, 50_001);
        let count = |index: usize| woken[index].count();
        assert_eq!([count(0), count(1), count(2)], [0, 1, 0]);
        // The others now have room for more, and a small amount always fits.
        assert_eq!(set(0, 70_000), [false, true, false]);
        assert_eq!(set(0, SMALL - 1), [false, true, false]);
        assert_eq!(budget.state.lock().total, 20_001);
    }

    #[test]
    fn a_connection_that_ends_gives_back_what_it_held() {
        let budget = Budget::new(100_000);
        let context = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            let mut share = Share::default();
            share.set(&budget, 60_000, &context);
            assert!(!share.is_over());
        }
        let mut too_much = Share::default();
        too_much.set(&budget, 100_001, &context);
        assert!(too_much.is_over());
        drop(too_much);
        assert_eq!(budget.state.lock().total, 0);
        assert!(budget.state.lock().holders.is_empty());
        assert!(budget.state.lock().by_bytes.is_empty());
    }
}
