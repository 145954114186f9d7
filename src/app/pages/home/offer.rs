//! The offer to return to a room that the user did not leave.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::saved_state::{SavedState, Stay, address_of};
use crate::app::strings::{fill, isolated};
use crate::protocol::address::Address;

use super::HomePage;

impl HomePage {
    /// Shows the offer, if there is such a room.
    pub(super) fn offer_to_return(&self) {
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let state = SavedState::shared();
            state.ready().await;
            if let Some(page) = page.upgrade() {
                page.show_offer(state.latest());
            }
        });
    }

    fn show_offer(&self, stay: Option<(String, Stay)>) {
        let imp = self.imp();
        let address = stay.as_ref().and_then(|(place, _)| address_of(place));
        imp.offer.set_visible(address.is_some());
        // The offer and the icon share the space.
        imp.icon
            .set_pixel_size(if address.is_some() { 64 } else { 128 });
        if let (Some((_, stay)), Some(address)) = (&stay, address) {
            let (title, subtitle) = if stay.hosted {
                (
                    gettext("Host “{room}” Again"),
                    gettext("As {name}, on port {port}"),
                )
            } else {
                (
                    gettext("Return to “{room}”"),
                    gettext("As {name}, at {address}"),
                )
            };
            let (room, name) = (isolated(&stay.room), isolated(&stay.name));
            let (port, address) = (address.port.to_string(), address.to_string());
            let values = [
                ("room", &*room),
                ("name", &*name),
                ("address", &*address),
                ("port", &*port),
            ];
            imp.back.set_title(&fill(&title, &values));
            imp.back.set_subtitle(&fill(&subtitle, &values));
            imp.back.grab_focus();
            // The name no longer has the focus, so none of it should look selected.
            imp.name.select_region(0, 0);
        }
        imp.stay.replace(stay);
    }

    /// Accepts the offer.
    pub(super) fn go_back(&self) {
        let Some((place, stay)) = self.imp().stay.borrow().clone() else {
            return;
        };
        let Some(address) = address_of(&place) else {
            return;
        };
        if stay.hosted {
            self.set_user_name(&stay.name);
            self.imp().save.set_active(stay.durable);
            self.imp().private.set_active(stay.private);
            self.host(Some(address.port));
        } else {
            self.join(&address, &stay.name);
        }
    }

    /// Joins a room under a name; under the one on this page, if it is empty.
    pub(super) fn join(&self, address: &Address, name: &str) {
        let place = (address.to_string(), name).to_variant();
        let _ = self.activate_action("window.join", Some(&place));
    }

    /// The user rejects the offer.
    pub(super) fn forget(&self) {
        if let Some((place, _)) = self.imp().stay.take() {
            SavedState::shared().give_up(&place);
        }
        self.imp().host.grab_focus();
        self.imp().offer.set_visible(false);
        self.offer_to_return();
    }
}
