//! Home: the user's name, and the two ways into a room.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{CompositeTemplate, glib};

use crate::app::config::APP_ID;
use crate::app::room::Session;
use crate::app::window::Window;
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
        let (page, window) = (self.downgrade(), window.downgrade());
        glib::spawn_future_local(async move {
            let opened = hosting::open(&name, port).await;
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
