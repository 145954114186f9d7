//! The administrator's side of a running server: a local socket, over which it tells its
//! state and takes commands. Everyone who may connect to the socket may do so; for a
//! service that is the administrator.
//!
//! A request is a line with a command (`kick ada`), an answer a line of JSON; then the
//! server closes the connection. A client that says nothing gets the state.
//!
//! - `command`: the commands, as people write them;
//! - `moderator`: what a server can do for an administrator;
//! - `answer`: does a command, and tells how it went;
//! - `socket`: the server's side of the socket;
//! - `ask`: the program that asks the servers of this computer;
//! - `status`: the state of a server, for people.

mod answer;
mod ask;
mod command;
mod invite;
mod moderator;
mod socket;
mod status;
#[cfg(test)]
mod tests;

use std::time::Duration;

/// How long a client may take for its request and for reading the answer, and how long all
/// servers together may take to tell their state.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes of a server's answer.
const ANSWER_BYTES: usize = 64 << 10;

pub use self::answer::Answer;
pub use self::ask::{control, status};
pub use self::command::{Command, NotACommand, WORDS, Word, help};
pub use self::invite::{Inviting, invite};
pub use self::socket::ControlSocket;
