//! Chatroom: open a room and talk.
//!
//! A room is an append-only log, and everyone in it is a cursor into that log.
//! A module imports only from those above it; a test checks this (`tests/imports`):
//!
//! - `lock`: locks with an order that is checked;
//! - [`clock`]: the time of day, which never fails;
//! - `owner_file`: files that only their owner can read;
//! - `harmless`: what a text must not do on a terminal, for tests and the fuzz targets;
//! - [`room`]: the log, the names, the members; pure state, without I/O or a clock;
//! - [`protocol`]: bytes to values and back: frames, texts, limits, addresses, invitations;
//! - [`net`]: this computer's interfaces, addresses and links, and news of them;
//! - [`tls`]: encryption on the way: a server's identity, and how it shows that;
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
//!
//! Where something new belongs:
//!
//! | something new | its place |
//! | --- | --- |
//! | a reaction, or another thing that a room remembers | a `Body` in `room/entry.rs`, a command in `room/command.rs`, a frame in `protocol/native/frame/`, a `kind` in `store/sqlite/schema.rs`, a line in `chat/line.rs` |
//! | another way of bytes, beside plain and TLS | a `Transport` in `protocol/sniff/`, a state of `server/link/`, a choice in `server/connection/greet.rs`; the client's side in `client/connect.rs` |
//! | the browser, or another language | a `Protocol` in `protocol/sniff/`, a folder in `protocol/`, an input in `server/session/`, an encoding in `protocol/encodings.rs` |
//! | another request, as `kick` is | a frame, a command, and an arm in `server/session/native.rs` that asks the hub (`server/hub/commands.rs`, or `moderation.rs` for hosts) |
//! | an option | an entry in `cli/options/list.rs` |

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
mod owner_file;
#[cfg(any(feature = "cli", feature = "gui"))]
pub mod platform;
pub mod protocol;
pub mod room;
pub mod server;
pub mod store;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod tls;
