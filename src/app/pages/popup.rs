//! Menus that exist only while they are open: a right click, a long press or a key opens
//! them.

use gtk::prelude::*;
use gtk::{gdk, gio, glib};

/// A menu at a place of the widget that it is opened over.
pub fn menu(model: &impl IsA<gio::MenuModel>, place: &gdk::Rectangle) -> gtk::PopoverMenu {
    let popover = gtk::PopoverMenu::from_model(Some(model));
    popover.set_has_arrow(false);
    popover.set_halign(gtk::Align::Start);
    popover.set_pointing_to(Some(place));
    popover
}

/// Opens a menu over a widget. It is gone when it is closed, or when the widget is.
pub fn open(popover: &gtk::PopoverMenu, over: &impl IsA<gtk::Widget>) {
    popover.set_parent(over);
    popover.connect_closed(|popover| {
        // The menu still has to run the chosen action.
        let popover = popover.clone();
        glib::idle_add_local_once(move || take_away(&popover));
    });
    over.connect_destroy(glib::clone!(
        #[weak]
        popover,
        move |_| take_away(&popover)
    ));
    // GTK adds the lines between the sections when it is idle. A menu that is open by then
    // keeps its size, and its last item is cut off.
    let popover = popover.clone();
    glib::idle_add_local_once(move || {
        if popover.parent().is_some() {
            popover.popup();
        }
    });
}

fn take_away(popover: &gtk::PopoverMenu) {
    if popover.parent().is_some() {
        popover.unparent();
    }
}
