//! The frames of the native protocol: one JSON object with one key, the frame's name.
//! `docs/protocol.md` is the specification, and a test compares it with the lists here.
//!
//! A new frame takes a line in one of the two enums below, and its content, with
//! `content!`, a place in the file of its topic. Readers ignore unknown keys and unknown
//! frames, so that the protocol can grow; of an unknown frame with a `seq`, a client
//! counts the `seq` ([`Reply::Unknown`]).

mod clean;
mod define;
mod entry;
mod hello;
mod line;
mod members;
mod messages;
mod notices;
mod optional;
mod repair;
mod unknown;

use serde::{Deserialize, Serialize};

use crate::room::Entry;

use self::define::{Content, content, frames};
use self::line::{Frames, Read};
use self::unknown::Unknown;

pub use self::clean::{IntoClean, clean_sentence};
pub use self::define::{FrameInfo, Side};
pub use self::hello::{Hello, Limits, Welcome};
pub use self::line::{NotAFrame, read_reply, read_request, write_frame};
pub use self::members::{Away, Back, Joined, Left, Member, MemberList, MembersRequest, Presence};
pub use self::messages::{Gap, HistoryRequest, Page, Said, Say};
pub use self::notices::{
    Closed, ClosedCode, Code, Error, NOTICE_ADDRESS, NOTICE_DELAYED, NOTICE_RESUMED, NOTICES,
    Notice,
};

content! {
    /// A frame without content.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Empty {}
}

frames! {
    /// A frame from a client.
    pub enum Request<'a> from Client {
        /// Joins the room; must be the first frame besides pings.
        "hello" since "0.1" => Hello(Hello<'a>),
        /// Sends a message.
        "say" since "0.1" => Say(Say<'a>),
        /// Requests a part of the list of members.
        "members" since "0.1" => Members(MembersRequest),
        /// Requests a page of past messages.
        "history" since "0.1" => History(HistoryRequest),
        /// Checks that the server is there; allowed before `hello` too.
        "ping" since "0.1" => Ping(Empty),
        /// Answers a `ping`.
        "pong" since "0.1" => Pong(Empty),
        /// Leaves the room.
        "bye" since "0.1" => Bye(Empty),
    }
}

frames! {
    /// A frame from a server.
    pub enum Reply<'a> from Server {
        /// Answers `hello`.
        "welcome" since "0.1" => Welcome(Welcome<'a>),
        /// A member sent a message.
        "message" since "0.1" => Message(Entry<'a>),
        /// The room already has a message with the same id from this member.
        "said" since "0.1" => Said(Said<'a>),
        /// A member joined.
        "joined" since "0.1" => Joined(Joined<'a>),
        /// A member left.
        "left" since "0.1" => Left(Left<'a>),
        /// A member's connection was lost; it may come back.
        "away" since "0.1" => Away(Away<'a>),
        /// An absent member is back.
        "back" since "0.1" => Back(Back<'a>),
        /// Members of a big room joined and left.
        "presence" since "0.1" => Presence(Presence<'a>),
        /// Answers `members`.
        "members" since "0.1" => Members(MemberList<'a>),
        /// Answers `history`.
        "page" since "0.1" => Page(Page<'a>),
        /// This client missed messages.
        "gap" since "0.1" => Gap(Gap),
        /// Checks that the client is there.
        "ping" since "0.1" => Ping(Empty),
        /// Answers `ping`.
        "pong" since "0.1" => Pong(Empty),
        /// A sentence of the server itself.
        "notice" since "0.1" => Notice(Notice<'a>),
        /// An error.
        "error" since "0.1" => Error(Error<'a>),
        /// The reason why the connection ends. Nothing follows.
        "closed" since "0.1" => Closed(Closed<'a>),
        else
        /// An entry of a kind that this version does not know. It is never written.
        Unknown {
            /// Its place among all entries.
            seq: u64,
        } by Unknown::into_read
    }
}
