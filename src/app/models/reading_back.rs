//! Gets older messages for a reader further up.

use glib::subclass::prelude::*;

use crate::protocol::PAGE_LIMIT;

use super::room_session::RoomSession;

impl RoomSession {
    /// The reader is near the oldest line: requests older messages, if there are some and
    /// no request is under way.
    pub fn read_back(&self) {
        let imp = self.imp();
        let Some(client) = imp.client.get() else {
            return;
        };
        let before = imp.chat.borrow_mut().read_back();
        if let Some(seq) = before
            && client.ask_history(Some(seq), PAGE_LIMIT).is_err()
        {
            // The next move to the top tries again.
            imp.chat.borrow_mut().forget_asked();
        }
        self.show_changes();
        self.show_loading();
    }

    /// The reader has moved to the end, or away from it.
    pub fn set_read_further_up(&self, further_up: bool) {
        let chat = &self.imp().chat;
        chat.borrow_mut().set_read_further_up(further_up);
        self.show_changes();
    }

    /// Notifies whether older messages are on their way.
    pub(super) fn show_loading(&self) {
        let loading = self.imp().chat.borrow().is_loading();
        if self.imp().loading.replace(loading) != loading {
            self.notify_loading();
        }
    }
}
