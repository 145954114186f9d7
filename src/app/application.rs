//! The app on the desktop: its windows, its menu, its end.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{gio, glib};

use crate::platform::signals::{Signal, Signals};

use super::config::{APP_ID, RESOURCE_PATH, VERSION};
use super::saved_state::SavedState;
use super::window::Window;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Application;

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "ChatroomApplication";
        type Type = super::Application;
        type ParentType = adw::Application;
    }

    impl ObjectImpl for Application {}

    impl ApplicationImpl for Application {
        fn startup(&self) {
            self.parent_startup();
            let app = self.obj();
            gtk::Window::set_default_icon_name(APP_ID);
            if let Some(settings) = gtk::Settings::default() {
                // Messages can be selected, but moving the focus over them selects
                // nothing.
                settings.set_gtk_label_select_on_focus(false);
            }
            glib::spawn_future_local(async { SavedState::shared().read().await });
            app.add_actions();
            app.end_when_asked();
        }

        fn activate(&self) {
            self.parent_activate();
            Window::new(&*self.obj()).present();
        }

        fn open(&self, files: &[gio::File], _hint: &str) {
            for file in files {
                let window = Window::new(&*self.obj());
                window.present();
                super::Application::open_when_ready(&window, file.uri().into());
            }
        }
    }

    impl GtkApplicationImpl for Application {}
    impl AdwApplicationImpl for Application {}
}

glib::wrapper! {
    /// The app.
    pub struct Application(ObjectSubclass<imp::Application>)
        @extends adw::Application, gtk::Application, gio::Application,
        @implements gio::ActionMap, gio::ActionGroup;
}

impl Default for Application {
    fn default() -> Self {
        glib::Object::builder()
            .property("application-id", APP_ID)
            .property("resource-base-path", RESOURCE_PATH)
            .property("flags", gio::ApplicationFlags::HANDLES_OPEN)
            .build()
    }
}

impl Application {
    /// Opens a link to a room, when it is known whether the user can come back to it.
    fn open_when_ready(window: &Window, link: String) {
        let window = window.downgrade();
        glib::spawn_future_local(async move {
            SavedState::shared().ready().await;
            if let Some(window) = window.upgrade() {
                window.open_link(&link);
            }
        });
    }

    fn add_actions(&self) {
        self.add_action_entries([
            gio::ActionEntry::builder("new-window")
                .activate(|app: &Self, _, _| Window::new(app).present())
                .build(),
            gio::ActionEntry::builder("about")
                .activate(|app: &Self, _, _| app.about())
                .build(),
            gio::ActionEntry::builder("quit")
                .activate(|app: &Self, _, _| app.close_windows())
                .build(),
        ]);
        self.set_accels_for_action("app.new-window", &["<Control>n"]);
        self.set_accels_for_action("app.quit", &["<Control>q"]);
        self.set_accels_for_action("window.close", &["<Control>w"]);
    }

    /// Closes every window; a window asks first if something would be lost with its room.
    fn close_windows(&self) {
        for window in self.windows() {
            window.close();
        }
    }

    /// Leaves every room when the system asks the program to end, without asking.
    fn end_when_asked(&self) {
        let (ask, asked) = async_channel::bounded(1);
        // If the program cannot catch the signals, the system ends it without this.
        let _ = Signals::catch().and_then(|signals| {
            signals.on_first(move |signal| {
                let _ = ask.send_blocking(signal);
            })
        });
        let app = self.downgrade();
        glib::spawn_future_local(async move {
            let Ok(signal) = asked.recv().await else {
                return;
            };
            let Some(app) = app.upgrade() else {
                return;
            };
            let windows = app.windows();
            if windows.is_empty() {
                app.quit();
            }
            for window in windows {
                if let Some(window) = window.downcast_ref::<Window>() {
                    // Nobody is asked while the computer shuts down, and the user may
                    // want to return.
                    if signal == Signal::Interrupt {
                        window.leave_and_close();
                    } else {
                        window.break_off_and_close();
                    }
                }
            }
        });
    }

    fn about(&self) {
        let about = adw::AboutDialog::builder()
            .application_icon(APP_ID)
            .application_name(gettext("Chatroom"))
            .developer_name(gettext("The Chatroom developers"))
            .version(VERSION)
            .comments(gettext("Open a room and talk with the people around you"))
            .license_type(gtk::License::Gpl30)
            .build();
        about.present(self.active_window().as_ref());
    }
}
