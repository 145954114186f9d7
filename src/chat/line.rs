//! The lines of a conversation, as data: who shows a line makes the sentence.

use crate::room::{Body, Entry, MemberId};

use super::history::Beginning;

/// The view shows messages of one sender that come within this time as one group.
const GROUP_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A message.
    Message(Message),
    /// Someone joined.
    Joined {
        /// The member's name.
        name: String,
    },
    /// Someone left.
    Left {
        /// The member's name.
        name: String,
    },
    /// Someone's connection was lost.
    Lost {
        /// The member's name.
        name: String,
    },
    /// Someone whose connection was lost is back.
    Back {
        /// The member's name.
        name: String,
    },
    /// The host removed someone.
    Removed {
        /// The member's name.
        name: String,
    },
    /// Someone hosts the room now.
    Host {
        /// The member's name.
        name: String,
        /// Whether it is the user.
        is_me: bool,
    },
    /// Several members of a big room joined.
    ManyJoined {
        /// The number of those who joined.
        count: usize,
    },
    /// Several members of a big room left.
    ManyLeft {
        /// The number of those who left.
        count: usize,
    },
    /// The server no longer has messages that belong here.
    Gap {
        /// The number of missing messages.
        count: u64,
    },
    /// The user is back, and all that they missed stands above.
    CaughtUp {
        /// The number of messages from others.
        count: u32,
    },
    /// Another room has opened at the address: its server has none of the messages above.
    NewRoom,
    /// There is nothing above.
    Beginning(Beginning),
    /// The addresses at which others can join, in the server's words and as a list.
    Addresses(Vec<String>),
    /// A notice or an error of the server, in its words.
    Server {
        /// The words.
        text: String,
    },
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The sender.
    pub from: MemberId,
    /// The name of the sender.
    pub name: String,
    /// Whether the sender is the user.
    pub own: bool,
    /// The time, in milliseconds since 1970.
    pub at: i64,
    /// The text; empty if it was erased.
    pub text: String,
    /// Whether the text was erased.
    pub erased: bool,
    /// The state of its delivery.
    pub delivery: Delivery,
}

impl Message {
    /// A confirmed message. `own` says whether the user sent it.
    #[must_use]
    pub fn confirmed(entry: Entry<'static>, own: bool) -> Self {
        let (text, erased) = match entry.body {
            Body::Text { text, .. } => (text.into_owned(), false),
            _ => (String::new(), true),
        };
        Self {
            // Only an entry that is no message has no member.
            from: entry.author.id.unwrap_or(MemberId::MAX),
            name: entry.author.name.into_owned(),
            own,
            at: entry.at.as_millisecond(),
            erased,
            text,
            delivery: Delivery::Confirmed(entry.seq),
        }
    }

    /// The id, if the message is not confirmed.
    #[must_use]
    pub fn unconfirmed_id(&self) -> Option<&str> {
        match &self.delivery {
            Delivery::Confirmed(_) => None,
            Delivery::Pending(id) | Delivery::Unsent { id, .. } => Some(id),
        }
    }

    /// The `seq`, if the server has accepted the message.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self.delivery {
            Delivery::Confirmed(seq) => Some(seq),
            Delivery::Pending(_) | Delivery::Unsent { .. } => None,
        }
    }
}

/// The state of a message's delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server has accepted it, and given it this `seq`.
    Confirmed(u64),
    /// It was sent under this id, and the server has not answered yet.
    Pending(String),
    /// The server did not accept it, or the client cannot know.
    Unsent {
        /// The id under which the user can send it again.
        id: String,
        /// The reason.
        why: NotSent,
    },
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The session is over, or the client cannot know.
    Unknown,
    /// The user sent more than the server takes at once.
    TooFast,
    /// The host has muted the user.
    Muted,
    /// The message has too many characters or lines.
    TooLong,
    /// Nothing was left of the text.
    Empty,
    /// Another reason, in the server's words.
    Rejected(String),
}

/// Whether `line` continues the group of `before`, the line above.
pub fn continues(before: Option<&Line>, line: &Line) -> bool {
    match (before, line) {
        (Some(Line::Message(before)), Line::Message(this)) => {
            before.from == this.from
                && before.name == this.name
                && before.own == this.own
                && (0..GROUP_MILLISECONDS).contains(&this.at.saturating_sub(before.at))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: u64, name: &str, at: i64) -> Line {
        Line::Message(Message {
            from: MemberId::new(from).unwrap(),
            name: name.into(),
            own: false,
            at,
            text: "hi".into(),
            erased: false,
            delivery: Delivery::Confirmed(1),
        })
    }

    #[test]
    fn what_one_person_says_at_a_stretch_is_one_group() {
        let first = line(1, "ada", 1_000);
        assert!(!continues(None, &first));
        assert!(continues(Some(&first), &line(1, "ada", 2_000)));
        assert!(!continues(Some(&first), &line(2, "ada", 2_000)));
        assert!(!continues(Some(&first), &line(1, "eve", 2_000)));
        let later = 1_000 + GROUP_MILLISECONDS;
        assert!(continues(Some(&first), &line(1, "ada", later - 1)));
        assert!(!continues(Some(&first), &line(1, "ada", later)));
        // The clock was set back.
        assert!(!continues(Some(&first), &line(1, "ada", 0)));
    }

    #[test]
    fn a_notice_ends_a_group() {
        let notice = Line::Joined { name: "eve".into() };
        assert!(!continues(Some(&notice), &line(1, "ada", 0)));
        assert!(!continues(Some(&line(1, "ada", 0)), &notice));
    }
}
