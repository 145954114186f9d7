//! Going from one part of the page to the next with F6, and back to writing with
//! Escape.

use adw::prelude::*;
use adw::subclass::prelude::*;

use super::ChatPage;
use super::line_row::LineRow;
use crate::app::pages::text_menu::tell_copied;

impl ChatPage {
    /// The parts that can be seen, in their order.
    fn parts(&self) -> Vec<gtk::Widget> {
        let imp = self.imp();
        let mut parts: Vec<gtk::Widget> = vec![
            imp.composer.clone().upcast(),
            imp.list.clone().upcast(),
            imp.header.clone().upcast(),
        ];
        if imp.split.shows_sidebar() {
            parts.insert(2, imp.members.clone().upcast());
        }
        if imp.banner.is_revealed() {
            parts.push(imp.banner.clone().upcast());
        }
        parts.retain(WidgetExt::is_sensitive);
        parts
    }

    /// Goes to the next part.
    pub(super) fn next_part(&self) {
        self.step(1);
    }

    /// Goes to the part before.
    pub(super) fn previous_part(&self) {
        self.step(self.parts().len().saturating_sub(1));
    }

    /// Goes this many parts further; the first one that takes the focus counts.
    fn step(&self, step: usize) {
        let parts = self.parts();
        let focus = self.root().and_then(|root| root.focus());
        let here = parts.iter().position(|part| {
            focus
                .as_ref()
                .is_some_and(|focus| focus == part || focus.is_ancestor(part))
        });
        let mut place = here.unwrap_or(0);
        for _ in 0..parts.len() {
            place = (place + step) % parts.len();
            if parts.get(place).is_some_and(|part| self.enter(part)) {
                return;
            }
        }
    }

    fn enter(&self, part: &gtk::Widget) -> bool {
        let list = &self.imp().list;
        let newest = list
            .model()
            .map_or(0, |model| model.n_items())
            .checked_sub(1);
        match newest {
            // The newest message is the one to begin with, if it can be seen.
            Some(newest) if part == list.upcast_ref::<gtk::Widget>() => {
                if self.is_at_end() {
                    list.scroll_to(newest, gtk::ListScrollFlags::FOCUS, None);
                }
                list.grab_focus() || list.child_focus(gtk::DirectionType::TabForward)
            }
            _ => part.grab_focus() || part.child_focus(gtk::DirectionType::TabForward),
        }
    }

    /// Copies the message that has the focus. A part of it that is selected is
    /// copied by its label before that.
    pub(super) fn copy(&self) {
        let focus = self.root().and_then(|root| root.focus());
        let row = focus.and_then(|focus| focus.first_child());
        let text = row.and_downcast::<LineRow>().and_then(|row| row.text());
        if let Some(text) = text {
            self.clipboard().set_text(&text);
            tell_copied(self);
        }
    }

    /// Goes to the place to write, for what was typed elsewhere on the page; nothing, if
    /// nothing can be written any more.
    pub fn place_to_write(&self) -> Option<gtk::TextView> {
        let view = self.imp().composer.open_view()?;
        self.write();
        Some(view)
    }

    /// Back to writing; first out of what lies over the conversation.
    pub(super) fn write(&self) {
        let split = &self.imp().split;
        if split.is_collapsed() && split.shows_sidebar() {
            split.set_show_sidebar(false);
        }
        self.imp().composer.begin();
    }
}
