//! The fan-out: it writes new log entries to every member who has read all earlier ones.
//!
//! The task of a connection does everything that concerns one peer alone. When all that
//! is left is to follow the log, the task leaves its link in a [`FollowerSlot`] here and
//! sleeps. [`FanOut::write`] then writes new entries to one follower after the other,
//! without waking a task: for each follower that is one system call and next to nothing
//! else. If a follower's link does not accept everything, its task gets the link back,
//! with the rest.

mod fan_out;
mod followers;
mod news;
mod slot;
#[cfg(test)]
mod tests;

pub use self::fan_out::FanOut;
pub use self::slot::FollowerSlot;
