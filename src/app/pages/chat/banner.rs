//! The banner: a connection that was lost, and how the stay ended.

use std::cell::RefCell;
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::room::Session;
use crate::app::words;
use crate::client::End;

use super::ChatPage;

/// A connection that is back within this time is not worth a banner.
const WORTH_TELLING: Duration = Duration::from_millis(500);

/// A lost connection that is not told of yet.
#[derive(Debug, Default)]
pub struct Interruption {
    timer: RefCell<Option<glib::SourceId>>,
}

impl ChatPage {
    /// Says that the connection was lost, if that lasts, and that it is there again.
    pub(super) fn show_interruption(&self, session: &Session) {
        let imp = self.imp();
        let words = session.interruption();
        if words.is_empty() {
            self.tell_no_more();
            if imp.banner.is_revealed() {
                self.announce(
                    &gettext("You are back"),
                    gtk::AccessibleAnnouncementPriority::Medium,
                );
            }
            self.hide_banner();
            self.tend();
        } else if imp.banner.is_revealed() {
            self.show_banner(&words, &gettext("_Try Now"), "room.retry");
        } else if imp.interruption.timer.borrow().is_none() {
            self.tell_if_it_lasts();
        }
        self.show_count(session);
    }

    fn tell_if_it_lasts(&self) {
        let page = self.downgrade();
        let timer = glib::timeout_add_local_once(WORTH_TELLING, move || {
            let Some(page) = page.upgrade() else {
                return;
            };
            // It is over by itself.
            page.imp().interruption.timer.take();
            let words = page.session().map(|session| session.interruption());
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                page.show_banner(&words, &gettext("_Try Now"), "room.retry");
            }
        });
        self.imp().interruption.timer.replace(Some(timer));
    }

    fn tell_no_more(&self) {
        if let Some(timer) = self.imp().interruption.timer.take() {
            timer.remove();
        }
    }

    /// Says how it ended.
    pub(super) fn show_end(&self, end: &End) {
        self.tell_no_more();
        self.show_banner(&words::end(end), &gettext("_Leave"), "room.leave");
    }

    fn show_banner(&self, words: &str, button: &str, action: &str) {
        let banner = &self.imp().banner;
        banner.set_title(words);
        banner.set_button_label(Some(button));
        banner.set_action_name(Some(action));
        banner.set_revealed(true);
        self.announce(words, gtk::AccessibleAnnouncementPriority::High);
    }

    fn hide_banner(&self) {
        let imp = self.imp();
        // Its button takes the keyboard with it.
        if imp.banner.focus_child().is_some() {
            imp.composer.begin();
        }
        imp.banner.set_revealed(false);
    }
}
