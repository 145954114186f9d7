//! The conversation in a room, as a list model for a view.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use gtk::gio;
use gtk::gio::subclass::prelude::*;
use gtk::glib;
use gtk::prelude::*;

use super::entry::Entry;
use super::line::{Content, continues};
use super::timeline::Timeline;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Conversation {
        pub timeline: RefCell<Timeline>,
        /// One for each line of the timeline.
        pub entries: RefCell<Vec<Entry>>,
        /// The reader is not at the end.
        pub further_up: Cell<bool>,
        /// The oldest lines were dropped.
        pub cut: Cell<bool>,
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
            Entry::static_type()
        }

        fn n_items(&self) -> u32 {
            length(self.entries.borrow().len())
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            let position = usize::try_from(position).ok()?;
            let entries = self.entries.borrow();
            entries.get(position).map(|it| it.clone().upcast())
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
    /// Lets `change` change the conversation, and then notifies the view once, however
    /// much was changed.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Timeline) -> T) -> T {
        let imp = self.imp();
        let (result, change) = {
            let mut timeline = imp.timeline.borrow_mut();
            let mark = timeline.mark();
            let result = change(&mut timeline);
            (result, timeline.change_since(&mark))
        };
        {
            let timeline = imp.timeline.borrow();
            let mut entries = imp.entries.borrow_mut();
            let removed = change.at..change.at + change.removed;
            let old = entries.get(removed.clone()).unwrap_or_default().to_vec();
            let added = (change.at..change.at + change.added)
                .filter_map(|place| timeline.get(place))
                .map(|line| {
                    let kept = old.iter().find(|entry| entry.key() == line.key);
                    kept.cloned().unwrap_or_else(|| Entry::new(line.key))
                });
            entries.splice(removed, added);
        }
        self.refresh(change.from..usize::MAX);
        if change.removed > 0 || change.added > 0 {
            let [at, removed, added] = [change.at, change.removed, change.added].map(length);
            self.items_changed(at, removed, added);
        }
        self.trim();
        result
    }

    /// Inserts older lines at the top, in their order.
    pub(super) fn put_before(&self, contents: Vec<Content>) {
        let imp = self.imp();
        let added = contents.len();
        imp.timeline.borrow_mut().put_before(contents);
        let entries: Vec<Entry> = {
            let timeline = imp.timeline.borrow();
            let lines = (0..added).filter_map(|place| timeline.get(place));
            lines.map(|line| Entry::new(line.key)).collect()
        };
        imp.entries.borrow_mut().splice(..0, entries);
        // The former first line may continue the group above it now.
        self.refresh(0..added + 1);
        self.items_changed(0, 0, length(added));
    }

    /// Reads the timeline.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Timeline) -> T) -> T {
        read(&self.imp().timeline.borrow())
    }

    /// Whether the oldest lines were dropped since the last call.
    pub(super) fn was_cut(&self) -> bool {
        self.imp().cut.take()
    }

    /// Sets whether the reader is not at the end: then the conversation keeps more lines.
    pub fn set_read_further_up(&self, further_up: bool) {
        if self.imp().further_up.replace(further_up) != further_up && !further_up {
            self.trim();
        }
    }

    /// Drops the oldest lines, if there are too many.
    fn trim(&self) {
        let imp = self.imp();
        let dropped = imp.timeline.borrow_mut().trim(imp.further_up.get());
        if dropped == 0 {
            return;
        }
        imp.cut.set(true);
        imp.entries.borrow_mut().drain(..dropped);
        self.items_changed(0, length(dropped), 0);
        let first = imp.entries.borrow().first().cloned();
        if let (Some(entry), Some(line)) = (first, imp.timeline.borrow().get(0)) {
            // This line may have continued a group that is gone.
            entry.set_line(line, true);
        }
    }

    /// Updates the entries at these positions.
    fn refresh(&self, places: Range<usize>) {
        let imp = self.imp();
        let entries: Vec<Entry> = {
            let entries = imp.entries.borrow();
            let some = entries.iter().take(places.end).skip(places.start);
            some.cloned().collect()
        };
        let timeline = imp.timeline.borrow();
        for (place, entry) in (places.start..).zip(entries) {
            if let Some(line) = timeline.get(place) {
                let before = place.checked_sub(1).and_then(|it| timeline.get(it));
                entry.set_line(line, !continues(before, line));
            }
        }
    }
}

/// A length in the type of GTK's lists.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
