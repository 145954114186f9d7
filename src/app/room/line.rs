//! The lines of a conversation.

use crate::room::MemberId;

/// The view shows messages of one sender that come within this time as one group.
const GROUP_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The key, which no other line has. It never changes.
    pub key: u64,
    /// The content of the line.
    pub content: Content,
}

/// The content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Message(Message),
    /// An event, or a notice from the server.
    Notice(String),
    /// The addresses at which others can join, in the server's words and as a list.
    Addresses(Vec<String>),
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
    /// The text.
    pub text: String,
    /// The state of its delivery.
    pub delivery: Delivery,
}

impl Message {
    /// The id, if the message is not confirmed.
    pub fn unconfirmed_id(&self) -> Option<&str> {
        match &self.delivery {
            Delivery::Confirmed(_) => None,
            Delivery::Pending(id) | Delivery::Unsent { id, .. } => Some(id),
        }
    }

    /// The `seq`, if the server has accepted the message.
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
        /// The reason, in words.
        why: String,
    },
}

/// Whether `line` continues the group of `before`, the line above.
pub fn continues(before: Option<&Line>, line: &Line) -> bool {
    match (before.map(|it| &it.content), &line.content) {
        (Some(Content::Message(before)), Content::Message(this)) => {
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
        Line {
            key: 0,
            content: Content::Message(Message {
                from: MemberId::new(from).unwrap(),
                name: name.into(),
                own: false,
                at,
                text: "hi".into(),
                delivery: Delivery::Confirmed(1),
            }),
        }
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
        let notice = Line {
            key: 1,
            content: Content::Notice("eve came in".into()),
        };
        assert!(!continues(Some(&notice), &line(1, "ada", 0)));
        assert!(!continues(Some(&line(1, "ada", 0)), &notice));
    }
}
