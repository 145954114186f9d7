//! The I/O of one connection: it greets the peer until its first bytes show what it
//! speaks, then carries the bytes of its session, and closes.

mod close;
mod greet;
mod refuse;
mod scratch;
#[cfg(test)]
mod secured_tests;
mod service;
mod talk;
mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traced;
mod transfer;

pub use self::refuse::refuse;
pub use self::service::Service;
#[cfg(any(test, feature = "fuzzing"))]
pub use self::talk::Talk;
