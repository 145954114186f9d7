//! What any client shows of a room, without a toolkit: pure state, for a window as for a
//! terminal.
//!
//! [`Chat`] is the whole of it: the events of a client and the times go in
//! ([`Chat::reduce`]), the [`Effects`] come out, and [`Chat::take_changes`] tells a list
//! that shows the conversation what to splice. Lines are data, not sentences: who shows
//! them makes the sentence, in the user’s language.
//!
//! - `state`: [`Chat`]; `reduce`: what each event does to it, and `effects`: what is
//!   left to do then;
//! - `line`: the lines of a conversation; `timeline`: their order, and the state of the
//!   user's own messages; `history`: the older ones, and the requests for them;
//! - `members`: the members, as far as the server has reported them; `me`: the user's own;
//! - `moderation`: what a host has set, and the answers to a user who is the host;
//!   `standing`: that, and what else decides what the user may do, in one value;
//! - `interruption`: a lost connection that the client is restoring;
//! - [`links`]: the links in a text; [`autoscroll`]: whether a list follows its end.

pub mod autoscroll;
mod effects;
mod history;
mod interruption;
mod line;
pub mod links;
mod me;
mod members;
mod moderation;
mod reduce;
mod standing;
mod state;
mod timeline;

pub use self::effects::{Effects, Entered, News};
pub use self::history::Beginning;
pub use self::interruption::{Interruption, Outage};
pub use self::line::{Delivery, Line, Message, NotSent};
pub use self::members::{Ask, Known, Row};
pub use self::moderation::{Answer, Refusal};
pub use self::standing::Standing;
pub use self::state::{CannotSay, Chat, Earlier, Moment, Phase};
pub use self::timeline::{Change, Shown, difference};

#[cfg(test)]
mod tests;
