//! Keeps the end of the conversation in view for a reader at the end. [`Autoscroll`] decides
//! what to do.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::strings::count;
use crate::chat::autoscroll::{Autoscroll, View};

use super::ChatPage;

/// The state of a page.
#[derive(Debug, Default)]
pub struct Autoscrolling {
    state: RefCell<Autoscroll>,
    /// The page will move the list to its end after the layout.
    moving: Cell<bool>,
    /// The list has jumped to its newest row, and may have to go on to its end.
    jumped: Cell<bool>,
    /// The page will react to the reader's position in a moment.
    tending: Cell<bool>,
}

impl ChatPage {
    /// Starts to follow.
    pub(super) fn start_autoscroll(&self) {
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
        let must_move = self.imp().autoscrolling.state.borrow_mut().viewed(view);
        if must_move {
            self.move_to_end();
        } else {
            self.imp().autoscrolling.jumped.set(false);
        }
        self.tend();
        self.show_unread();
    }

    /// Requests older messages before the reader is at the top, and drops the oldest for
    /// a reader at the end; but not during a layout of the list.
    pub(super) fn tend(&self) {
        if self.imp().autoscrolling.tending.replace(true) {
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
            page.imp().autoscrolling.tending.set(false);
            let further_up = !page.is_at_end();
            session.set_read_further_up(further_up);
            let view = view(&page.imp().scroller.vadjustment());
            if view.is_near_top() && (further_up || view.is_whole()) {
                session.read_back();
            }
        });
    }

    /// This many messages from others came.
    pub(super) fn count_unread(&self, messages: u32) {
        self.imp()
            .autoscrolling
            .state
            .borrow_mut()
            .received(messages);
        self.show_unread();
    }

    /// Goes to the end, wherever the user is.
    pub(super) fn go_to_end(&self) {
        self.imp().autoscrolling.state.borrow_mut().go_to_end();
        self.move_to_end();
        self.show_unread();
    }

    /// Whether the end is visible, or will be in a moment.
    pub(super) fn is_at_end(&self) -> bool {
        self.imp().autoscrolling.state.borrow().follows()
    }

    /// Moves the list to its end, but not during a layout. If the list turns out to be
    /// longer than estimated, this is called again.
    fn move_to_end(&self) {
        if self.imp().autoscrolling.moving.replace(true) {
            return;
        }
        let page = self.downgrade();
        glib::idle_add_local_once(move || {
            let Some(page) = page.upgrade() else {
                return;
            };
            let autoscrolling = &page.imp().autoscrolling;
            autoscrolling.moving.set(false);
            if autoscrolling.state.borrow().follows() {
                page.scroll_to_end();
            }
        });
    }

    /// If its adjustment moves a list to rows that it has never laid out, it may stay
    /// blank. So the page crosses a long way by jumping to the newest row first.
    fn scroll_to_end(&self) {
        let imp = self.imp();
        let adjustment = imp.scroller.vadjustment();
        let end = adjustment.upper() - adjustment.page_size();
        let far = end - adjustment.value() > adjustment.page_size();
        let newest = imp.list.model().map_or(0, |model| model.n_items());
        match newest.checked_sub(1) {
            Some(newest) if far && !imp.autoscrolling.jumped.replace(true) => {
                imp.list.scroll_to(newest, gtk::ListScrollFlags::NONE, None);
            }
            _ => adjustment.set_value(end),
        }
    }

    /// Shows the button to the end to a reader who is not there.
    fn show_unread(&self) {
        let imp = self.imp();
        let (away, unread) = {
            let state = imp.autoscrolling.state.borrow();
            (!state.follows(), state.unread())
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
