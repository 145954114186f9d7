//! Where the user stands in a room: whether they host it, what protects the connection,
//! what the host has set.

use std::time::{Duration, Instant};

use glib::prelude::*;
use glib::subclass::prelude::*;

use crate::chat::Answer;
use crate::client::Security;

use super::room_session::RoomSession;

/// Where the user stands in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the user is the host, and may moderate.
    pub hosts: bool,
    /// Whether only those may join who were invited.
    pub private: bool,
    /// How the latest connection is, or was, protected.
    pub security: Option<Security>,
    /// The time between two messages of each member; zero without such a limit.
    pub slow: Duration,
    /// Until when the user cannot send messages.
    pub muted_until: Option<Instant>,
}

impl RoomSession {
    /// Where the user stands.
    pub fn standing(&self) -> Standing {
        let chat = self.imp().chat.borrow();
        Standing {
            hosts: chat.hosts(),
            private: chat.is_private(),
            security: chat.security(),
            slow: chat.slow(),
            muted_until: chat.muted_until(),
        }
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
