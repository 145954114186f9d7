//! Deletes the saved messages of rooms that the user hosted.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::hosting;
use crate::app::strings;

use super::HomePage;

impl HomePage {
    /// Offers the deletion, if there is something to delete.
    pub(super) fn offer_to_delete(&self) {
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let keeps = hosting::has_saved().await;
            if let Some(page) = page.upgrade() {
                page.imp().delete.set_visible(keeps);
            }
        });
    }

    /// Deletes the messages, if the user is sure.
    pub(super) fn ask_to_delete(&self) {
        let dialog = adw::AlertDialog::new(
            Some(&gettext("Delete Saved Messages?")),
            Some(&gettext(
                "All saved messages from rooms you hosted will be permanently deleted.",
            )),
        );
        dialog.add_responses(&[
            ("cancel", &gettext("_Cancel")),
            ("delete", &gettext("_Delete")),
        ]);
        dialog.set_response_appearance("delete", adw::ResponseAppearance::Destructive);
        dialog.set_default_response(Some("cancel"));
        dialog.set_close_response("cancel");
        let choice = dialog.choose_future(Some(self));
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            if choice.await != "delete" {
                return;
            }
            let deleted = hosting::delete_saved().await;
            if let Some(page) = page.upgrade() {
                page.deleted(deleted.map_err(|error| strings::not_saved(&error)));
            }
        });
    }

    fn deleted(&self, result: Result<(), String>) {
        // The button with the focus disappears.
        self.imp().host.grab_focus();
        self.imp().banner.set_revealed(false);
        if let Err(why) = result {
            self.show_banner(&why);
        } else {
            let sentence = gettext("Saved messages deleted").to_variant();
            let _ = self.activate_action("window.tell", Some(&sentence));
        }
        self.offer_to_delete();
    }
}
