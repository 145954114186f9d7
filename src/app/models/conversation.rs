//! The conversation in a room, as a list model for a view.

use std::cell::RefCell;

use gio::prelude::*;
use gio::subclass::prelude::*;

use crate::chat::{Change, Shown};

use super::line_object::LineObject;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Conversation {
        pub lines: RefCell<Vec<LineObject>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Conversation {
        const NAME: &'static str = "ChatroomConversation";
        type Type = super::Conversation;
        type Interfaces = (gio::ListModel,);
    }

    impl ObjectImpl for Conversation {}

    impl ListModelImpl for Conversation {
        fn item_type(&self) -> glib::Type {
            LineObject::static_type()
        }

        fn n_items(&self) -> u32 {
            length(self.lines.borrow().len())
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            let position = usize::try_from(position).ok()?;
            let lines = self.lines.borrow();
            lines.get(position).map(|it| it.clone().upcast())
        }
    }
}

glib::wrapper! {
    /// The conversation in a room, oldest first.
    pub struct Conversation(ObjectSubclass<imp::Conversation>)
        @implements gio::ListModel;
}

impl Default for Conversation {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl Conversation {
    /// Applies changes of the conversation, in their order.
    pub(super) fn apply(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Splice { at, removed, added } => self.splice(at, removed, added),
                Change::Look { at, shown } => {
                    let line = self.imp().lines.borrow().get(at).cloned();
                    if let Some(line) = line {
                        line.set(shown);
                    }
                }
            }
        }
    }

    fn splice(&self, at: usize, removed: usize, added: Vec<Shown>) {
        let number = added.len();
        let old: Vec<LineObject> = {
            let lines = self.imp().lines.borrow();
            let old = lines.get(at..at + removed).unwrap_or_default();
            old.to_vec()
        };
        let new: Vec<LineObject> = added
            .into_iter()
            .map(|shown| {
                // A line that has moved is the same object.
                let moved = old.iter().find(|line| line.key() == shown.key);
                match moved {
                    Some(line) => {
                        line.set(shown);
                        line.clone()
                    }
                    None => LineObject::new(shown),
                }
            })
            .collect();
        self.imp().lines.borrow_mut().splice(at..at + removed, new);
        self.items_changed(length(at), length(removed), length(number));
    }
}

/// A length in the type of a list model.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
