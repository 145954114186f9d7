//! What stands in a conversation, one thing below the other.

use crate::room::MemberId;

/// Messages of one sender that come within this time are shown as one group.
const GROUP_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// One thing in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Tells it from every other line, whatever becomes of it.
    pub key: u64,
    /// What it is.
    pub content: Content,
}

/// What can stand in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Someone said something.
    Message(Message),
    /// Something happened, or the server has something to say.
    Notice(String),
    /// Where others can join, in the words of the server and each by itself.
    Addresses(Vec<String>),
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub from: MemberId,
    /// Their name.
    pub name: String,
    /// Whether that is the user.
    pub own: bool,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What was said.
    pub text: String,
    /// What is known of its way to the others.
    pub delivery: Delivery,
}

impl Message {
    /// The id of one that is not confirmed.
    pub fn unconfirmed_id(&self) -> Option<&str> {
        match &self.delivery {
            Delivery::Confirmed(_) => None,
            Delivery::Pending(id) | Delivery::Unsent { id, .. } => Some(id),
        }
    }

    /// Its place among all messages, if the server has given it one.
    pub fn seq(&self) -> Option<u64> {
        match self.delivery {
            Delivery::Confirmed(seq) => Some(seq),
            Delivery::Pending(_) | Delivery::Unsent { .. } => None,
        }
    }
}

/// What is known of a message's way to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server has given it its place, its `seq`.
    Confirmed(u64),
    /// It was sent under this id, and nothing was heard of it yet.
    Pending(String),
    /// It was not said, or it is not known whether it was.
    Unsent {
        /// The id under which it can be sent again.
        id: String,
        /// Why, in words.
        why: String,
    },
}

/// Whether `line` continues what the sender of `before`, the line above, says.
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
        // A clock that was set back.
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
