//! Home: the user's name, and the two ways into a room.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::application::Application;
use crate::app::config::APP_ID;
use crate::app::kept::{self, Stay};
use crate::app::room::Session;
use crate::app::window::Window;
use crate::app::words::{fill, isolated};
use crate::app::{hosting, settings, words};
use crate::room::DEFAULT_NAME;
use crate::server::BindError;
use crate::wire::DEFAULT_PORT;
use crate::wire::address::Address;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/home/page.ui")]
    #[properties(wrapper_type = super::HomePage)]
    pub struct HomePage {
        /// A room is being opened.
        #[property(get)]
        pub opening: Cell<bool>,
        #[template_child]
        pub banner: TemplateChild<adw::Banner>,
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub host: TemplateChild<gtk::Button>,
        #[template_child]
        pub keep: TemplateChild<adw::SwitchRow>,
        #[template_child]
        pub offer: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub back: TemplateChild<adw::ActionRow>,
        /// The stay to which the user can return.
        pub stay: RefCell<Option<(Address, Stay)>>,
        /// The room that is open on this computer already.
        pub here: RefCell<Option<Address>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HomePage {
        const NAME: &'static str = "ChatroomHomePage";
        type Type = super::HomePage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("home.host", None, |page, _, _| page.host());
            class.install_action("home.join", None, |page, _, _| {
                page.remember_name();
                if let Some(window) = page.window() {
                    window.ask_for_address();
                }
            });
            class.install_action("home.return", None, |page, _, _| page.go_back());
            class.install_action("home.forget", None, |page, _, _| page.forget());
            class.install_action("home.join-here", None, |page, _, _| page.join_here());
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl HomePage {
        #[template_callback]
        fn on_name_activated(&self) {
            let _ = self.host.activate_action("home.host", None);
        }

        #[template_callback]
        fn on_name_changed(&self) {
            self.banner.set_revealed(false);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for HomePage {}
    impl WidgetImpl for HomePage {}

    impl NavigationPageImpl for HomePage {
        fn shown(&self) {
            self.host.grab_focus();
            self.obj().offer_to_return();
        }
    }
}

glib::wrapper! {
    /// The page that a window begins with.
    pub struct HomePage(ObjectSubclass<imp::HomePage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl HomePage {
    /// Offers the name; called once the page is in its window.
    pub fn begin(&self) {
        let imp = self.imp();
        let window = self.window();
        imp.name
            .set_text(&settings::name(window.as_ref().and_then(Window::settings)));
        imp.icon.set_icon_name(Some(APP_ID));
        if let Some(settings) = window.as_ref().and_then(Window::settings) {
            settings.bind("host-keeps", &*imp.keep, "active").build();
        }
    }

    /// Offers the way back into a room that was not left, if there is one.
    fn offer_to_return(&self) {
        let Some(app) = gtk::gio::Application::default().and_downcast::<Application>() else {
            return;
        };
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            app.kept().await;
            if let Some(page) = page.upgrade() {
                page.show_offer(app.keeper().latest());
            }
        });
    }

    fn show_offer(&self, stay: Option<(Address, Stay)>) {
        let imp = self.imp();
        imp.offer.set_visible(stay.is_some());
        if let Some((address, stay)) = &stay {
            let room = isolated(&stay.room);
            let title = fill(&gettext("Return to “{room}”"), &[("room", &room)]);
            let (name, address) = (isolated(&stay.name), address.to_string());
            let values = [("name", &*name), ("address", &*address)];
            imp.back.set_title(&title);
            imp.back
                .set_subtitle(&fill(&gettext("As {name}, at {address}"), &values));
            imp.back.grab_focus();
        }
        imp.stay.replace(stay);
    }

    fn go_back(&self) {
        let stay = self.imp().stay.borrow().clone();
        if let (Some(window), Some((address, stay))) = (self.window(), stay) {
            window.rejoin(&address, &stay.name);
        }
    }

    fn forget(&self) {
        if let (Some(keeper), Some((address, _))) = (kept::keeper(), self.imp().stay.take()) {
            keeper.give_up(&address);
        }
        self.imp().host.grab_focus();
        self.imp().offer.set_visible(false);
        self.offer_to_return();
    }

    /// Offers this name.
    pub fn set_user_name(&self, name: &str) {
        self.imp().name.set_text(name);
    }

    /// The name that the user wants to have.
    pub fn user_name(&self) -> String {
        let name = self.imp().name.text();
        let name = name.trim();
        if name.is_empty() {
            DEFAULT_NAME.to_owned()
        } else {
            name.to_owned()
        }
    }

    fn window(&self) -> Option<Window> {
        self.root().and_downcast()
    }

    fn remember_name(&self) {
        let window = self.window();
        if let Some(settings) = window.as_ref().and_then(Window::settings) {
            // What cannot be written is not remembered.
            let _ = settings.set_string("name", self.imp().name.text().trim());
        }
    }

    fn set_opening(&self, opening: bool) {
        self.imp().opening.set(opening);
        self.notify_opening();
        self.action_set_enabled("home.host", !opening);
        self.action_set_enabled("home.join", !opening);
    }

    fn host(&self) {
        let Some(window) = self.window() else {
            return;
        };
        self.remember_name();
        self.imp().banner.set_revealed(false);
        self.set_opening(true);
        let name = self.user_name();
        let port = window.settings().map(|settings| settings.get("host-port"));
        let port = port.unwrap_or(DEFAULT_PORT);
        let keeps = self.imp().keep.is_active();
        let (page, window) = (self.downgrade(), window.downgrade());
        glib::spawn_future_local(async move {
            let opened = hosting::open(&name, port, keeps).await;
            let (Some(page), Some(window)) = (page.upgrade(), window.upgrade()) else {
                // The window was closed meanwhile: so is the room, not on this thread.
                if let Ok(server) = opened {
                    gtk::gio::spawn_blocking(move || drop(server));
                }
                return;
            };
            page.set_opening(false);
            match opened {
                Ok(server) => window.show_room(&Session::host(server, &name)),
                Err(error) => page.not_hosted(&error),
            }
        });
    }

    fn not_hosted(&self, error: &BindError) {
        let imp = self.imp();
        let here = match error {
            BindError::RoomOpen(port) => Some(Address::new("localhost", *port)),
            _ => None,
        };
        let sentence = words::not_hosted(error);
        imp.banner.set_title(&sentence);
        imp.banner
            .set_button_label(here.is_some().then(|| gettext("_Join It")).as_deref());
        imp.banner.set_revealed(true);
        self.announce(&sentence, gtk::AccessibleAnnouncementPriority::High);
        imp.here.replace(here);
        imp.host.grab_focus();
    }

    fn join_here(&self) {
        self.imp().banner.set_revealed(false);
        let here = self.imp().here.borrow().clone();
        if let (Some(window), Some(here)) = (self.window(), here) {
            window.join(&here);
        }
    }
}
