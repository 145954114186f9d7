//! The app's objects over what it shows of a room ([`crate::chat`]), without widgets: they
//! notify those that show it.

mod conversation;
mod inviting;
mod line_object;
mod member;
mod member_list;
mod moderating;
mod reading_back;
mod room_session;
mod saved;
mod saying;
mod standing;

pub use self::line_object::LineObject;
pub use self::member::Member;
pub use self::room_session::{RoomSession, State};
