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
#[path = "../support/sentences.rs"]
mod sentences;
mod store;
mod text;
