//! Locks that cannot deadlock.
//!
//! Every lock of the program has a [`Rank`], and a thread that holds one may take only
//! locks of a higher rank. So no two threads can each wait for a lock that the other
//! holds. A debug build checks the rule each time a lock is taken and panics where it is
//! broken; all tests run that way. `clippy.toml` forbids the locks of the standard
//! library everywhere else.
//!
//! A guard cannot be held across an `await`: it is not `Send`, and every task has to be.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

/// The order in which one thread may take locks: from the first of these to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The file with the invitation to a room (`terminal::announce`).
    Invitation,
    /// The handle of a thread that serves connections.
    Thread,
    /// The sockets that follow the log, of one thread (`server::fanout`).
    Followers,
    /// The state of one encrypted connection (`server::link`).
    Link,
    /// The room.
    Room,
    /// The open connections, by address (`server::admission`).
    Admission,
    /// The memory that the server holds for peers (`server::budget`).
    Budget,
    /// The rate of text from one address.
    AddressRate,
    /// The settings that can change. Threads hold it to copy or to replace a pointer.
    Settings,
    /// How a server must close, and why its store failed.
    Outcome,
    /// Events for the administrator.
    Reporter,
    /// The reason why nothing can be stored at the moment.
    Obstacle,
    /// Tasks that wait for log entries (`server::wakers`).
    Notifier,
    /// The messages that a client sends.
    SendQueue,
    /// The time of a client's next try to come back.
    NextTry,
    /// Lines that wait to be printed or logged.
    Lines,
}

/// A mutual exclusion lock with a [`Rank`].
///
/// Its value counts as consistent even after a panic: no code that can panic runs while a
/// thread holds one of these.
#[derive(Debug)]
pub(crate) struct Mutex<T> {
    rank: Rank,
    // The one place where the standard library's lock is used.
    #[expect(clippy::disallowed_types)]
    inner: std::sync::Mutex<T>,
}

/// The right to use the value of a [`Mutex`], until it is dropped.
#[derive(Debug)]
#[clippy::has_significant_drop]
pub(crate) struct Guard<'a, T> {
    // Dropped in this order: the lock is free before the thread may take it again.
    inner: std::sync::MutexGuard<'a, T>,
    /// Kept until the lock is released.
    held: Held,
}

impl<T> Mutex<T> {
    /// A lock of this rank.
    #[expect(clippy::disallowed_types)]
    pub(crate) const fn new(rank: Rank, value: T) -> Self {
        Self {
            rank,
            inner: std::sync::Mutex::new(value),
        }
    }

    /// Takes the lock, and waits for it as long as another thread holds it.
    ///
    /// # Panics
    /// In a debug build, if this thread holds a lock of this rank or a higher one.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        let held = Held::take(self.rank);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Guard { inner, held }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// A condition that threads wait for, beside a [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Wakes all threads that wait.
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Releases the lock and takes it again once `condition` is false.
    pub(crate) fn wait_while<'a, T>(
        &self,
        guard: Guard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Guard<'a, T> {
        let Guard { inner, held } = guard;
        let inner = self
            .0
            .wait_while(inner, condition)
            .unwrap_or_else(PoisonError::into_inner);
        Guard { inner, held }
    }

    /// Like [`wait_while`](Self::wait_while), for `limit` at most.
    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        guard: Guard<'a, T>,
        limit: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Guard<'a, T> {
        let Guard { inner, held } = guard;
        let (inner, _) = self
            .0
            .wait_timeout_while(inner, limit, condition)
            .unwrap_or_else(PoisonError::into_inner);
        Guard { inner, held }
    }
}

/// Records that a thread holds a lock, for as long as this lives.
#[cfg(debug_assertions)]
#[derive(Debug)]
struct Held(Rank);

#[cfg(debug_assertions)]
thread_local! {
    /// A bit for each rank of which this thread holds a lock.
    static HELD: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[cfg(debug_assertions)]
impl Held {
    fn take(rank: Rank) -> Self {
        let held = HELD.get();
        assert!(
            held >> rank as u32 == 0,
            "a thread takes the lock {rank:?} while it holds one that comes later \
             (ranks, as bits: {held:#b}); see the order in src/lock.rs"
        );
        HELD.set(held | 1 << rank as u32);
        Self(rank)
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        HELD.set(HELD.get() & !(1 << self.0 as u32));
    }
}

#[cfg(not(debug_assertions))]
#[derive(Debug)]
struct Held;

#[cfg(not(debug_assertions))]
impl Held {
    const fn take(_: Rank) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_can_be_taken_in_their_order() {
        let (room, settings) = (Mutex::new(Rank::Room, 1), Mutex::new(Rank::Settings, 2));
        for _ in 0..2 {
            let one = room.lock();
            let other = settings.lock();
            let sum = *one + *other;
            drop(other);
            drop(one);
            assert_eq!(sum, 3);
        }
        // Locks can be released in any order.
        let held = room.lock();
        let last = settings.lock();
        drop(held);
        drop(last);
        drop(room.lock());
    }

    #[test]
    #[should_panic(expected = "takes the lock Room while it holds one that comes later")]
    #[cfg(debug_assertions)]
    fn a_lock_taken_against_the_order_is_found() {
        let (room, settings) = (Mutex::new(Rank::Room, ()), Mutex::new(Rank::Settings, ()));
        let _settings = settings.lock();
        let _room = room.lock();
    }

    #[test]
    #[should_panic(expected = "takes the lock Room")]
    #[cfg(debug_assertions)]
    fn a_lock_taken_twice_is_found() {
        let (one, other) = (Mutex::new(Rank::Room, ()), Mutex::new(Rank::Room, ()));
        let _one = one.lock();
        let _other = other.lock();
    }

    #[test]
    fn a_waiting_thread_gives_its_lock_up() {
        let shared = (Mutex::new(Rank::Lines, false), Condvar::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                *shared.0.lock() = true;
                shared.1.notify_all();
            });
            let guard = shared.0.lock();
            assert!(*shared.1.wait_while(guard, |done| !*done));
        });
    }
}
