//! A place to write: it grows with its lines, Enter sends.

use std::cell::{Cell, OnceCell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{CompositeTemplate, gdk, glib};

type Send = Box<dyn Fn(&str) -> Result<(), String>>;
type Keep = Box<dyn Fn(&str)>;

mod imp {
    use super::*;

    #[derive(Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/chat/composer/composer.ui")]
    pub struct Composer {
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
        /// What an input method has not finished yet.
        pub unfinished: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Composer {
        const NAME: &'static str = "ChatroomComposer";
        type Type = super::Composer;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
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
        /// Enter sends; with Shift it breaks the line. While an input method is at
        /// work, Enter is its. Control and End go to the end of what was written,
        /// and from there to the newest message.
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
        /// Whether the cursor is behind all that was written.
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
    /// A place to write.
    pub struct Composer(ObjectSubclass<imp::Composer>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl Composer {
    /// Sends with `send`. What cannot be sent stays, with the reason that it gives.
    pub fn connect_send(&self, send: impl Fn(&str) -> Result<(), String> + 'static) {
        let _ = self.imp().sends.set(Box::new(send));
    }

    /// Shows what was written before, and keeps with `keep` what is written from now on.
    pub fn connect_keep(&self, draft: &str, keep: impl Fn(&str) + 'static) {
        self.imp().view.buffer().set_text(draft);
        let _ = self.imp().keeps.set(Box::new(keep));
    }

    /// Whether anything can be sent. What was written stays in any case, and can
    /// be copied.
    pub fn set_open(&self, open: bool) {
        self.imp().open.set(open);
        let of_use = open || !self.text().is_empty();
        self.set_sensitive(of_use);
        // A screen reader asks the place to write itself.
        self.imp().view.set_sensitive(of_use);
        self.imp().view.set_editable(open);
        self.changed();
    }

    /// Where text is typed, if it can be sent.
    pub fn open_view(&self) -> Option<gtk::TextView> {
        let imp = self.imp();
        imp.open.get().then(|| imp.view.get())
    }

    /// Puts the cursor into it.
    pub fn begin(&self) {
        self.imp().view.grab_focus();
    }

    fn text(&self) -> glib::GString {
        let buffer = self.imp().view.buffer();
        buffer.text(&buffer.start_iter(), &buffer.end_iter(), false)
    }

    fn changed(&self) {
        let text = self.text();
        if let Some(keep) = self.imp().keeps.get() {
            keep(&text);
        }
        let sendable = self.imp().open.get() && !text.trim().is_empty();
        self.action_set_enabled("composer.send", sendable);
        self.imp().hint.set_visible(false);
        self.show_placeholder();
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
            Ok(()) => imp.view.buffer().set_text(""),
            Err(why) => {
                imp.hint.set_label(&why);
                imp.hint.set_visible(true);
                self.announce(&why, gtk::AccessibleAnnouncementPriority::High);
            }
        }
        imp.view.grab_focus();
    }
}
