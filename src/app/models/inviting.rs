//! The invitation to the user's room: what they came with, or what the server says.

use gio::prelude::*;
use glib::subclass::prelude::*;

use crate::chat::CannotSay;
use crate::client::{Security, Trust};
use crate::protocol::invitation::Invitation;

use super::room_session::RoomSession;

impl RoomSession {
    /// The invitation that the user can pass on now. A host gets a better one with
    /// [`refresh_invitation`](Self::refresh_invitation).
    pub fn invitation(&self) -> Invitation {
        let imp = self.imp();
        if let Some(invitation) = &*imp.invitation.borrow() {
            return invitation.clone();
        }
        let mut invitation = imp.way_in.borrow().clone();
        // Handing it on does not hand the role of the host on.
        invitation.host_key = None;
        if let Some(Security::Tls { pin, .. }) = self.standing().security {
            invitation.pin = Some(pin);
        }
        invitation
    }

    /// Gets the invitation with all addresses at which others can join, if the user hosts
    /// the room. Returns when it is there.
    pub async fn refresh_invitation(&self) {
        let handle = self
            .imp()
            .server
            .borrow()
            .as_ref()
            .map(|it| it.handle().clone());
        let Some(handle) = handle else {
            if self.standing().hosts {
                // If the server does not answer, there is the invitation of before.
                let _ = self.ask(|client| client.invite(false));
            }
            return;
        };
        let made = gio::spawn_blocking(move || handle.invitation(false)).await;
        if let Ok(Some(invitation)) = made {
            self.take_invitation(&invitation);
        }
    }

    /// Replaces the room's key: earlier invitations let nobody in any more. The answer
    /// comes as an [`Answer`](crate::chat::Answer).
    ///
    /// # Errors
    /// If the request cannot be sent.
    pub fn renew_invitation(&self) -> Result<(), CannotSay> {
        self.ask(|client| client.invite(true))?;
        self.imp().renewing.set(true);
        Ok(())
    }

    /// The server has said how others can join.
    pub(super) fn take_invitation(&self, invitation: &Invitation) {
        let imp = self.imp();
        imp.invitation.replace(Some(invitation.clone()));
        imp.way_in.borrow_mut().key.clone_from(&invitation.key);
        self.save_way_in();
        self.emit_by_name::<()>("invitation-changed", &[]);
    }

    /// Calls `changed` when there is another invitation.
    pub fn connect_invitation(&self, changed: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            "invitation-changed",
            false,
            glib::closure_local!(move |session: &Self| changed(session)),
        )
    }

    /// Saves with what the user got in, where more than the address was needed. A pin that
    /// was trusted on first use is not saved here: the computer at the address may be
    /// another one tomorrow.
    pub(super) fn save_way_in(&self) {
        let imp = self.imp();
        let saved = imp.saved.borrow();
        let Some(saved) = saved.as_ref().filter(|_| !self.hosts()) else {
            return;
        };
        let mut way_in = imp.way_in.borrow().clone();
        if let Some(Security::Tls {
            pin,
            trust: Trust::Key,
        }) = self.standing().security
        {
            way_in.pin = Some(pin);
        }
        let is_needed = way_in.pin.is_some() || way_in.is_secret();
        saved.set_invitation(is_needed.then_some(&way_in));
    }
}
