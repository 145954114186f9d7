//! The text in the composer, which is never longer than GTK can lay out quickly.
//!
//! Keys, input methods, the clipboard, the primary selection, drops, undo, screen readers
//! and drafts all insert their text here, so this is where the bound holds.

use std::cell::{Cell, OnceCell};
use std::sync::OnceLock;

use gtk::gdk;
use gtk::glib;
use gtk::glib::subclass::Signal;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::bound::Size;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct ComposerBuffer {
        /// The size of the text in the buffer.
        pub size: Cell<Size>,
        /// On the whole text: readers would take a hyphen at the end of a line for a part
        /// of an address.
        pub unhyphenated: OnceCell<gtk::TextTag>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ComposerBuffer {
        const NAME: &'static str = "ChatroomComposerBuffer";
        type Type = super::ComposerBuffer;
        type ParentType = gtk::TextBuffer;
    }

    impl ObjectImpl for ComposerBuffer {
        fn constructed(&self) {
            self.parent_constructed();
            let tag = gtk::TextTag::builder().insert_hyphens(false).build();
            self.obj().tag_table().add(&tag);
            let _ = self.unhyphenated.set(tag);
        }

        fn signals() -> &'static [Signal] {
            static SIGNALS: OnceLock<Vec<Signal>> = OnceLock::new();
            SIGNALS.get_or_init(|| vec![Signal::builder("refused").build()])
        }
    }

    impl TextBufferImpl for ComposerBuffer {
        fn insert_text(&self, iter: &mut gtk::TextIter, text: &str) {
            let buffer = self.obj();
            let more = Size::of(text);
            let now = self.size.get();
            if !now.has_room_for(more) {
                buffer.emit_by_name::<()>("refused", &[]);
                return;
            }
            // Before the handlers of the change ask for it.
            self.size.set(Size {
                characters: now.characters + more.characters,
                breaks: now.breaks + more.breaks,
            });
            self.parent_insert_text(iter, text);
            if let Some(tag) = self.unhyphenated.get() {
                let (start, end) = buffer.bounds();
                buffer.apply_tag(tag, &start, &end);
            }
        }

        /// Only text can be sent.
        fn insert_paintable(&self, _iter: &mut gtk::TextIter, _paintable: &gdk::Paintable) {}

        fn delete_range(&self, start: &mut gtk::TextIter, end: &mut gtk::TextIter) {
            let part = Size::of(&self.obj().slice(start, end, true));
            self.size.set(self.size.get().without(part));
            self.parent_delete_range(start, end);
        }
    }
}

glib::wrapper! {
    /// A text of bounded length.
    pub struct ComposerBuffer(ObjectSubclass<imp::ComposerBuffer>)
        @extends gtk::TextBuffer;
}

impl Default for ComposerBuffer {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl ComposerBuffer {
    /// Calls `refused` when the buffer refuses a text because the whole would be too
    /// long. The buffer then inserts nothing of it.
    pub fn connect_refused(&self, refused: impl Fn() + 'static) {
        self.connect_local("refused", false, move |_| {
            refused();
            None
        });
    }

    /// Whether `text` fits in place of the selection.
    pub fn has_room_in_place_of_selection(&self, text: &str) -> bool {
        let selected = self
            .selection_bounds()
            .map_or_else(Size::default, |(start, end)| {
                Size::of(&self.slice(&start, &end, true))
            });
        let rest = self.imp().size.get().without(selected);
        rest.has_room_for(Size::of(text))
    }
}
