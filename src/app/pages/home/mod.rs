//! Home: the user's name, and the buttons for hosting and joining a room.

mod deleting;
mod offer;
mod port;

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{CompositeTemplate, glib};

use crate::app::config::APP_ID;
use crate::app::kept::Stay;
use crate::app::room::Session;
use crate::app::window::Window;
use crate::app::{hosting, settings, words};
use crate::protocol::DEFAULT_PORT;
use crate::room::DEFAULT_NAME;
use crate::server::BindError;

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/home/page.ui")]
    #[properties(wrapper_type = super::HomePage)]
    pub struct HomePage {
        /// The app is opening a room.
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
        #[template_child]
        pub delete: TemplateChild<gtk::Button>,
        /// The stay to which the user can return, and its place.
        pub stay: RefCell<Option<(String, Stay)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HomePage {
        const NAME: &'static str = "ChatroomHomePage";
        type Type = super::HomePage;
        type ParentType = adw::NavigationPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.bind_template_callbacks();
            class.install_action("home.host", None, |page, _, _| page.host(None));
            class.install_action("home.join", None, |page, _, _| {
                page.remember_name();
                if let Some(window) = page.window() {
                    window.ask_for_address();
                }
            });
            class.install_action("home.return", None, |page, _, _| page.go_back());
            class.install_action("home.forget", None, |page, _, _| page.forget());
            class.install_action("home.delete-kept", None, |page, _, _| page.ask_to_delete());
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
    impl ObjectImpl for HomePage {
        fn constructed(&self) {
            self.parent_constructed();
            // The switch stays at the end of its row.
            if let Some(switch) = self.keep.activatable_widget()
                && let Some(suffixes) = switch.parent()
            {
                self.delete.insert_before(&suffixes, Some(&switch));
            }
        }
    }

    impl WidgetImpl for HomePage {}

    impl NavigationPageImpl for HomePage {
        fn shown(&self) {
            self.host.grab_focus();
            self.obj().offer_to_return();
            self.obj().offer_to_delete();
        }
    }
}

glib::wrapper! {
    /// The first page of a window.
    pub struct HomePage(ObjectSubclass<imp::HomePage>)
        @extends adw::NavigationPage, gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl HomePage {
    /// Offers the name; called when the page is in its window.
    pub fn begin(&self) {
        let imp = self.imp();
        let window = self.window();
        match settings::name(window.as_ref().and_then(Window::settings)) {
            Some(name) => imp.name.set_text(&name),
            None => self.offer_first_name(),
        }
        imp.icon.set_icon_name(Some(APP_ID));
        if let Some(settings) = window.as_ref().and_then(Window::settings) {
            settings.bind("host-keeps", &*imp.keep, "active").build();
        }
    }

    /// Offers a name to a user who had none before, unless they have typed one meanwhile.
    fn offer_first_name(&self) {
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let name = settings::first_name().await;
            if let Some(page) = page.upgrade()
                && page.imp().name.text().is_empty()
            {
                page.imp().name.set_text(&name);
            }
        });
    }

    /// Offers this name.
    pub fn set_user_name(&self, name: &str) {
        self.imp().name.set_text(name);
    }

    /// The name that the user wants.
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
            // If the setting cannot be written, the app does not remember it.
            let _ = settings.set_string("name", self.imp().name.text().trim());
        }
    }

    fn set_opening(&self, opening: bool) {
        self.imp().opening.set(opening);
        self.notify_opening();
        self.action_set_enabled("home.host", !opening);
        self.action_set_enabled("home.join", !opening);
        self.action_set_enabled("home.return", !opening);
    }

    /// Hosts a room; on this port, if there is one.
    fn host(&self, wanted_port: Option<u16>) {
        let Some(window) = self.window() else {
            return;
        };
        self.remember_name();
        self.imp().banner.set_revealed(false);
        self.set_opening(true);
        let name = self.user_name();
        let port = window.settings().map(|settings| settings.get("host-port"));
        let port = port.unwrap_or(DEFAULT_PORT);
        let kept_by = self.imp().keep.is_active().then_some(port);
        let (page, window) = (self.downgrade(), window.downgrade());
        glib::spawn_future_local(async move {
            let opened = hosting::open(&name, wanted_port.unwrap_or(port), kept_by).await;
            let (Some(page), Some(window)) = (page.upgrade(), window.upgrade()) else {
                // The user closed the window meanwhile, so the room closes, on another
                // thread.
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
        if self.ask_about_port(error) {
            return;
        }
        self.show_banner(&words::not_hosted(error));
        imp.host.grab_focus();
        imp.name.select_region(0, 0);
        // The saved messages may be the reason.
        self.offer_to_delete();
    }

    fn show_banner(&self, sentence: &str) {
        let banner = &self.imp().banner;
        banner.set_title(sentence);
        banner.set_revealed(true);
        self.announce(sentence, gtk::AccessibleAnnouncementPriority::High);
    }
}
