//! The events of a room, as a client reports them.

use crate::protocol::Pin;
use crate::protocol::native::frame::{
    Away, Back, Erased, Error, Gap, Host, Invite, Joined, Kicked, Left, Limits, MemberList, Muted,
    Notice, Page, Presence, Said, Welcome,
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
    /// How the connection is protected. Comes directly before each [`Event::Welcomed`] and
    /// [`Event::Returned`].
    Secured(Security),
    /// The client is in the room now. Comes once, before everything else. If the welcome is `resumed`,
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
    /// The text of a message was erased.
    Erased(Erased<'static>),
    /// A member is the host now.
    Host(Host<'static>),
    /// The limits for members are other ones now.
    Limits(Limits),
    /// Answers [`Client::kick`](super::Client::kick).
    Kicked(Kicked<'static>),
    /// Answers [`Client::mute`](super::Client::mute).
    Muted(Muted<'static>),
    /// Answers [`Client::invite`](super::Client::invite). Its link is a secret where the
    /// room is private.
    Invite(Invite<'static>),
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

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all: everyone on the way can read and change everything.
    Plain,
    /// By TLS. Whoever hosts the room can read it, and nobody on the way.
    Tls {
        /// The pin of the server.
        pin: Pin,
        /// The reason why the client trusts the server.
        trust: Trust,
    },
}

/// Why a client trusts a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It has the pin that an invitation, the settings or an earlier connection named.
    Pinned,
    /// It proved that it knows the room's key.
    Key,
    /// The client has met it before.
    Known,
    /// The client meets it for the first time.
    FirstUse,
}

impl Event {
    pub(super) fn unsent(own: Own) -> Self {
        let Own { id, text } = own;
        Self::Unsent { id, text }
    }
}
