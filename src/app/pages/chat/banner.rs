//! The banner, which reports a lost connection and the end of the session.

use std::cell::RefCell;
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::models::RoomSession;
use crate::app::pages::identity::IdentityPage;
use crate::app::strings;
use crate::client::End;

use super::ChatPage;

/// The banner does not show a loss that is over within this time.
const WORTH_TELLING: Duration = Duration::from_millis(500);

/// How often the banner changes while the connection is lost: it counts seconds.
const TICK: Duration = Duration::from_secs(1);

/// The state of the report about a lost connection.
#[derive(Debug, Default)]
pub struct Interruption {
    /// The time until the banner appears, and then until it changes.
    timer: RefCell<Option<glib::SourceId>>,
}

impl ChatPage {
    /// Reports that the connection is lost, if that lasts, and that it is back.
    pub(super) fn show_interruption(&self, session: &RoomSession) {
        if session.interrupted() {
            self.tell_within(WORTH_TELLING);
        } else {
            self.tell_no_more();
            if self.imp().banner.is_revealed() {
                self.announce(
                    &gettext("You are back"),
                    gtk::AccessibleAnnouncementPriority::Medium,
                );
            }
            self.hide_banner();
            self.tend();
        }
        self.show_count(session);
    }

    fn tell_within(&self, time: Duration) {
        self.tell_no_more();
        let page = self.downgrade();
        let timer = glib::timeout_add_local_once(time, move || {
            if let Some(page) = page.upgrade() {
                // The timer has ended by itself.
                page.imp().interruption.timer.take();
                page.tell_of_interruption();
            }
        });
        self.imp().interruption.timer.replace(Some(timer));
    }

    /// Says for how long the connection has been lost and when the client tries again,
    /// while it is lost. A screen reader says it once, not every second.
    fn tell_of_interruption(&self) {
        let outage = self.session().and_then(|session| session.outage());
        let Some(outage) = outage else {
            return;
        };
        let words = strings::outage(&outage);
        let banner = &self.imp().banner;
        if banner.is_revealed() {
            banner.set_title(&words);
        } else {
            self.show_banner(&words, &gettext("_Try Now"), "room.retry");
        }
        self.tell_within(TICK);
    }

    fn tell_no_more(&self) {
        if let Some(timer) = self.imp().interruption.timer.take() {
            timer.remove();
        }
    }

    /// Says how the session ended.
    pub(super) fn show_end(&self, end: &End) {
        self.tell_no_more();
        let (button, action) = match end {
            End::OtherIdentity { .. } => (gettext("_Details"), "room.identity"),
            _ => (gettext("_Leave"), "room.leave"),
        };
        self.show_banner(&strings::end(end), &button, action);
    }

    /// Asks what to do about the other computer that answers. Whoever joins it leaves this
    /// room, which is over.
    pub(super) fn ask_about_identity(&self) {
        let Some(session) = self.session() else {
            return;
        };
        let Some(question) = IdentityPage::about(&session) else {
            return;
        };
        let link = session.way_in().link();
        question.connect_accepted(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |found| {
                let place = (link.as_str(), found.to_string()).to_variant();
                let _ = page.activate_action("window.join-anyway", Some(&place));
            }
        ));
        question.show_over(self);
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
        // When the button goes, it takes the focus with it.
        if imp.banner.focus_child().is_some() {
            imp.composer.begin();
        }
        imp.banner.set_revealed(false);
    }
}
