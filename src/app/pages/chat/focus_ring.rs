//! Moves the focus from one part of the page to the next with F6, and back to the
//! composer with Escape.

use adw::prelude::*;
use adw::subclass::prelude::*;

use super::ChatPage;
use super::line_row::LineRow;
use crate::app::pages::text_menu::tell_copied;

impl ChatPage {
    /// The visible parts, in their order.
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

    /// Goes to the previous part.
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
            // The focus begins at the newest message, if it is visible.
            Some(newest) if part == list.upcast_ref::<gtk::Widget>() => {
                if self.is_at_end() {
                    list.scroll_to(newest, gtk::ListScrollFlags::FOCUS, None);
                }
                list.grab_focus() || list.child_focus(gtk::DirectionType::TabForward)
            }
            _ => part.grab_focus() || part.child_focus(gtk::DirectionType::TabForward),
        }
    }

    /// Copies the message that has the focus. If a part of it is selected, its label
    /// copies that part first.
    pub(super) fn copy(&self) {
        let focus = self.root().and_then(|root| root.focus());
        let row = focus.and_then(|focus| focus.first_child());
        let text = row.and_downcast::<LineRow>().and_then(|row| row.text());
        if let Some(text) = text {
            self.clipboard().set_text(&text);
            tell_copied(self);
        }
    }

    /// Moves the focus to the composer, for keys that were typed elsewhere on the page.
    /// Returns `None` if the user cannot write any more.
    pub fn place_to_write(&self) -> Option<gtk::TextView> {
        let view = self.imp().composer.open_view()?;
        self.write();
        Some(view)
    }

    /// Goes back to the composer; first closes what lies over the conversation.
    pub(super) fn write(&self) {
        let split = &self.imp().split;
        if split.is_collapsed() && split.shows_sidebar() {
            split.set_show_sidebar(false);
        }
        self.imp().composer.begin();
    }
}
