//! Tests across modules: real sockets, real processes.

mod client;
mod common;
mod crowd;
mod crush;
mod docs;
mod door;
mod hostile;
mod limits;
mod native;
mod resume;
mod room;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod text;

use self::support::sentences;
