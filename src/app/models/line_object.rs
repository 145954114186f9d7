//! A line of a conversation, for a row to show.

use std::cell::{Cell, RefCell};

use gio::prelude::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;

use crate::chat::{Line, Shown};

mod imp {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Debug, Default)]
    pub struct LineObject {
        pub key: Cell<u64>,
        pub line: RefCell<Option<Line>>,
        pub heads: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LineObject {
        const NAME: &'static str = "ChatroomLineObject";
        type Type = super::LineObject;
    }

    impl ObjectImpl for LineObject {
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
    pub struct LineObject(ObjectSubclass<imp::LineObject>);
}

impl LineObject {
    pub(super) fn new(shown: Shown) -> Self {
        let object: Self = glib::Object::new();
        object.imp().key.set(shown.key);
        object.set(shown);
        object
    }

    /// The key, which no other line of the conversation has.
    pub fn key(&self) -> u64 {
        self.imp().key.get()
    }

    /// Passes the line to `show`, and whether it begins a group, which shows the sender.
    pub fn show<T>(&self, show: impl FnOnce(&Line, bool) -> T) -> Option<T> {
        let imp = self.imp();
        let line = imp.line.borrow();
        line.as_ref().map(|line| show(line, imp.heads.get()))
    }

    /// Shows the same line as it looks now.
    pub(super) fn set(&self, shown: Shown) {
        let imp = self.imp();
        let Shown { line, heads, .. } = shown;
        if imp.heads.replace(heads) == heads && imp.line.borrow().as_ref() == Some(&line) {
            return;
        }
        imp.line.replace(Some(line));
        self.emit_by_name::<()>("changed", &[]);
    }

    /// Calls `changed` whenever the line looks different.
    pub fn connect_changed(&self, changed: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            "changed",
            false,
            glib::closure_local!(move |line: &Self| changed(line)),
        )
    }
}
