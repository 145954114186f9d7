//! Keeps the end of the conversation in view for who is there. What is to be done
//! is decided in [`Follow`].

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::room::follow::{Follow, View};
use crate::app::words::count;

use super::ChatPage;

/// What a page knows of it.
#[derive(Debug, Default)]
pub struct Following {
    follow: RefCell<Follow>,
    /// The list will be moved to its end when it has been laid out.
    moving: Cell<bool>,
    /// The list has jumped to its newest row, and may have to go on to its end.
    jumped: Cell<bool>,
    /// What follows from where the reader is will be done in a moment.
    tending: Cell<bool>,
}

impl ChatPage {
    /// Begins to follow.
    pub(super) fn follow(&self) {
        let adjustment = self.imp().scroller.vadjustment();
        adjustment.connect_changed(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |adjustment| page.viewed(adjustment)
        ));
        adjustment.connect_value_changed(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |adjustment| page.viewed(adjustment)
        ));
    }

    fn viewed(&self, adjustment: &gtk::Adjustment) {
        let view = view(adjustment);
        let must_move = self.imp().following.follow.borrow_mut().viewed(view);
        if must_move {
            self.move_to_end();
        } else {
            self.imp().following.jumped.set(false);
        }
        self.tend();
        self.show_unread();
    }

    /// Has older messages come before the reader is at the top, and the oldest go for
    /// who is at the end; but not in the middle of the list being laid out.
    pub(super) fn tend(&self) {
        if self.imp().following.tending.replace(true) {
            return;
        }
        let page = self.downgrade();
        glib::idle_add_local_once(move || {
            let Some((page, session)) = page.upgrade().and_then(|page| {
                let session = page.session()?;
                Some((page, session))
            }) else {
                return;
            };
            page.imp().following.tending.set(false);
            let further_up = !page.is_at_end();
            session.conversation().set_read_further_up(further_up);
            let view = view(&page.imp().scroller.vadjustment());
            if view.is_near_top() && (further_up || view.is_whole()) {
                session.read_back();
            }
        });
    }

    /// This many messages of others came in.
    pub(super) fn received_while_following(&self, messages: u32) {
        self.imp().following.follow.borrow_mut().received(messages);
        self.show_unread();
    }

    /// Goes to the end, wherever the user was.
    pub(super) fn go_to_end(&self) {
        self.imp().following.follow.borrow_mut().go_to_end();
        self.move_to_end();
        self.show_unread();
    }

    /// Whether the end is in view, or will be in a moment.
    pub(super) fn is_at_end(&self) -> bool {
        self.imp().following.follow.borrow().follows()
    }

    /// Moves the list to its end, but not in the middle of its being laid out. If
    /// it turns out to be longer than thought, this is called again.
    fn move_to_end(&self) {
        if self.imp().following.moving.replace(true) {
            return;
        }
        let page = self.downgrade();
        glib::idle_add_local_once(move || {
            let Some(page) = page.upgrade() else {
                return;
            };
            let following = &page.imp().following;
            following.moving.set(false);
            if following.follow.borrow().follows() {
                page.scroll_to_end();
            }
        });
    }

    /// A list that is moved by its adjustment to rows that it has never laid out may
    /// stay blank; so a long way is gone to the newest row first.
    fn scroll_to_end(&self) {
        let imp = self.imp();
        let adjustment = imp.scroller.vadjustment();
        let end = adjustment.upper() - adjustment.page_size();
        let far = end - adjustment.value() > adjustment.page_size();
        let newest = imp.list.model().map_or(0, |model| model.n_items());
        match newest.checked_sub(1) {
            Some(newest) if far && !imp.following.jumped.replace(true) => {
                imp.list.scroll_to(newest, gtk::ListScrollFlags::NONE, None);
            }
            _ => adjustment.set_value(end),
        }
    }

    /// Shows the way back to the end to who is not there.
    fn show_unread(&self) {
        let imp = self.imp();
        let (away, unread) = {
            let follow = imp.following.follow.borrow();
            (!follow.follows(), follow.unread())
        };
        imp.to_end.set_reveal_child(away);
        imp.to_end_button.set_sensitive(away);
        imp.unread.set_visible(unread > 0);
        imp.unread.set_label(&unread.to_string());
        let label = if unread == 0 {
            gettext("Go to the Newest Message")
        } else {
            let number = usize::try_from(unread).unwrap_or(usize::MAX);
            count("{n} New Message", "{n} New Messages", number)
        };
        let button = &imp.to_end_button;
        if button.tooltip_text().is_none_or(|it| it != label) {
            button.set_tooltip_text(Some(&label));
            button.update_property(&[gtk::accessible::Property::Label(&label)]);
        }
    }
}

fn view(adjustment: &gtk::Adjustment) -> View {
    View {
        value: adjustment.value(),
        upper: adjustment.upper(),
        page: adjustment.page_size(),
    }
}
