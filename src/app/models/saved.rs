//! What the app saves of the user's stay in a room: the draft, what they could not send, and
//! what they need to come back.

use glib::subclass::prelude::*;

use crate::app::saved_state::{SavedRoom, Stay};
use crate::chat::Entered;
use crate::client::End;

use super::room_session::{RoomSession, State};

impl RoomSession {
    /// Saves that the user entered the room.
    pub(super) fn save_entering(&self, entered: Entered) {
        let imp = self.imp();
        if let Some(saved) = &*imp.saved.borrow() {
            saved.begin(Stay {
                name: imp.wanted_name.borrow().clone(),
                room: entered.room,
                session: entered.resume_token,
                epoch: entered.epoch,
                after: entered.after,
                hosted: self.hosts(),
                durable: entered.durable,
                private: self.standing().private,
                ..Stay::default()
            });
        }
    }

    /// Saves the position up to which the user has read, and the unconfirmed messages.
    pub(super) fn save_stay(&self) {
        let imp = self.imp();
        if let (Some(saved), State::Joined) = (&*imp.saved.borrow(), self.state()) {
            let chat = imp.chat.borrow();
            let owned = |(id, text): (&str, &str)| (id.to_owned(), text.to_owned());
            saved.go_on(chat.newest(), chat.unconfirmed().map(owned).collect());
        }
    }

    /// Ends the saved stay. The user cannot return to a room that was closed, that they
    /// left, or that they are in from elsewhere; but the app saves what they could not
    /// send there.
    pub(super) fn end_stay(&self, end: &End) {
        let is_for_good = matches!(end, End::RoomClosed | End::TakenOver | End::Left);
        if let Some(saved) = &*self.imp().saved.borrow()
            && is_for_good
        {
            saved.give_up();
        }
    }

    /// The text that the user typed here and did not send.
    pub fn draft(&self) -> String {
        let saved = self.imp().saved.borrow();
        saved.as_ref().map(SavedRoom::draft).unwrap_or_default()
    }

    /// Saves the typed text.
    pub fn set_draft(&self, draft: &str) {
        if let Some(saved) = &*self.imp().saved.borrow() {
            saved.set_draft(draft);
        }
    }

    /// Whether the user has unsent text here, which would be lost with the room.
    pub fn has_unsent(&self) -> bool {
        !self.draft().trim().is_empty() || self.imp().chat.borrow().unconfirmed().next().is_some()
    }

    /// Deletes the unsent text.
    pub fn discard_unsent(&self) {
        if let Some(saved) = &*self.imp().saved.borrow() {
            saved.discard();
        }
    }
}
