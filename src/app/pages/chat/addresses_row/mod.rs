//! The addresses at which others can join, each with a button that copies it.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::strings::fill;

/// How long a button says that it has copied.
pub const COPIED_SECONDS: u32 = 2;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/addresses_row/row.ui")]
    pub struct AddressesRow {
        #[template_child]
        pub heading: TemplateChild<gtk::Label>,
        #[template_child]
        pub addresses: TemplateChild<gtk::ListBox>,
        pub shown: RefCell<Vec<String>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AddressesRow {
        const NAME: &'static str = "ChatroomAddressesRow";
        type Type = super::AddressesRow;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for AddressesRow {}
    impl WidgetImpl for AddressesRow {}
    impl BinImpl for AddressesRow {}
}

glib::wrapper! {
    /// A row with the addresses at which others can join.
    pub struct AddressesRow(ObjectSubclass<imp::AddressesRow>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl Default for AddressesRow {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl AddressesRow {
    /// Shows these addresses, of a room that only those may join who were invited, or of
    /// another one.
    pub fn show(&self, addresses: &[String], private: bool) {
        let imp = self.imp();
        imp.heading.set_label(&if private {
            gettext("The room is open. Others can join with an invitation")
        } else {
            gettext("The room is open. Others can join at")
        });
        if *imp.shown.borrow() == addresses {
            return;
        }
        imp.addresses.remove_all();
        for address in addresses {
            imp.addresses.append(&row(address));
        }
        imp.shown.replace(addresses.to_vec());
    }
}

fn row(address: &str) -> adw::ActionRow {
    let label = fill(&gettext("Copy {address}"), &[("address", address)]);
    copy_row(address, None, &label)
}

/// A row with a text, below its `name` if it has one, and a button with this `label` that
/// copies it.
pub fn copy_row(text: &str, name: Option<&str>, label: &str) -> adw::ActionRow {
    let row = adw::ActionRow::builder()
        .use_markup(false)
        .title(name.unwrap_or(text))
        .build();
    if name.is_some() {
        row.add_css_class("property");
        row.set_subtitle(text);
        row.set_subtitle_selectable(true);
    } else {
        row.set_title_selectable(true);
    }
    let copy = gtk::Button::builder()
        .icon_name("edit-copy-symbolic")
        .tooltip_text(gettext("Copy"))
        .valign(gtk::Align::Center)
        .css_classes(["flat"])
        .build();
    copy.update_property(&[gtk::accessible::Property::Label(label)]);
    let text = text.to_owned();
    copy.connect_clicked(move |button| {
        button.clipboard().set_text(&text);
        button.set_icon_name("object-select-symbolic");
        button.announce(
            &gettext("Copied"),
            gtk::AccessibleAnnouncementPriority::Medium,
        );
        let button = button.downgrade();
        glib::timeout_add_seconds_local_once(COPIED_SECONDS, move || {
            if let Some(button) = button.upgrade() {
                button.set_icon_name("edit-copy-symbolic");
            }
        });
    });
    row.add_suffix(&copy);
    row
}
