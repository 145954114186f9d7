//! The service manager: the sockets that it passes, the notifications that it gets, and
//! its journal. A program that it did not start finds none of them.

pub mod journal;
pub mod notify;
mod sockets;

pub use self::sockets::{SocketError, take_sockets};
