//! Wakes every task that follows the log.
//!
//! The server calls [`Notifier::notify`] when the log grew; each [`Waiter`] learns of each
//! notification once. It does what a `tokio::sync::watch` without a value does, with less
//! work for each of thousands of waiters: a notification takes all their wakers at once,
//! and a task that wakes up for another reason does not have to sign off and on again.

use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::lock::{Mutex, Rank};

/// Notifies its waiters that the log grew.
#[derive(Debug)]
pub struct Notifier(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of notifications so far.
    sent: u64,
    /// The tasks that wait for the next one.
    waiting: Vec<Waker>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self(Mutex::new(Rank::Notifier, State::default()))
    }
}

impl Notifier {
    /// Wakes every task that waits.
    pub fn notify(&self) {
        let mut state = self.0.lock();
        state.sent += 1;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// A waiter for the notifications from now on.
    pub fn waiter(self: &Arc<Self>) -> Waiter {
        let seen = self.0.lock().sent;
        Waiter {
            notifier: Arc::clone(self),
            seen,
            signed: 0,
        }
    }
}

/// Waits for a [`Notifier`]. It belongs to one task.
#[derive(Debug)]
pub struct Waiter {
    notifier: Arc<Notifier>,
    /// The number of notifications that this task has seen.
    seen: u64,
    /// One more than the number of notifications when this task signed up for the next one;
    /// 0 if it never did.
    signed: u64,
}

impl Waiter {
    /// Counts all notifications until now as seen.
    pub fn see(&mut self) {
        self.seen = self.notifier.0.lock().sent;
    }

    /// Is ready when there was a notification since [`see`](Self::see).
    pub fn poll_notified(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.notifier.0.lock();
        if state.sent != self.seen {
            return Poll::Ready(());
        }
        if self.signed != state.sent + 1 {
            state.waiting.push(context.waker().clone());
            self.signed = state.sent + 1;
        }
        Poll::Pending
    }

    /// Waits for a notification since [`see`](Self::see).
    pub async fn notified(&mut self) {
        poll_fn(|context| self.poll_notified(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::counting::Wakes;
    use super::*;

    #[test]
    fn a_notification_is_seen_once_and_wakes_whoever_waits() {
        let notifier = Arc::new(Notifier::default());
        let (woken, mut waiter) = (Arc::new(Wakes::default()), notifier.waiter());
        let waker = Waker::from(Arc::clone(&woken));
        let context = Context::from_waker(&waker);
        assert_eq!(waiter.poll_notified(&context), Poll::Pending);
        // A poll for another reason does not sign up a second time.
        assert_eq!(waiter.poll_notified(&context), Poll::Pending);
        notifier.notify();
        assert_eq!(woken.count(), 1);
        assert_eq!(waiter.poll_notified(&context), Poll::Ready(()));
        waiter.see();
        assert_eq!(waiter.poll_notified(&context), Poll::Pending);
        notifier.notify();
        assert_eq!(woken.count(), 2);
    }

    #[test]
    fn a_notification_before_waiting_is_not_missed() {
        let notifier = Arc::new(Notifier::default());
        let mut waiter = notifier.waiter();
        notifier.notify();
        let waker = Waker::from(Arc::new(Wakes::default()));
        let context = Context::from_waker(&waker);
        assert_eq!(waiter.poll_notified(&context), Poll::Ready(()));
        // It stays ready until the task has seen it.
        assert_eq!(waiter.poll_notified(&context), Poll::Ready(()));
    }
}
