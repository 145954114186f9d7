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
mod moderation;
mod notices;
mod optional;
mod private;
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
pub use self::moderation::{
    By, Erase, Erased, Host, Invite, InviteRequest, Kick, Kicked, MakeHost, Mute, Muted, Slow,
};
pub use self::notices::{
    Closed, ClosedCode, Code, Error, NOTICE_ADDRESS, NOTICE_DELAYED, NOTICE_RESUMED, NOTICES,
    Notice,
};
pub use self::private::{About, Challenge, Proof};

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
        /// Proves that the client knows the key, or is the host.
        "proof" since "0.1" => Proof(Proof<'a>),
        /// Asks what room this is; allowed before `hello` too.
        "about" since "0.1" => About(Empty),
        /// Removes a member. From the host.
        "kick" since "0.1" => Kick(Kick),
        /// Rejects the messages of a member for a while. From the host.
        "mute" since "0.1" => Mute(Mute),
        /// Sets the time between two messages of each member. From the host.
        "slow" since "0.1" => Slow(Slow),
        /// Erases the text of a message. From the host, or from who wrote it.
        "erase" since "0.1" => Erase(Erase),
        /// Hands the role of the host over. From the host.
        "host" since "0.1" => Host(MakeHost),
        /// Requests an invitation. From the host.
        "invite" since "0.1" => Invite(InviteRequest),
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
        /// The server wants a proof before it answers `hello`.
        "challenge" since "0.1" => Challenge(Challenge<'a>),
        /// Answers `about`.
        "about" since "0.1" => About(About<'a>),
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
        /// The text of a message was erased.
        "erased" since "0.1" => Erased(Erased<'a>),
        /// A member is the host now.
        "host" since "0.1" => Host(Host<'a>),
        /// The limits for members are other ones now.
        "limits" since "0.1" => Limits(Limits),
        /// Answers `kick`.
        "kicked" since "0.1" => Kicked(Kicked<'a>),
        /// Answers `mute`.
        "muted" since "0.1" => Muted(Muted<'a>),
        /// Answers `invite`.
        "invite" since "0.1" => Invite(Invite<'a>),
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
