//! Home: the user's name, and the buttons for hosting and joining a room.

mod deleting;
mod offer;
mod port;

use std::cell::{Cell, OnceCell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{CompositeTemplate, gio, glib};

use crate::app::config::APP_ID;
use crate::app::models::RoomSession;
use crate::app::saved_state::Stay;
use crate::app::{hosting, settings, strings};
use crate::protocol::DEFAULT_PORT;
use crate::room::DEFAULT_NAME;
use crate::server::BindError;

mod imp {
    use std::sync::LazyLock;

    use glib::subclass::Signal;

    use super::*;

    #[derive(Debug, Default, CompositeTemplate, glib::Properties)]
    #[template(resource = "/io/github/chatroom/Chatroom/pages/home/page.ui")]
    #[properties(wrapper_type = super::HomePage)]
    pub struct HomePage {
        /// The app is opening a room.
        #[property(get)]
        pub opening: Cell<bool>,
        #[template_child]
        pub scroller: TemplateChild<gtk::ScrolledWindow>,
        #[template_child]
        pub banner: TemplateChild<adw::Banner>,
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub host: TemplateChild<gtk::Button>,
        #[template_child]
        pub private: TemplateChild<adw::SwitchRow>,
        #[template_child]
        pub save: TemplateChild<adw::SwitchRow>,
        #[template_child]
        pub offer: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub back: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub delete: TemplateChild<gtk::Button>,
        pub settings: OnceCell<Option<gio::Settings>>,
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
                let _ = page.activate_action("window.ask-for-address", None);
            });
            class.install_action("home.return", None, |page, _, _| page.go_back());
            class.install_action("home.forget", None, |page, _, _| page.forget());
            class.install_action("home.delete-saved", None, |page, _, _| page.ask_to_delete());
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

        /// The window has become low, and what was above the fields is gone. Before that the
        /// page moved to show the focused field, which would now hide what is above it.
        #[template_callback]
        fn on_low(&self) {
            let frames = Cell::new(0);
            self.scroller.add_tick_callback(move |scroller, _| {
                // A frame begins before its layout.
                if frames.replace(frames.get() + 1) < 2 {
                    return glib::ControlFlow::Continue;
                }
                scroller.vadjustment().set_value(0.0);
                glib::ControlFlow::Break
            });
        }

        #[template_callback]
        fn on_name_changed(&self) {
            self.banner.set_revealed(false);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for HomePage {
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
            // The switch stays at the end of its row.
            if let Some(switch) = self.save.activatable_widget()
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
    /// Offers the name that the app remembers; called once.
    pub fn begin(&self, settings: Option<gio::Settings>) {
        let imp = self.imp();
        let _ = imp.settings.set(settings);
        match settings::name(self.settings()) {
            Some(name) => imp.name.set_text(&name),
            None => self.offer_first_name(),
        }
        imp.icon.set_icon_name(Some(APP_ID));
        if let Some(settings) = self.settings() {
            settings.bind("host-keeps", &*imp.save, "active").build();
            settings
                .bind("host-private", &*imp.private, "active")
                .build();
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

    /// Calls `entered` when the user is in a room that they host.
    pub fn connect_entered(&self, entered: impl Fn(&RoomSession) + 'static) {
        let entered = glib::closure_local!(move |_: &Self, session: &RoomSession| {
            entered(session);
        });
        self.connect_closure("entered", false, entered);
    }

    fn settings(&self) -> Option<&gio::Settings> {
        self.imp().settings.get().and_then(Option::as_ref)
    }

    /// The field for the name, for other pages that ask for it.
    pub fn name_field(&self) -> &adw::EntryRow {
        &self.imp().name
    }

    /// Whether the user has had a name before.
    pub fn knows_name(&self) -> bool {
        settings::name(self.settings()).is_some()
    }

    /// Remembers the name.
    pub fn remember_name(&self) {
        if let Some(settings) = self.settings() {
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
        self.remember_name();
        self.imp().banner.set_revealed(false);
        self.set_opening(true);
        let name = self.user_name();
        let port = self.settings().map(|settings| settings.get("host-port"));
        let port = port.unwrap_or(DEFAULT_PORT);
        let wish = hosting::Wish {
            port: wanted_port.unwrap_or(port),
            storage_key: self.imp().save.is_active().then_some(port),
            private: self.imp().private.is_active(),
        };
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let opened = hosting::open(&name, wish).await;
            let Some(page) = page.upgrade().filter(|page| page.root().is_some()) else {
                // The user closed the window meanwhile, so the room closes, on another
                // thread.
                if let Ok(hosted) = opened {
                    gio::spawn_blocking(move || drop(hosted));
                }
                return;
            };
            page.set_opening(false);
            match opened {
                Ok(hosted) => {
                    let session = RoomSession::host(hosted.server, hosted.invitation, &name);
                    page.emit_by_name::<()>("entered", &[&session]);
                }
                Err(error) => page.not_hosted(&error),
            }
        });
    }

    fn not_hosted(&self, error: &BindError) {
        let imp = self.imp();
        if self.ask_about_port(error) {
            return;
        }
        self.show_banner(&strings::not_hosted(error));
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
