//! What several test crates need: programs, peers, and the sentences that they look for.
//! Every wait is for an event, and fails the test if the event does not come.

// Each test crate uses only some of these.
#![allow(dead_code, unused_imports)]

mod anyone;
mod peer;
mod preload;
pub mod process;
mod program;
pub mod sentences;
mod tunnel;

use std::time::Duration;

pub use self::peer::{Host, Peer};
pub use self::preload::library;
pub use self::program::{Program, port_of};
pub use self::tunnel::Tunnel;

pub const CHATROOM: &str = env!("CARGO_BIN_EXE_chatroom");

/// How long a test waits for an event before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);
