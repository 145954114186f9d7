//! Sends the user's messages, and handles unsent ones.

use gettextrs::gettext;
use gtk::subclass::prelude::*;

use crate::app::words;
use crate::room::{clean_text, fits};

use super::session::{Session, State};
use super::taking;

impl Session {
    /// Sends a message.
    ///
    /// # Errors
    /// Why the message cannot be sent, in a sentence.
    pub fn say(&self, text: &str) -> Result<(), String> {
        let imp = self.imp();
        let text = clean_text(text);
        let (me, name) = {
            let me = imp.me.borrow();
            (me.id(), me.name().to_owned())
        };
        let (State::Joined, Some(me), Some(client)) = (self.state(), me, imp.client.get()) else {
            return Err(gettext("You are not in the room any more."));
        };
        if text.chars().count() > self.text_limit() || !fits(&text) {
            return Err(words::too_long(self.text_limit()));
        }
        let id = client.say(&text).map_err(words::not_queued)?;
        let message = taking::pending(id, me, &name, &text);
        self.conversation().change(|timeline| timeline.say(message));
        self.keep();
        Ok(())
    }

    /// Sends an unsent message again.
    ///
    /// # Errors
    /// Why the message cannot be sent, in a sentence.
    pub fn send_again(&self, key: u64) -> Result<(), String> {
        let conversation = self.conversation();
        let unsent = conversation.read(|timeline| timeline.unsent(key));
        if let (Some((id, text)), Some(client)) = (unsent, self.imp().client.get()) {
            client.say_as(&id, &text).map_err(words::not_queued)?;
            conversation.change(|timeline| timeline.send_again(key));
            self.keep();
        }
        Ok(())
    }

    /// Deletes an unsent message.
    pub fn delete(&self, key: u64) {
        self.conversation().change(|timeline| timeline.delete(key));
        self.keep();
    }

    /// Tries to restore the connection at once.
    pub fn retry_now(&self) {
        if let Some(client) = self.imp().client.get() {
            client.retry_now();
        }
    }
}
