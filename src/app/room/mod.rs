//! The app's model of a room: the conversation, the members and the connection.
//!
//! The decisions are in files without GTK ([`timeline`], [`line`], [`members`], [`past`],
//! [`follow`], [`links`], [`markup`]); the objects around them notify widgets.

mod coming_back;
mod conversation;
mod entry;
pub mod follow;
mod interruption;
mod line;
pub mod links;
mod listing;
pub mod markup;
mod me;
mod member;
mod members;
mod past;
mod reading_back;
mod saying;
mod session;
mod taking;
mod timeline;

pub use self::entry::Entry;
pub use self::line::{Content, Delivery, Message};
pub use self::member::Member;
pub use self::session::{Session, State};
