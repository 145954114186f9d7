//! Tests across modules: real sockets, real processes.

mod client;
mod common;
mod crowd;
mod crush;
mod docs;
mod door;
mod hostile;
mod limits;
mod moderation;
mod native;
mod parts;
mod private;
mod resume;
mod room;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod tls;

use self::support::sentences;

/// Where the tests of doors find their server: outside TLS, and inside it in [`tls`].
mod room_of {
    pub use crate::common::{Host, Peer, TestServer};
}
