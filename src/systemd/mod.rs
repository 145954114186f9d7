//! The service manager: the sockets that it passes, what it is told in return, and
//! its journal. Started otherwise, the program finds none of them.

pub mod journal;
pub mod notify;
mod sockets;

pub use self::sockets::{SocketError, take_sockets};
