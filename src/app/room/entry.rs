//! A line of a conversation, for a row to show.

use std::cell::{Cell, OnceCell, RefCell};

use gtk::glib;
use gtk::glib::subclass::Signal;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::line::{Content, Line};

mod imp {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Debug, Default)]
    pub struct Entry {
        pub key: OnceCell<u64>,
        pub content: RefCell<Option<Content>>,
        pub heads: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Entry {
        const NAME: &'static str = "ChatroomEntry";
        type Type = super::Entry;
    }

    impl ObjectImpl for Entry {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<[Signal; 1]> =
                LazyLock::new(|| [Signal::builder("changed").build()]);
            SIGNALS.as_ref()
        }
    }
}

glib::wrapper! {
    /// A line of a conversation. It stays the same object when a pending message is
    /// confirmed or rejected.
    pub struct Entry(ObjectSubclass<imp::Entry>);
}

impl Entry {
    pub(super) fn new(key: u64) -> Self {
        let entry: Self = glib::Object::new();
        let _ = entry.imp().key.set(key);
        entry
    }

    /// The key, which no other entry of the conversation has.
    pub fn key(&self) -> u64 {
        self.imp().key.get().copied().unwrap_or_default()
    }

    /// Passes the content to `show`, and whether the entry begins a group, which shows
    /// the sender.
    pub fn show<T>(&self, show: impl FnOnce(&Content, bool) -> T) -> Option<T> {
        let imp = self.imp();
        let content = imp.content.borrow();
        content
            .as_ref()
            .map(|content| show(content, imp.heads.get()))
    }

    pub(super) fn set_line(&self, line: &Line, heads: bool) {
        let imp = self.imp();
        if imp.heads.replace(heads) == heads && imp.content.borrow().as_ref() == Some(&line.content)
        {
            return;
        }
        imp.content.replace(Some(line.content.clone()));
        self.emit_by_name::<()>("changed", &[]);
    }

    /// Calls `changed` whenever the content changes.
    pub fn connect_changed(&self, changed: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            "changed",
            false,
            glib::closure_local!(move |entry: &Self| changed(entry)),
        )
    }
}
