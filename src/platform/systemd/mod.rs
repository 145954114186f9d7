//! The service manager: the sockets that it passes, the notifications that it gets, and
//! its journal. A program that it did not start finds none of them.

pub mod journal;
pub mod notify;
#[cfg(feature = "cli")]
mod sockets;
mod state;

#[cfg(feature = "cli")]
pub use self::sockets::{SocketError, take_sockets};
pub use self::state::report_state;
