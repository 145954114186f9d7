//! A window: home, connect and chat, one at a time.

mod question;
mod session_end;
mod typing;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{CompositeTemplate, gio, glib};

use crate::protocol::Pin;
use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;

use super::models::RoomSession;
use super::pages::{ChatPage, ConnectPage, HomePage, text_menu, toast};
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
        pub session: RefCell<Option<RoomSession>>,
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
            add_actions(class);
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
            self.home.begin(settings.clone());
            self.home.connect_entered(glib::clone!(
                #[weak(rename_to = window)]
                self.obj(),
                move |session| window.show_room(session)
            ));
            self.obj().listen_to_keys();
            text_menu::install(&*self.obj());
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

/// The actions with which the pages reach the window.
fn add_actions(class: &mut <imp::Window as ObjectSubclass>::Class) {
    class.install_action("window.leave-room", None, |window, _, _| window.leave());
    // The sentence to show.
    let sentence = Some(glib::VariantTy::STRING);
    class.install_action("window.tell", sentence, |window, _, sentence| {
        if let Some(sentence) = sentence.and_then(glib::Variant::str) {
            window.tell(sentence);
        }
    });
    class.install_action("window.ask-for-address", None, |window, _, _| {
        window.ask_for_address();
    });
    let place = <(String, String)>::static_variant_type();
    // The link of a room that the user was in, and the pin of the computer that answers
    // there now, which they accept.
    class.install_action("window.join-anyway", Some(&place), |window, _, place| {
        let place = place.and_then(glib::Variant::get::<(String, String)>);
        if let Some((link, pin)) = place
            && let (Ok(invitation), Ok(pin)) = (link.parse(), pin.parse())
        {
            window.join_anyway(invitation, pin);
        }
    });
    // The address of a room, and the name to enter it with; if that is empty, the name on
    // the home page.
    class.install_action("window.join", Some(&place), |window, _, place| {
        let place = place.and_then(glib::Variant::get::<(String, String)>);
        let Some((address, name)) = place else {
            return;
        };
        match address.parse::<Address>() {
            Ok(address) if name.is_empty() => window.join(address.into()),
            Ok(address) => window.rejoin(address.into(), &name),
            // The app has made it from an address.
            Err(_) => {}
        }
    });
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
    pub fn new(app: &impl IsA<gtk::Application>) -> Self {
        glib::Object::builder().property("application", app).build()
    }

    /// The settings, if there is a schema.
    fn settings(&self) -> Option<&gio::Settings> {
        self.imp().settings.get().and_then(Option::as_ref)
    }

    /// Goes to the connect page.
    fn ask_for_address(&self) -> ConnectPage {
        let page = ConnectPage::new(self.settings().cloned());
        let home = &*self.imp().home;
        page.set_user_name(glib::clone!(
            #[weak]
            home,
            #[upgrade_or_default]
            move || {
                home.remember_name();
                home.user_name()
            }
        ));
        page.connect_entered(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |session| window.show_room(session)
        ));
        self.imp().navigation.push(&page);
        page
    }

    /// Opens a link to a room: an invitation, or an address alone. Asks a user who had no
    /// name before for one.
    pub fn open_link(&self, link: &str) {
        let home = &*self.imp().home;
        match link.parse::<Invitation>() {
            Ok(invitation) if home.knows_name() => self.join(invitation),
            Ok(invitation) => self.ask_for_address().offer(invitation, home.name_field()),
            Err(_) => self.ask_for_address().show_broken(link),
        }
    }

    /// Joins the room of an invitation, over the connect page.
    fn join(&self, invitation: Invitation) {
        self.ask_for_address().join(invitation);
    }

    /// Leaves the room, and joins the one of an invitation, whose host has this pin.
    fn join_anyway(&self, invitation: Invitation, pin: Pin) {
        let imp = self.imp();
        if let Some(session) = imp.session.take() {
            glib::spawn_future_local(async move { session.break_off().await });
        }
        self.look_at_session_end();
        imp.navigation.pop_to_page(&*imp.home);
        self.ask_for_address().join_anyway(invitation, pin);
    }

    /// Joins a room again, with the name that the user had there.
    fn rejoin(&self, invitation: Invitation, name: &str) {
        self.imp().home.set_user_name(name);
        self.join(invitation);
    }

    /// Shows the room that the user has joined.
    fn show_room(&self, session: &RoomSession) {
        let imp = self.imp();
        imp.session.replace(Some(session.clone()));
        self.watch_session_end(session);
        let page = ChatPage::new(session);
        imp.navigation.push(&page);
        page.begin();
    }

    /// Shows a message that needs no answer.
    pub fn tell(&self, sentence: &str) {
        self.imp().toasts.add_toast(toast(sentence));
    }

    /// Leaves the room and goes to the home page; asks first if something would be lost
    /// with the room.
    fn leave(&self) {
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
