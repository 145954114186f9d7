//! Notifies those who show where the user stands in a room, and of the answers to what the
//! user asked for.

use glib::prelude::*;
use glib::subclass::prelude::*;

use crate::chat::{Answer, Standing};

use super::room_session::RoomSession;

impl RoomSession {
    /// Where the user stands.
    pub fn standing(&self) -> Standing {
        self.imp().chat.borrow().standing()
    }

    /// Notifies those who show it, if it is another one.
    pub(super) fn show_standing(&self) {
        let standing = self.standing();
        if self.imp().standing.replace(standing) != standing {
            self.emit_by_name::<()>("standing-changed", &[]);
        }
    }

    /// Calls `changed` when the user stands somewhere else.
    pub fn connect_standing(&self, changed: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            "standing-changed",
            false,
            glib::closure_local!(move |session: &Self| changed(session)),
        )
    }

    /// Notifies of the answers to what the user asked for.
    pub(super) fn show_answers(&self, answers: Vec<Answer>) {
        for answer in answers {
            if let Answer::Invitation(invitation) = &answer {
                self.take_invitation(invitation);
                // Else it is the one of before, only newly told.
                if !self.imp().renewing.take() {
                    continue;
                }
            }
            self.emit_by_name::<()>("answered", &[&glib::BoxedAnyObject::new(answer)]);
        }
    }

    /// Calls `answered` with each answer to what the user asked for.
    pub fn connect_answered(
        &self,
        answered: impl Fn(&Self, &Answer) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect_closure(
            "answered",
            false,
            glib::closure_local!(move |session: &Self, answer: &glib::BoxedAnyObject| {
                answered(session, &answer.borrow::<Answer>());
            }),
        )
    }
}
