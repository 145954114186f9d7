//! Chatroom: open a room and talk.
//!
//! A room is an append-only log, and everyone in it is a cursor into that log.
//! Each module knows only those above it:
//!
//! - [`room`]: the log, the names, the members; pure state, without I/O or a clock;
//! - [`wire`]: what goes over a connection: frames, doors, limits, addresses;
//! - [`store`]: keeps a room on disk;
//! - [`server`]: lets people in, and tells everyone what happens;
//! - [`client`]: joins a room, from a thread of its own;
//! - [`systemd`]: the service manager, its sockets and its journal;
//! - [`terminal`]: the faces without a desktop, `--server` and `--listen`;
//! - `app`: the GNOME app, with the feature `gui`;
//! - [`options`]: what the server can be told, as flags and in a file;
//! - [`cli`]: the command line, which picks a face; and [`manual`], made from it;
//! - `fuzzing`: what the fuzz targets call, with the feature `fuzzing`.

#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
pub mod client;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod manual;
pub mod options;
pub mod room;
pub mod server;
pub mod store;
pub mod systemd;
pub mod terminal;
pub mod wire;
