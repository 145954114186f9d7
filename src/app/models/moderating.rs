//! What a host does to members and messages.

use std::time::{Duration, Instant};

use glib::subclass::prelude::*;

use crate::chat::{CannotSay, Message};
use crate::client::{Client, NotQueued};
use crate::room::MemberId;

use super::room_session::RoomSession;

impl RoomSession {
    /// Removes a member, and keeps them out for `ban`; with `renew`, the room also gets a
    /// new invitation.
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn remove(
        &self,
        id: MemberId,
        ban: Option<Duration>,
        renew: bool,
    ) -> Result<(), CannotSay> {
        self.ask(|client| client.kick(id, ban))?;
        if renew {
            self.renew_invitation()?;
        }
        Ok(())
    }

    /// Rejects the messages of a member for this long; zero lifts that.
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn mute(&self, id: MemberId, time: Duration) -> Result<(), CannotSay> {
        self.ask(|client| client.mute(id, time))
    }

    /// Makes a member the host instead of the user.
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn make_host(&self, id: MemberId) -> Result<(), CannotSay> {
        self.ask(|client| client.make_host(id))
    }

    /// Sets the time between two messages of each member; zero lifts that.
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn slow(&self, every: Duration) -> Result<(), CannotSay> {
        self.ask(|client| client.slow(every))
    }

    /// Erases the text of a message.
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn erase(&self, seq: u64) -> Result<(), CannotSay> {
        self.ask(|client| client.erase(seq))
    }

    /// The `seq` of a message, if the user may erase it.
    pub fn erasable(&self, message: &Message) -> Option<u64> {
        let chat = self.imp().chat.borrow();
        message.seq().filter(|_| chat.can_erase(message))
    }

    /// The sender of a message, if the user may remove them.
    pub fn removable_sender(&self, message: &Message) -> Option<(MemberId, String)> {
        let chat = self.imp().chat.borrow();
        let (id, name) = chat.removable_sender(message)?;
        Some((id, name.to_owned()))
    }

    /// The name of a member who is in the room.
    pub fn member_name(&self, id: MemberId) -> Option<String> {
        let chat = self.imp().chat.borrow();
        chat.member_name(id).map(str::to_owned)
    }

    /// For how much longer the user cannot send messages.
    pub fn muted_for(&self) -> Option<Duration> {
        self.imp().chat.borrow().muted_for(Instant::now())
    }

    pub(super) fn ask(
        &self,
        ask: impl FnOnce(&Client) -> Result<(), NotQueued>,
    ) -> Result<(), CannotSay> {
        let client = self.imp().client.get();
        let client = client.ok_or(CannotSay::NotQueued(NotQueued::Over))?;
        ask(client).map_err(CannotSay::NotQueued)
    }
}
