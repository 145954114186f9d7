//! Connect: the address of a room, and joining it.

mod target;

use std::cell::{Cell, OnceCell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, gio, glib};

use crate::app::models::{RoomSession, State};
use crate::app::strings::{self, fill};
use crate::protocol::DEFAULT_PORT;
use crate::protocol::address::{Address, DEFAULT_HOST};

use self::target::{Wrong, split_link, target};

/// The name that the user wants.
type UserName = Box<dyn Fn() -> String>;

mod imp {
    use std::sync::LazyLock;

    use glib::subclass::Signal;

    use super::*;

    #[derive(Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/connect/page.ui")]
    #[properties(wrapper_type = super::ConnectPage)]
    pub struct ConnectPage {
        /// The client is connecting.
        #[property(get)]
        pub connecting: Cell<bool>,
        #[template_child]
        pub fields: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub address: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub port: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub trouble: TemplateChild<gtk::Box>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub progress: TemplateChild<gtk::Label>,
        #[template_child]
        pub join: TemplateChild<gtk::Button>,
        #[template_child]
        pub cancel: TemplateChild<gtk::Button>,
        /// The session in the room that the user is joining.
        pub session: RefCell<Option<RoomSession>>,
        pub settings: OnceCell<gio::Settings>,
        pub user_name: OnceCell<UserName>,
        /// The length of the address before its last change, in characters.
        pub typed: Cell<usize>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ConnectPage {
        const NAME: &'static str = "ChatroomConnectPage";
        type Type = super::ConnectPage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("connect.join", None, |page, _, _| page.join_typed());
            class.install_action("connect.cancel", None, |page, _, _| page.cancel());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl ConnectPage {
        #[template_callback]
        fn on_activated(&self) {
            let _ = self.obj().activate_action("connect.join", None);
        }

        #[template_callback]
        fn on_changed(&self) {
            self.obj().check();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for ConnectPage {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<[Signal; 1]> = LazyLock::new(|| {
                [Signal::builder("entered")
                    .param_types([RoomSession::static_type()])
                    .build()]
            });
            SIGNALS.as_ref()
        }

        fn constructed(&self) {
            self.parent_constructed();
            let title = |name: String, default: &str| {
                fill(
                    &gettext("{field} ({default})"),
                    &[("field", &name), ("default", default)],
                )
            };
            self.address
                .set_title(&title(gettext("Address"), DEFAULT_HOST));
            self.port
                .set_title(&title(gettext("Port"), &DEFAULT_PORT.to_string()));
        }
    }

    impl WidgetImpl for ConnectPage {}

    impl NavigationPageImpl for ConnectPage {
        fn shown(&self) {
            if self.connecting.get() {
                self.cancel.grab_focus();
            } else {
                self.address.grab_focus();
            }
        }

        fn hidden(&self) {
            self.obj().give_up();
        }
    }
}

glib::wrapper! {
    /// The page on which the user chooses the room to join.
    pub struct ConnectPage(ObjectSubclass<imp::ConnectPage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl ConnectPage {
    /// Offers the room that the user joined last.
    pub fn new(settings: Option<gio::Settings>) -> Self {
        let page: Self = glib::Object::new();
        if let Some(settings) = settings {
            page.imp()
                .address
                .set_text(&settings.string("last-address"));
            page.imp().port.set_text(&settings.string("last-port"));
            let _ = page.imp().settings.set(settings);
        }
        page.check();
        page
    }

    /// Joins the room at `address`.
    pub fn join(&self, address: &Address) {
        self.imp().address.set_text(&address.host);
        self.imp().port.set_text(&address.port.to_string());
        self.join_typed();
    }

    /// Asks `user_name` for the name that the user wants, when they join.
    pub fn set_user_name(&self, user_name: impl Fn() -> String + 'static) {
        let _ = self.imp().user_name.set(Box::new(user_name));
    }

    /// Calls `entered` when the user is in a room.
    pub fn connect_entered(&self, entered: impl Fn(&RoomSession) + 'static) {
        let entered = glib::closure_local!(move |_: &Self, session: &RoomSession| {
            entered(session);
        });
        self.connect_closure("entered", false, entered);
    }

    /// Says what is wrong with the input so far.
    fn check(&self) {
        let imp = self.imp();
        let address = imp.address.text();
        let length = address.chars().count();
        let pasted = length > imp.typed.replace(length) + 1;
        if let Some((host, port)) = split_link(&address).filter(|_| pasted) {
            imp.address.set_text(&host);
            imp.address.set_position(-1);
            imp.port.set_text(&port);
            return;
        }
        let result = target(&address, &imp.port.text());
        let wrong = result.as_ref().err();
        mark(&imp.address, matches!(wrong, Some(Wrong::Address(_))));
        mark(&imp.port, matches!(wrong, Some(Wrong::Port(_))));
        match wrong {
            Some(Wrong::Address(why) | Wrong::Port(why)) => {
                imp.sentence.set_label(&strings::not_an_address(why));
            }
            None => imp.sentence.set_label(""),
        }
        imp.trouble.set_visible(wrong.is_some());
        self.action_set_enabled("connect.join", wrong.is_none());
    }

    fn join_typed(&self) {
        let imp = self.imp();
        let Ok(address) = target(&imp.address.text(), &imp.port.text()) else {
            return;
        };
        let name = imp.user_name.get().map(|name| name()).unwrap_or_default();
        imp.trouble.set_visible(false);
        let words = fill(
            &gettext("Joining {address}…"),
            &[("address", &address.to_string())],
        );
        imp.progress.set_label(&words);
        self.set_connecting(true);
        self.announce(&words, gtk::AccessibleAnnouncementPriority::Medium);
        let session = RoomSession::join(address, &name);
        session.connect_state_notify(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |session| page.moved_on(session)
        ));
        imp.session.replace(Some(session));
    }

    /// The session got into the room, or did not.
    fn moved_on(&self, session: &RoomSession) {
        if self.imp().session.borrow().as_ref() != Some(session) {
            return;
        }
        self.imp().session.replace(None);
        self.set_connecting(false);
        if session.state() == State::Joined {
            self.remember();
            self.emit_by_name::<()>("entered", &[session]);
        } else {
            let why = session
                .end()
                .map(|end| strings::end(&end))
                .unwrap_or_default();
            self.imp().sentence.set_label(&why);
            self.imp().trouble.set_visible(true);
            self.announce(&why, gtk::AccessibleAnnouncementPriority::High);
            self.imp().address.grab_focus();
        }
    }

    fn remember(&self) {
        if let Some(settings) = self.imp().settings.get() {
            // If the setting cannot be written, the app does not remember it.
            let _ = settings.set_string("last-address", self.imp().address.text().trim());
            let _ = settings.set_string("last-port", self.imp().port.text().trim());
        }
    }

    fn cancel(&self) {
        self.give_up();
        self.imp().address.grab_focus();
    }

    /// Stops joining, if it is joining.
    fn give_up(&self) {
        let session = self.imp().session.take();
        if let Some(session) = session {
            // The home page still offers the way back.
            glib::spawn_future_local(async move { session.break_off().await });
        }
        self.set_connecting(false);
    }

    fn set_connecting(&self, connecting: bool) {
        let imp = self.imp();
        if imp.connecting.replace(connecting) == connecting {
            return;
        }
        self.notify_connecting();
        // Before the field that has the focus can no longer have it.
        if connecting {
            imp.cancel.grab_focus();
        }
        imp.fields.set_sensitive(!connecting);
    }
}

/// Marks a field as wrong or right.
fn mark(field: &adw::EntryRow, wrong: bool) {
    let state = if wrong {
        field.add_css_class("error");
        gtk::AccessibleInvalidState::True
    } else {
        field.remove_css_class("error");
        gtk::AccessibleInvalidState::False
    };
    // The part of the field that a screen reader reads while the user types.
    if let Some(text) = field.delegate().and_upcast::<gtk::Widget>() {
        text.update_state(&[gtk::accessible::State::Invalid(state)]);
    }
}
