//! Chatroom: open a room and talk.
//!
//! A room is an append-only log, and everyone in it is a cursor into that log.
//! A module imports only from those above it; a test checks this (`tests/imports`):
//!
//! - `lock`: locks with an order that is checked;
//! - [`clock`]: the time of day, which never fails;
//! - `harmless`: what a text must not do on a terminal, for tests and the fuzz targets;
//! - [`room`]: the log, the names, the members; pure state, without I/O or a clock;
//! - [`protocol`]: bytes to values and back: frames, texts, limits, addresses;
//! - [`net`]: this computer's interfaces, addresses and links, and news of them;
//! - [`store`]: saves a room on disk;
//! - [`server`]: accepts connections, and sends everyone what happens;
//! - [`client`]: joins a room, from a thread of its own;
//! - [`chat`]: what any client shows of a room, without a toolkit;
//! - `platform`: the system around the program: signals, and the service manager with its
//!   journal; with the feature `cli` or `gui`;
//! - `terminal`: the parts without a desktop, `--server` and `--listen`, with the feature
//!   `cli`;
//! - `cli`: the command line, the options and their file, the manual page, with the feature
//!   `cli`;
//! - `app`: the GNOME app, with the feature `gui`;
//! - `fuzzing`: what the fuzz targets call, with the feature `fuzzing`.

#[cfg(feature = "gui")]
pub mod app;
pub mod chat;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod clock;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(any(test, feature = "fuzzing"))]
mod harmless;
// The library alone waits for no condition under a lock.
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
mod lock;
pub mod net;
#[cfg(any(feature = "cli", feature = "gui"))]
pub mod platform;
pub mod protocol;
pub mod room;
pub mod server;
pub mod store;
#[cfg(feature = "cli")]
pub mod terminal;
