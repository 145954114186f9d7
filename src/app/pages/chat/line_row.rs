//! A row of the conversation: a message, a notice or the addresses of the room.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::room::{
    Content, Entry, Session,
    markup::{width_chars, without_tabs},
};
use crate::app::words::fill;

use super::addresses_row::AddressesRow;
use super::message_row::MessageRow;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::LineRow)]
    pub struct LineRow {
        /// The text of the row for a screen reader.
        #[property(get)]
        pub sentence: RefCell<String>,
        pub entry: RefCell<Option<(Entry, glib::SignalHandlerId)>>,
        pub session: glib::WeakRef<Session>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LineRow {
        const NAME: &'static str = "ChatroomLineRow";
        type Type = super::LineRow;
        type ParentType = adw::Bin;
    }

    #[glib::derived_properties]
    impl ObjectImpl for LineRow {
        fn dispose(&self) {
            self.obj().set_entry(None);
        }
    }

    impl WidgetImpl for LineRow {}
    impl BinImpl for LineRow {}
}

glib::wrapper! {
    /// A row of the conversation.
    pub struct LineRow(ObjectSubclass<imp::LineRow>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl LineRow {
    /// An empty row of the conversation of `session`.
    pub fn new(session: Option<&Session>) -> Self {
        let row: Self = glib::Object::new();
        row.imp().session.set(session);
        row.add_css_class("line");
        row
    }

    /// Shows another entry, or none.
    pub fn set_entry(&self, entry: Option<Entry>) {
        if let Some((old, handler)) = self.imp().entry.take() {
            old.disconnect(handler);
        }
        let Some(entry) = entry else {
            return;
        };
        self.show(&entry);
        let handler = entry.connect_changed(glib::clone!(
            #[weak(rename_to = row)]
            self,
            move |entry| row.show(entry)
        ));
        self.imp().entry.replace(Some((entry, handler)));
    }

    /// The key of the entry in the row.
    pub fn key(&self) -> Option<u64> {
        let entry = self.imp().entry.borrow();
        entry.as_ref().map(|(entry, _)| entry.key())
    }

    /// Whether the row shows one text, not a card with several.
    pub fn is_one_text(&self) -> bool {
        let entry = self.imp().entry.borrow();
        entry.as_ref().is_some_and(|(entry, _)| {
            let is_card = entry.show(|content, _| matches!(content, Content::Addresses(_)));
            is_card == Some(false)
        })
    }

    /// The text in the row, as its author wrote it.
    pub fn text(&self) -> Option<String> {
        let entry = self.imp().entry.borrow();
        let (entry, _) = entry.as_ref()?;
        entry.show(|content, _| match content {
            Content::Message(message) => Some(message.text.clone()),
            Content::Notice(text) => Some(text.clone()),
            Content::Addresses(addresses) => Some(addresses.join("\n")),
        })?
    }

    fn show(&self, entry: &Entry) {
        let sentence = entry.show(|content, heads| {
            if heads {
                self.add_css_class("heads");
            } else {
                self.remove_css_class("heads");
            }
            match content {
                Content::Message(message) => {
                    let session = self.imp().session.upgrade();
                    let row = self.child_of_type(|| MessageRow::new(session.as_ref()));
                    row.show(message, heads, entry.key());
                    row.sentence()
                }
                Content::Notice(text) => {
                    let label = self.child_of_type(notice);
                    label.set_label(&without_tabs(text));
                    label.set_width_chars(width_chars(text));
                    text.clone()
                }
                Content::Addresses(addresses) => {
                    self.child_of_type(AddressesRow::default).show(addresses);
                    let addresses = addresses.join(", ");
                    fill(
                        &gettext("The room is open. Others can join at {addresses}"),
                        &[("addresses", &addresses)],
                    )
                }
            }
        });
        self.imp().sentence.replace(sentence.unwrap_or_default());
        self.notify_sentence();
    }

    /// The child, if it has this type already; else a new one that replaces it.
    fn child_of_type<T: IsA<gtk::Widget>>(&self, new: impl FnOnce() -> T) -> T {
        self.child().and_downcast::<T>().unwrap_or_else(|| {
            let child = new();
            self.set_child(Some(&child));
            child
        })
    }
}

fn notice() -> gtk::Label {
    gtk::Label::builder()
        .wrap(true)
        .wrap_mode(gtk::pango::WrapMode::WordChar)
        .justify(gtk::Justification::Center)
        .selectable(true)
        // Marks on a name can be higher than the line.
        .overflow(gtk::Overflow::Hidden)
        .css_classes(["notice", "caption", "dimmed"])
        .build()
}
