//! The threads that serve the connections of one room, as far as the hub knows them.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::lock::{Mutex, Rank};
use crate::room::MemberId;

use super::notifier::{Notifier, Waiter};

/// The wakers of all threads that serve one room, the accepting one first.
#[derive(Clone, Debug)]
pub struct Wakers(Arc<[Arc<ThreadWaker>]>);

impl Wakers {
    /// The wakers of so many threads; at least one.
    pub fn new(threads: usize) -> Self {
        Self((0..threads.max(1)).map(|_| Arc::default()).collect())
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<ThreadWaker>] {
        &self.0
    }

    /// The waker of the first thread, which accepts connections.
    pub fn first(&self) -> &Arc<ThreadWaker> {
        &self.0[0]
    }

    /// Reports to each thread that serves a connection that the log grew.
    pub fn tell_news(&self) {
        for (index, thread) in self.0.iter().enumerate() {
            if index == 0 || thread.connections() > 0 {
                thread.news.notify_one();
            }
        }
    }

    /// Asks all threads to return the sockets of these members to their tasks, which have
    /// something else to do than to follow the log.
    pub fn recall(&self, members: &[MemberId]) {
        for thread in &*self.0 {
            let mut recalled = thread.recalled.lock();
            for member in members {
                if !recalled.contains(member) {
                    recalled.push(*member);
                }
            }
        }
        // Tasks that do not follow the log look for what is new, too.
        self.tell_news();
    }
}

/// Wakes one thread.
#[derive(Debug)]
pub struct ThreadWaker {
    /// The log grew, or members were recalled.
    news: Notify,
    /// Notifies the connections that read the log themselves.
    readers: Arc<Notifier>,
    /// The members to recall, until the thread takes them: each once, so there are no more
    /// than members.
    recalled: Mutex<Vec<MemberId>>,
    /// The number of connections that it serves.
    connections: AtomicUsize,
}

impl Default for ThreadWaker {
    fn default() -> Self {
        Self {
            news: Notify::new(),
            readers: Arc::default(),
            recalled: Mutex::new(Rank::Notifier, Vec::new()),
            connections: AtomicUsize::new(0),
        }
    }
}

impl ThreadWaker {
    /// Waits until the log grew or members were recalled.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// The members whose sockets go back to their tasks.
    pub fn take_recalled(&self) -> Vec<MemberId> {
        mem::take(&mut *self.recalled.lock())
    }

    /// Notifies the connections that read the log themselves.
    pub fn notify_readers(&self) {
        self.readers.notify();
    }

    /// Waits for [`notify_readers`](Self::notify_readers).
    pub fn waiter(&self) -> Waiter {
        self.readers.waiter()
    }

    /// The number of connections that it serves.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts one more connection of this thread, until the seat is dropped.
    pub fn seat(self: &Arc<Self>) -> Seat {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(self))
    }
}

/// One connection, as its thread counts it.
#[derive(Debug)]
pub struct Seat(Arc<ThreadWaker>);

impl Seat {
    /// The thread that serves the connection.
    pub const fn thread(&self) -> &Arc<ThreadWaker> {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_recalls_each_member_once_whenever_it_comes_to_it() {
        let wakers = Wakers::new(2);
        let [one, two] = [1, 2].map(|id| MemberId::new(id).unwrap());
        wakers.recall(&[one]);
        wakers.recall(&[two, one]);
        for thread in wakers.all() {
            assert_eq!(thread.take_recalled(), [one, two]);
            assert_eq!(thread.take_recalled(), []);
        }
    }
}
