//! A row of the conversation: a message, a notice or the addresses of the room.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::app::models::{LineObject, RoomSession};
use crate::app::strings;
use crate::chat::{Line, Message};
use crate::room::MemberId;

use super::addresses_row::AddressesRow;
use super::markup::{width_chars, without_tabs};
use super::message_row::MessageRow;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::LineRow)]
    pub struct LineRow {
        /// The text of the row for a screen reader.
        #[property(get)]
        pub sentence: RefCell<String>,
        pub line: RefCell<Option<(LineObject, glib::SignalHandlerId)>>,
        pub session: glib::WeakRef<RoomSession>,
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
            self.obj().set_line(None);
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
    pub fn new(session: Option<&RoomSession>) -> Self {
        let row: Self = glib::Object::new();
        row.imp().session.set(session);
        row.add_css_class("line");
        row
    }

    /// Shows another line, or none.
    pub fn set_line(&self, line: Option<LineObject>) {
        if let Some((old, handler)) = self.imp().line.take() {
            old.disconnect(handler);
        }
        let Some(line) = line else {
            return;
        };
        self.show(&line);
        let handler = line.connect_changed(glib::clone!(
            #[weak(rename_to = row)]
            self,
            move |line| row.show(line)
        ));
        self.imp().line.replace(Some((line, handler)));
    }

    /// The key of the line in the row.
    pub fn key(&self) -> Option<u64> {
        let line = self.imp().line.borrow();
        line.as_ref().map(|(line, _)| line.key())
    }

    /// Whether the row shows one text, not a card with several.
    pub fn is_one_text(&self) -> bool {
        let line = self.imp().line.borrow();
        line.as_ref().is_some_and(|(line, _)| {
            let is_card = line.show(|line, _| matches!(line, Line::Addresses(_)));
            is_card == Some(false)
        })
    }

    /// The text in the row, as its author wrote it; `None` if it was erased.
    pub fn text(&self) -> Option<String> {
        let line = self.imp().line.borrow();
        let (line, _) = line.as_ref()?;
        line.show(|line, _| match line {
            Line::Message(message) if message.erased => None,
            Line::Message(message) => Some(message.text.clone()),
            Line::Addresses(addresses) => Some(addresses.join("\n")),
            line => Some(strings::line(line)),
        })?
    }

    /// The `seq` of the message in the row, if the user may erase it.
    pub fn erasable(&self) -> Option<u64> {
        self.of_message(RoomSession::erasable)
    }

    /// The sender of the message in the row, if the user may remove them.
    pub fn removable_sender(&self) -> Option<(MemberId, String)> {
        self.of_message(RoomSession::removable_sender)
    }

    fn of_message<T>(&self, of: impl FnOnce(&RoomSession, &Message) -> Option<T>) -> Option<T> {
        let session = self.imp().session.upgrade()?;
        let line = self.imp().line.borrow();
        let (line, _) = line.as_ref()?;
        line.show(|line, _| match line {
            Line::Message(message) => of(&session, message),
            _ => None,
        })?
    }

    fn show(&self, object: &LineObject) {
        let sentence = object.show(|line, heads| {
            if heads {
                self.add_css_class("heads");
            } else {
                self.remove_css_class("heads");
            }
            match line {
                Line::Message(message) => {
                    let session = self.imp().session.upgrade();
                    let row = self.child_of_type(|| MessageRow::new(session.as_ref()));
                    row.show(message, heads, object.key());
                    row.sentence()
                }
                Line::Addresses(addresses) => {
                    let session = self.imp().session.upgrade();
                    let private = session.is_some_and(|it| it.standing().private);
                    self.child_of_type(AddressesRow::default)
                        .show(addresses, private);
                    strings::line(line)
                }
                line => {
                    let text = strings::line(line);
                    let label = self.child_of_type(notice);
                    label.set_label(&without_tabs(&text));
                    label.set_width_chars(width_chars(&text));
                    text
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
