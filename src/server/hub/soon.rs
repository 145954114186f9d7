//! Outcomes of commands that come at once or later.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The outcome of a command: in memory at once, elsewhere when the command was applied.
#[derive(Debug)]
pub enum Soon<T> {
    /// The outcome.
    Now(T),
    /// The right to it.
    #[cfg_attr(
        not(any(test, feature = "fuzzing")),
        expect(dead_code, reason = "every log of today has its outcomes at once")
    )]
    Later(Ticket<T>),
}

/// The right to an outcome that comes later.
#[derive(Debug)]
pub struct Ticket<T>(oneshot::Receiver<T>);

impl<T> Ticket<T> {
    /// A ticket, and the way to the one who holds it.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn new() -> (oneshot::Sender<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Is ready when the outcome has come; with `None` if it never will, because the hub
    /// has ended.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }

    /// Gives the ticket up. Returns the outcome if it had come before that; afterwards the
    /// hub knows that nobody takes it.
    pub fn give_up(&mut self) -> Option<T> {
        self.0.close();
        self.0.try_recv().ok()
    }
}
