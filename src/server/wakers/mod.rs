//! What wakes the threads that serve the connections of one room, and their tasks. The
//! [hub](super::hub) notifies; the [pool](super::pool) and the
//! [fan-out](super::fanout) wait.

#[cfg(test)]
pub mod counting;
mod notifier;
mod thread;

pub use self::notifier::Waiter;
pub use self::thread::{Seat, ThreadWaker, Wakers};
