//! The composer: a text field that grows with its lines, and sends on Enter.

mod bound;
mod buffer;
mod incoming;

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gdk, glib};

use crate::app::strings::{self, count, fill};
use crate::room::{LINES_LIMIT, TEXT_LIMIT};

use self::bound::{Excess, excess, parted};
use self::buffer::ComposerBuffer;

pub use self::incoming::Offer;

type Send = Box<dyn Fn(&str) -> Result<(), String>>;
type Keep = Box<dyn Fn(&str)>;

mod imp {
    use super::*;

    #[derive(Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/composer/composer.ui")]
    pub struct Composer {
        #[template_child]
        pub muted: TemplateChild<gtk::Box>,
        #[template_child]
        pub muted_label: TemplateChild<gtk::Label>,
        #[template_child]
        pub hint: TemplateChild<gtk::Label>,
        #[template_child]
        pub view: TemplateChild<gtk::TextView>,
        #[template_child]
        pub placeholder: TemplateChild<gtk::Label>,
        #[template_child]
        pub send: TemplateChild<gtk::Button>,
        pub sends: OnceCell<Send>,
        pub keeps: OnceCell<Keep>,
        pub open: Cell<bool>,
        /// The most characters of a message; 0 until the room has reported it.
        pub limit: Cell<usize>,
        /// The part of the draft that did not fit; it follows when the first part is
        /// sent.
        pub rest: RefCell<String>,
        /// The unfinished text of an input method.
        pub unfinished: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Composer {
        const NAME: &'static str = "ChatroomComposer";
        type Type = super::Composer;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
            ComposerBuffer::ensure_type();
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("composer.send", None, |composer, _, _| composer.send());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl Composer {
        /// Enter sends; Shift+Enter breaks the line. While an input method is at work,
        /// Enter belongs to it. Ctrl+End goes to the end of the text, and from there to
        /// the newest message.
        #[template_callback]
        fn on_key_pressed(
            &self,
            key: gdk::Key,
            _code: u32,
            modifiers: gdk::ModifierType,
        ) -> glib::Propagation {
            let control = modifiers.contains(gdk::ModifierType::CONTROL_MASK);
            if control && matches!(key, gdk::Key::End | gdk::Key::KP_End) && self.is_at_end() {
                let _ = self.obj().activate_action("room.newest", None);
                return glib::Propagation::Stop;
            }
            let enter = matches!(
                key,
                gdk::Key::Return | gdk::Key::KP_Enter | gdk::Key::ISO_Enter
            );
            let shift = modifiers.contains(gdk::ModifierType::SHIFT_MASK);
            if !enter || shift || !self.unfinished.borrow().is_empty() {
                return glib::Propagation::Proceed;
            }
            self.obj().send();
            glib::Propagation::Stop
        }
    }

    impl Composer {
        /// Whether the cursor is at the end of the text.
        fn is_at_end(&self) -> bool {
            let buffer = self.view.buffer();
            buffer.iter_at_mark(&buffer.get_insert()).is_end()
        }
    }

    impl ObjectImpl for Composer {
        fn constructed(&self) {
            self.parent_constructed();
            let composer = self.obj();
            self.view.buffer().connect_changed(glib::clone!(
                #[weak]
                composer,
                move |_| composer.changed()
            ));
            self.view.connect_preedit_changed(glib::clone!(
                #[weak]
                composer,
                move |_, preedit| {
                    composer.imp().unfinished.replace(preedit.to_owned());
                    composer.show_placeholder();
                }
            ));
            composer.buffer().connect_refused(glib::clone!(
                #[weak]
                composer,
                move || composer.refused()
            ));
            composer.take_pastes();
            composer.changed();
        }
    }

    impl WidgetImpl for Composer {
        fn grab_focus(&self) -> bool {
            self.view.grab_focus()
        }
    }

    impl BinImpl for Composer {}
}

glib::wrapper! {
    /// The composer.
    pub struct Composer(ObjectSubclass<imp::Composer>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl Composer {
    /// Sends with `send`. Text that cannot be sent stays, with the reason that `send`
    /// gives.
    pub fn connect_send(&self, send: impl Fn(&str) -> Result<(), String> + 'static) {
        let _ = self.imp().sends.set(Box::new(send));
    }

    /// Shows a draft, and saves later changes with `keep`. If a draft is too long for the
    /// composer, the rest follows when the first part is sent.
    pub fn connect_keep(&self, draft: &str, keep: impl Fn(&str) + 'static) {
        self.show_draft(draft);
        let _ = self.imp().keeps.set(Box::new(keep));
    }

    fn show_draft(&self, draft: &str) {
        let (first, rest) = parted(draft);
        self.imp().rest.replace(rest.to_owned());
        self.buffer().set_text(first);
    }

    /// The most characters of a message in this room.
    pub fn set_limit(&self, limit: usize) {
        self.imp().limit.set(limit);
    }

    /// Sets whether the user can send. The text stays in any case, and can be copied.
    pub fn set_open(&self, open: bool) {
        self.imp().open.set(open);
        let of_use = open || !self.text().is_empty();
        self.set_sensitive(of_use);
        // A screen reader asks the text view itself.
        self.imp().view.set_sensitive(of_use);
        self.imp().view.set_editable(open);
        self.show_sendable();
    }

    /// Says for how long the host has muted the user. They can write on: the host may change
    /// that any time. A screen reader says it once.
    pub fn set_muted(&self, left: Option<Duration>) {
        let imp = self.imp();
        if let Some(left) = left {
            let words = strings::muted(left);
            imp.muted_label.set_label(&words);
            if !imp.muted.is_visible() {
                self.announce(&words, gtk::AccessibleAnnouncementPriority::High);
            }
        }
        imp.muted.set_visible(left.is_some());
    }

    /// The text view, if the user can send.
    pub fn open_view(&self) -> Option<gtk::TextView> {
        let imp = self.imp();
        imp.open.get().then(|| imp.view.get())
    }

    /// Moves the focus into the text view.
    pub fn begin(&self) {
        self.imp().view.grab_focus();
    }

    fn buffer(&self) -> ComposerBuffer {
        let buffer = self.imp().view.buffer().downcast();
        // The template gives the text view a buffer of this type.
        buffer.unwrap_or_default()
    }

    fn text(&self) -> glib::GString {
        let buffer = self.imp().view.buffer();
        buffer.text(&buffer.start_iter(), &buffer.end_iter(), false)
    }

    /// The most characters of a message, or those that the composer can hold if that is
    /// less.
    fn limit(&self) -> usize {
        match self.imp().limit.get() {
            0 => TEXT_LIMIT,
            limit => limit.min(TEXT_LIMIT),
        }
    }

    fn changed(&self) {
        let text = self.text();
        if let Some(keep) = self.imp().keeps.get() {
            match &*self.imp().rest.borrow() {
                rest if rest.is_empty() => keep(&text),
                rest => keep(&format!("{text}\n{rest}")),
            }
        }
        match excess(&text, self.limit()) {
            Some(excess) => self.show_excess(excess),
            None if self.imp().rest.borrow().is_empty() => self.imp().hint.set_visible(false),
            None => self.show_hint(
                &gettext(
                    "Your draft is longer than a message. The rest follows when this part is sent.",
                ),
                false,
            ),
        }
        self.show_sendable();
        self.show_placeholder();
    }

    fn show_sendable(&self) {
        let sendable = self.imp().open.get() && !self.text().trim().is_empty();
        self.action_set_enabled("composer.send", sendable);
    }

    /// Says by how much the text is too long. A screen reader says it when that begins,
    /// not again with every key.
    fn show_excess(&self, excess: Excess) {
        let sentence = match excess {
            Excess::Characters(n) => count("{n} character too many", "{n} characters too many", n),
            Excess::Lines(n) => count("{n} line too many", "{n} lines too many", n),
        };
        if self.imp().hint.is_visible() {
            self.show_hint(&sentence, true);
        } else {
            self.say(&sentence, true);
        }
    }

    /// Says that the inserted text did not fit.
    fn refused(&self) {
        let sentence = fill(
            &gettext(
                "Not inserted, too long: a message has at most {characters} characters and {lines} lines.",
            ),
            &[
                ("characters", &self.limit().to_string()),
                ("lines", &LINES_LIMIT.to_string()),
            ],
        );
        self.say(&sentence, true);
    }

    /// Shows a sentence above the text, until the text changes.
    fn say(&self, sentence: &str, is_error: bool) {
        self.show_hint(sentence, is_error);
        self.announce(sentence, gtk::AccessibleAnnouncementPriority::High);
    }

    fn show_hint(&self, sentence: &str, is_error: bool) {
        let hint = &self.imp().hint;
        if is_error {
            hint.add_css_class("error");
        } else {
            hint.remove_css_class("error");
        }
        hint.set_label(sentence);
        hint.set_visible(true);
    }

    fn show_placeholder(&self) {
        let imp = self.imp();
        let empty = imp.view.buffer().char_count() == 0 && imp.unfinished.borrow().is_empty();
        imp.placeholder.set_visible(empty);
    }

    fn send(&self) {
        let imp = self.imp();
        let text = self.text();
        let Some(send) = imp.sends.get() else {
            return;
        };
        if !imp.open.get() || text.trim().is_empty() {
            return;
        }
        match send(&text) {
            Ok(()) => {
                let rest = imp.rest.take();
                self.show_draft(&rest);
            }
            Err(why) => self.say(&why, true),
        }
        imp.view.grab_focus();
    }
}
