//! The question before the user leaves a room: it names what would be lost.

use adw::prelude::*;
use gettextrs::gettext;

use crate::app::models::{RoomSession, State};
use crate::app::strings::count;
use crate::client::End;

/// The state of the room after the user leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// The room goes on, or may open again.
    #[default]
    GoesOn,
    /// The room closes, because the user hosts it.
    Closes,
    /// The room was closed before.
    Closed,
}

/// The things that can be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stakes {
    /// The state of the room after the user leaves it.
    pub fate: Fate,
    /// The number of others in the room.
    pub others: u32,
    /// There are messages that no store has.
    pub unsaved: bool,
    /// The user has unsent text.
    pub unsent: bool,
}

/// The question to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether to close the room.
    Close(Stakes),
    /// Whether to discard the unsent text.
    Discard,
}

impl Stakes {
    /// The stakes of a session.
    pub fn of(session: &RoomSession) -> Self {
        let closed =
            session.state() == State::Ended && matches!(session.end(), Some(End::RoomClosed));
        let fate = match (session.hosts(), closed) {
            (true, _) => Fate::Closes,
            (false, true) => Fate::Closed,
            (false, false) => Fate::GoesOn,
        };
        Self {
            fate,
            others: session.others(),
            unsaved: !session.durable() && session.has_messages(),
            unsent: session.has_unsent(),
        }
    }

    /// The question before the user leaves, if there is one. A room that goes on without
    /// them needs no question: their draft is there when they come back.
    pub fn question(self) -> Option<Question> {
        let loses_anything = self.others > 0 || self.unsaved || self.unsent;
        match self.fate {
            Fate::Closes if loses_anything => Some(Question::Close(self)),
            Fate::Closed if self.unsent => Some(Question::Discard),
            _ => None,
        }
    }
}

impl Question {
    /// The dialog with the question. Its response is `close` for yes, and `cancel` for
    /// no.
    pub fn dialog(self) -> adw::AlertDialog {
        let (heading, body, yes) = match self {
            Self::Close(stakes) => (
                gettext("Close the Room?"),
                losses(stakes),
                gettext("Close _Room"),
            ),
            Self::Discard => (
                gettext("Discard Unsent Text?"),
                gettext("The room was closed, so your text cannot be sent."),
                gettext("_Discard"),
            ),
        };
        let dialog = adw::AlertDialog::new(Some(&heading), Some(&body));
        dialog.add_responses(&[("cancel", &gettext("_Cancel")), ("close", &yes)]);
        dialog.set_response_appearance("close", adw::ResponseAppearance::Destructive);
        dialog.set_default_response(Some("cancel"));
        dialog.set_close_response("cancel");
        dialog
    }
}

/// The losses of a room that closes, in sentences.
fn losses(stakes: Stakes) -> String {
    let mut sentences = Vec::new();
    if stakes.others > 0 {
        sentences.push(count(
            "{n} other member is in the room. They can keep reading, but no one can send messages.",
            "{n} other members are in the room. They can keep reading, but no one can send messages.",
            usize::try_from(stakes.others).unwrap_or(usize::MAX),
        ));
    }
    if stakes.unsaved {
        sentences.push(gettext(
            "The messages in this room are not saved and will be lost.",
        ));
    }
    if stakes.unsent {
        sentences.push(gettext("Your unsent text will be lost."));
    }
    sentences.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_when_others_or_messages_or_a_draft_would_be_lost() {
        let host = Stakes {
            fate: Fate::Closes,
            ..Stakes::default()
        };
        assert_eq!(host.question(), None);
        for stakes in [
            Stakes { others: 1, ..host },
            Stakes {
                unsaved: true,
                ..host
            },
            Stakes {
                unsent: true,
                ..host
            },
        ] {
            assert_eq!(stakes.question(), Some(Question::Close(stakes)));
        }
    }

    #[test]
    fn a_guest_is_asked_only_for_text_that_has_no_room_to_go_to() {
        let guest = Stakes {
            others: 3,
            unsaved: true,
            unsent: true,
            ..Stakes::default()
        };
        // The room goes on, and the app saves the draft for it.
        assert_eq!(guest.question(), None);
        let closed = Stakes {
            fate: Fate::Closed,
            ..guest
        };
        assert_eq!(closed.question(), Some(Question::Discard));
        let sent = Stakes {
            unsent: false,
            ..closed
        };
        assert_eq!(sent.question(), None);
    }

    #[test]
    fn the_question_tells_all_that_is_lost() {
        let body = losses(Stakes {
            fate: Fate::Closes,
            others: 2,
            unsaved: true,
            unsent: true,
        });
        assert_eq!(
            body,
            "2 other members are in the room. They can keep reading, but no one can send \
             messages.\n\nThe messages in this room are not saved and will be lost.\n\nYour \
             unsent text will be lost."
        );
    }
}
