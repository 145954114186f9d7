//! Wakes every task that follows the log.
//!
//! The server rings a [`Bell`] when the log grew; each [`Ear`] that waits hears each ring
//! once. It does what a `tokio::sync::watch` without a value does, with less work for
//! each of thousands of listeners: a ring takes all their wakers at once, and a task that
//! wakes up for another reason does not have to sign off and on again.

use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::lock::{Mutex, Rank};

/// The server rings it when the log grew.
#[derive(Debug)]
pub(super) struct Bell(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of rings so far.
    rings: u64,
    /// The tasks that wait for the next ring.
    waiting: Vec<Waker>,
}

impl Default for Bell {
    fn default() -> Self {
        Self(Mutex::new(Rank::Bell, State::default()))
    }
}

impl Bell {
    /// Wakes every task that waits.
    pub(super) fn ring(&self) {
        let mut state = self.0.lock();
        state.rings += 1;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// An ear that hears the rings from now on.
    pub(super) fn listen(self: &Arc<Self>) -> Ear {
        let heard = self.0.lock().rings;
        Ear {
            bell: Arc::clone(self),
            heard,
            signed: None,
        }
    }
}

/// Hears a [`Bell`]. It belongs to one task.
#[derive(Debug)]
pub(super) struct Ear {
    bell: Arc<Bell>,
    /// The number of rings that this task has heard.
    heard: u64,
    /// The ring after which this task signed up for the next one.
    signed: Option<u64>,
}

impl Ear {
    /// Counts all rings until now as heard.
    pub(super) fn hear(&mut self) {
        self.heard = self.bell.0.lock().rings;
    }

    /// Is ready when the bell rang after this last heard it.
    pub(super) fn poll_ring(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.bell.0.lock();
        if state.rings != self.heard {
            return Poll::Ready(());
        }
        if self.signed != Some(state.rings) {
            state.waiting.push(context.waker().clone());
            self.signed = Some(state.rings);
        }
        Poll::Pending
    }

    /// Waits until the bell rings after this last heard it.
    pub(super) async fn ring(&mut self) {
        poll_fn(|context| self.poll_ring(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::wakes::Wakes;
    use super::*;

    #[test]
    fn a_ring_is_heard_once_and_wakes_whoever_waits() {
        let bell = Arc::new(Bell::default());
        let (woken, mut ear) = (Arc::new(Wakes::default()), bell.listen());
        let waker = Waker::from(Arc::clone(&woken));
        let context = Context::from_waker(&waker);
        assert_eq!(ear.poll_ring(&context), Poll::Pending);
        // A poll for another reason does not sign up a second time.
        assert_eq!(ear.poll_ring(&context), Poll::Pending);
        bell.ring();
        assert_eq!(woken.count(), 1);
        assert_eq!(ear.poll_ring(&context), Poll::Ready(()));
        ear.hear();
        assert_eq!(ear.poll_ring(&context), Poll::Pending);
        bell.ring();
        assert_eq!(woken.count(), 2);
    }

    #[test]
    fn a_ring_before_waiting_is_not_missed() {
        let bell = Arc::new(Bell::default());
        let mut ear = bell.listen();
        bell.ring();
        let waker = Waker::from(Arc::new(Wakes::default()));
        let context = Context::from_waker(&waker);
        assert_eq!(ear.poll_ring(&context), Poll::Ready(()));
        // It stays ready until the task hears it.
        assert_eq!(ear.poll_ring(&context), Poll::Ready(()));
    }
}
