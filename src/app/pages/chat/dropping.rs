//! Drops anywhere on the page.
//!
//! The text view takes text that the user drops on it; everything else comes here. Files
//! come here first, because the text view would insert their paths.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use super::ChatPage;
use super::composer::Offer;

impl ChatPage {
    /// Starts to accept drops.
    pub(super) fn take_drops(&self) {
        let first = [gdk::FileList::static_type()];
        let last = [glib::Type::STRING, gdk::Texture::static_type()];
        for (types, phase) in [
            (&first[..], gtk::PropagationPhase::Capture),
            (&last[..], gtk::PropagationPhase::Bubble),
        ] {
            let target = gtk::DropTarget::new(glib::Type::INVALID, gdk::DragAction::COPY);
            target.set_types(types);
            target.set_propagation_phase(phase);
            target.connect_drop(glib::clone!(
                #[weak(rename_to = page)]
                self,
                #[upgrade_or]
                false,
                move |_, value, _, _| page.dropped(value)
            ));
            self.add_controller(target);
        }
    }

    fn dropped(&self, value: &glib::Value) -> bool {
        let composer = &self.imp().composer;
        if let Ok(files) = value.get::<gdk::FileList>() {
            composer.take_files(Some(&files))
        } else if let Ok(text) = value.get::<String>() {
            composer.take_text(&text)
        } else {
            composer.take_nothing(Offer::Picture)
        }
    }
}
