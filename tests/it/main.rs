//! What crosses a module: real sockets, real processes.

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
mod text;
