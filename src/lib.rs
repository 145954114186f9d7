//! Chatroom: open a room and talk.
#[cfg(feature = "gui")]
pub mod app;
