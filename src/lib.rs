//! Chatroom: open a room and talk.
#[cfg(feature = "gui")]
pub mod app;
pub mod client;
pub mod room;
pub mod server;
pub mod wire;
