//! What a batch of events leaves to do.

use crate::client::End;

use super::line::{Line, NotSent};
use super::members::Ask;
use super::moderation::Answer;

/// What is left to do after a batch of events, besides showing the changes.
#[derive(Debug, Default)]
pub struct Effects {
    /// The number of new messages from others.
    pub received: u32,
    /// What a screen reader says of the batch, oldest first.
    pub news: Vec<News>,
    /// A request for members to send to the server.
    pub ask: Option<Ask>,
    /// The members have changed.
    pub members_changed: bool,
    /// The list of members should be requested again soon.
    pub members_stale: bool,
    /// The user entered the room, for the first time or again.
    pub entered: Option<Entered>,
    /// The user entered the room for the first time.
    pub joined: bool,
    /// The server's answers to what the user asked for.
    pub answers: Vec<Answer>,
    /// The session is over.
    pub ended: Option<End>,
}

/// What the user needs to come back to the room in another run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The name of the room.
    pub room: String,
    /// The token to resume with: a secret between the client and the server.
    pub resume_token: String,
    /// The epoch, which distinguishes the room's log from every other.
    pub epoch: String,
    /// The `seq` of the last entry before the user entered.
    pub after: u64,
    /// The room saves its messages.
    pub durable: bool,
}

/// Something to say to a person who does not look at the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A message from someone else.
    Message {
        /// The sender's name.
        name: String,
        /// The text.
        text: String,
    },
    /// A line that is no message.
    Line(Line),
    /// The text of a message was erased.
    Erased {
        /// The sender's name.
        name: String,
    },
    /// A message of the user was not sent.
    NotSent(NotSent),
    /// Older messages came.
    Older {
        /// The number of messages.
        count: usize,
    },
}
