//! A window: home, connect and chat, one at a time.

mod question;
mod session_end;
mod typing;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{CompositeTemplate, gio, glib};

use crate::protocol::address::Address;

use super::application::Application;
use super::pages::{ChatPage, ConnectPage, HomePage, text_menu};
use super::room::Session;
use super::settings;

use self::question::{Question, Stakes};
use self::session_end::SessionEnd;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate)]
    #[template(resource = "/io/github/chatroom/Chatroom/window/window.ui")]
    pub struct Window {
        #[template_child]
        pub navigation: TemplateChild<adw::NavigationView>,
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub home: TemplateChild<HomePage>,
        pub settings: OnceCell<Option<gio::Settings>>,
        /// The room that the window is in.
        pub session: RefCell<Option<Session>>,
        /// A dialog asks the user whether to close the room.
        pub asking: Cell<bool>,
        pub session_end: Rc<SessionEnd>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "ChatroomWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(class: &mut Self::Class) {
            HomePage::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Window {
        fn constructed(&self) {
            self.parent_constructed();
            let settings = self.settings.get_or_init(settings::open);
            if let Some(settings) = settings {
                self.obj()
                    .set_default_size(settings.int("window-width"), settings.int("window-height"));
                self.obj()
                    .set_maximized(settings.boolean("window-maximized"));
            }
            self.home.begin();
            self.obj().listen_to_keys();
            text_menu::install(&self.obj());
        }
    }

    impl WidgetImpl for Window {}

    impl WindowImpl for Window {
        fn close_request(&self) -> glib::Propagation {
            let window = self.obj();
            window.remember_size();
            if let Some(question) = window.question() {
                window.ask_and(question, super::Window::leave_and_close);
                return glib::Propagation::Stop;
            }
            window.leave_aside();
            self.parent_close_request()
        }
    }

    impl ApplicationWindowImpl for Window {}
    impl AdwApplicationWindowImpl for Window {}
}

glib::wrapper! {
    /// A window of the app.
    pub struct Window(ObjectSubclass<imp::Window>)
        @extends adw::ApplicationWindow, gtk::ApplicationWindow, gtk::Window, gtk::Widget,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Accessible, gtk::Buildable,
            gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl Window {
    /// A window that shows home.
    pub fn new(app: &Application) -> Self {
        glib::Object::builder().property("application", app).build()
    }

    /// The settings, if there is a schema.
    pub fn settings(&self) -> Option<&gio::Settings> {
        self.imp().settings.get().and_then(Option::as_ref)
    }

    /// Goes to the connect page.
    pub fn ask_for_address(&self) -> ConnectPage {
        let page = ConnectPage::new(self.settings());
        self.imp().navigation.push(&page);
        page
    }

    /// Joins the room at `address`, over the connect page.
    pub fn join(&self, address: &Address) {
        self.ask_for_address().join(address);
    }

    /// Joins the room at `address` again, with the name that the user had there.
    pub fn rejoin(&self, address: &Address, name: &str) {
        self.imp().home.set_user_name(name);
        self.join(address);
    }

    /// The name that the user wants.
    pub fn user_name(&self) -> String {
        self.imp().home.user_name()
    }

    /// Shows the room that the user has joined.
    pub fn show_room(&self, session: &Session) {
        let imp = self.imp();
        imp.session.replace(Some(session.clone()));
        self.watch_session_end(session);
        let page = ChatPage::new(session);
        imp.navigation.push(&page);
        page.begin();
    }

    /// Shows a message that needs no answer.
    pub fn tell(&self, sentence: &str) {
        self.imp().toasts.add_toast(adw::Toast::new(sentence));
    }

    /// Leaves the room and goes to the home page; asks first if something would be lost
    /// with the room.
    pub fn leave(&self) {
        if let Some(question) = self.question() {
            self.ask_and(question, Self::leave_and_go_home);
        } else {
            self.leave_and_go_home();
        }
    }

    fn leave_and_go_home(&self) {
        let Some(session) = self.imp().session.take() else {
            return;
        };
        self.look_at_session_end();
        let window = self.downgrade();
        if let Some(page) = self.imp().navigation.visible_page() {
            page.set_sensitive(false);
        }
        glib::spawn_future_local(async move {
            // After this the port is free, so the host can host again at once.
            session.leave().await;
            if let Some(window) = window.upgrade() {
                window.imp().navigation.pop_to_page(&*window.imp().home);
            }
        });
    }

    /// Leaves the room and closes the window, without asking.
    pub fn leave_and_close(&self) {
        self.leave_aside();
        self.destroy();
    }

    /// Closes the window, and leaves the room in such a way that the user can return.
    pub fn break_off_and_close(&self) {
        if let Some(session) = self.imp().session.take() {
            glib::spawn_future_local(async move { session.break_off().await });
        }
        self.look_at_session_end();
        self.destroy();
    }

    /// Leaves the room if the window is in one. The app keeps running until that is done.
    fn leave_aside(&self) {
        if let Some(session) = self.imp().session.take() {
            glib::spawn_future_local(async move { session.leave().await });
        }
        self.look_at_session_end();
    }

    /// The question before the user leaves the room, if there is one.
    fn question(&self) -> Option<Question> {
        let session = self.imp().session.borrow();
        let stakes = session.as_ref().map(Stakes::of)?;
        stakes.question()
    }

    /// Asks, and if the answer is yes, leaves the room with `close`.
    fn ask_and(&self, question: Question, close: impl FnOnce(&Self) + 'static) {
        if self.imp().asking.replace(true) {
            return;
        }
        let window = self.downgrade();
        let choice = question.dialog().choose_future(Some(self));
        glib::spawn_future_local(async move {
            let response = choice.await;
            if let Some(window) = window.upgrade() {
                window.imp().asking.set(false);
                if response == "close" {
                    if question == Question::Discard {
                        window.discard_unsent();
                    }
                    close(&window);
                }
            }
        });
    }

    /// Deletes the unsent text.
    fn discard_unsent(&self) {
        if let Some(session) = &*self.imp().session.borrow() {
            session.discard_unsent();
        }
    }

    fn remember_size(&self) {
        if let Some(settings) = self.settings() {
            let (width, height) = self.default_size();
            // If the setting cannot be written, the app does not remember it.
            let _ = settings.set_int("window-width", width);
            let _ = settings.set_int("window-height", height);
            let _ = settings.set_boolean("window-maximized", self.is_maximized());
        }
    }
}
