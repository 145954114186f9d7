//! The events of a room, as a client reports them.

use crate::protocol::native::frame::{
    Away, Back, Error, Gap, Joined, Left, MemberList, Notice, Page, Presence, Said, Welcome,
};
use crate::room::Entry;

use super::End;
use super::outbox::Own;

/// An event in the room, in the order of the server.
///
/// Names and texts in it are clean, whatever the server sent: nothing in them can act on
/// a terminal or a label.
#[derive(Debug)]
pub enum Event {
    /// The client is in the room now. Comes first, and once. If the welcome is `resumed`,
    /// the client is the same member as in an earlier run of the program.
    Welcomed(Box<Welcome<'static>>),
    /// A message; the client's own messages come too, with their id.
    Message(Entry<'static>),
    /// Someone joined.
    Joined(Joined<'static>),
    /// Someone left.
    Left(Left<'static>),
    /// Someone's connection was lost; they may come back.
    Away(Away<'static>),
    /// Someone who was away is back.
    Back(Back<'static>),
    /// Members of a big room came and left.
    Presence(Presence<'static>),
    /// The server had already accepted a message of the client with the same id.
    Said(Said<'static>),
    /// A notice from the server itself.
    Notice(Notice<'static>),
    /// Answers [`Client::ask_members`](super::Client::ask_members).
    Members(MemberList<'static>),
    /// Answers [`Client::ask_history`](super::Client::ask_history).
    Page(Page<'static>),
    /// The client missed messages, and will not get them.
    Gap(Gap),
    /// An entry of a kind that this version does not know. There is nothing to show, but
    /// nothing is missing at this `seq` either.
    Unknown {
        /// Its position among the entries.
        seq: u64,
    },
    /// An error that does not end the connection. If it names the id of a message, the
    /// server rejected that message. A message that came too fast is not reported: the
    /// client sends it again by itself.
    Error(Error<'static>),
    /// The connection was lost, in this way; the client tries to come back by itself.
    /// [`Event::Returned`] or [`Event::Ended`] follows. Requests that the server has not
    /// answered yet will not be answered.
    Interrupted(End),
    /// The client is in the room again: as the same member if the welcome is `resumed`,
    /// else as a new one. The messages that it missed follow, as far as the server holds
    /// them: every message with a `seq` below `next` that did not come before. If the
    /// `epoch` is another one, the log is another one. Nothing that came before comes
    /// again.
    Returned(Box<Welcome<'static>>),
    /// The client gives up a message of its own: the server did not accept it, or the
    /// client cannot know. [`Client::say_as`](super::Client::say_as) sends it again under
    /// the same id.
    Unsent {
        /// The message's id.
        id: String,
        /// The message's text.
        text: String,
    },
    /// The connection is over, or was never established. Comes last, and once.
    Ended(End),
}

impl Event {
    pub(super) fn unsent(own: Own) -> Self {
        let Own { id, text } = own;
        Self::Unsent { id, text }
    }
}
