//! Keeps the text that the user reads in its position while lines above it are inserted
//! or removed.
//!
//! A list keeps its topmost row in its position, but that row may lose its heading when
//! it comes to continue a group, and then everything below it would move. So this watches
//! the end of that row: after the layout of the list, and before it is drawn.

use std::cell::RefCell;
use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::ChatPage;
use super::line_row::LineRow;

impl ChatPage {
    /// The top of the list is about to change.
    pub(super) fn anchor_scroll(&self) {
        if self.is_at_end() {
            return;
        }
        let (Some(clock), Some((key, end))) = (self.frame_clock(), self.topmost()) else {
            return;
        };
        let laid_out = clock.connect_layout(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_| {
                if let Some(now) = page.end_of(key) {
                    let moved = f64::from(now - end);
                    if moved.abs() >= 0.5 {
                        let adjustment = page.imp().scroller.vadjustment();
                        adjustment.set_value(adjustment.value() + moved);
                    }
                }
            }
        ));
        let laid_out = RefCell::new(Some(laid_out));
        let itself = Rc::new(RefCell::new(None));
        let handler = clock.connect_after_paint(glib::clone!(
            #[strong]
            itself,
            move |clock| {
                for handler in [laid_out.take(), itself.take()].into_iter().flatten() {
                    clock.disconnect(handler);
                }
            }
        ));
        itself.replace(Some(handler));
    }

    /// The topmost visible row, and its end, from the top of the list's visible part.
    fn topmost(&self) -> Option<(u64, f32)> {
        self.rows()
            .filter(|(_, end)| *end > 0.0)
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    fn end_of(&self, key: u64) -> Option<f32> {
        self.rows().find(|(it, _)| *it == key).map(|(_, end)| end)
    }

    /// The keys of the rows that are laid out, and their ends.
    fn rows(&self) -> impl Iterator<Item = (u64, f32)> {
        let imp = self.imp();
        let place = imp.scroller.clone();
        let first = imp.list.first_child();
        std::iter::successors(first, WidgetExt::next_sibling)
            .filter(WidgetExt::is_mapped)
            .filter_map(move |row| {
                let key = row.first_child().and_downcast::<LineRow>()?.key()?;
                let bounds = row.compute_bounds(&place)?;
                Some((key, bounds.y() + bounds.height()))
            })
    }
}
