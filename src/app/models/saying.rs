//! Sends the user's messages, and handles unsent ones.

use glib::subclass::prelude::*;

use crate::chat::CannotSay;
use crate::client::NotQueued;

use super::room_session::RoomSession;

impl RoomSession {
    /// Sends a message.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn say(&self, text: &str) -> Result<(), CannotSay> {
        let imp = self.imp();
        let text = imp.chat.borrow().sayable(text)?;
        let client = imp.client.get();
        let client = client.ok_or(CannotSay::NotQueued(NotQueued::Over))?;
        let id = client.say(&text).map_err(CannotSay::NotQueued)?;
        imp.chat
            .borrow_mut()
            .say(id, &text, super::room_session::now());
        self.show_changes();
        self.save_stay();
        Ok(())
    }

    /// Sends an unsent message again.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn send_again(&self, key: u64) -> Result<(), CannotSay> {
        let imp = self.imp();
        let unsent = imp.chat.borrow().unsent(key);
        if let (Some((id, text)), Some(client)) = (unsent, imp.client.get()) {
            client.say_as(&id, &text).map_err(CannotSay::NotQueued)?;
            imp.chat.borrow_mut().send_again(key);
            self.show_changes();
            self.save_stay();
        }
        Ok(())
    }

    /// Deletes an unsent message.
    pub fn delete(&self, key: u64) {
        self.imp().chat.borrow_mut().delete(key);
        self.show_changes();
        self.save_stay();
    }

    /// Tries to restore the connection at once.
    pub fn retry_now(&self) {
        if let Some(client) = self.imp().client.get() {
            client.retry_now();
        }
    }
}
