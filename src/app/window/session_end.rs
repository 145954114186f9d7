//! The end of the desktop session. It ends the room that a window hosts, so the desktop
//! tells the user first.
//!
//! The app asks the desktop through its portal (`org.freedesktop.portal.Inhibit`), which
//! shows the reason and lets the user decide. The portal drops the request when this
//! program ends. Nothing waits for the portal: without one, the session ends as usual.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{gio, glib};

use crate::app::models::RoomSession;

use super::Window;
use super::question::{Question, Stakes};

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";

/// The portal's number for what it should ask about: the end of the session.
const LOG_OUT: u32 = 1;

/// The state of the request not to end the session.
#[derive(Debug, Default)]
pub struct SessionEnd {
    wanted: Cell<bool>,
    /// The portal's object path of the request that is in effect.
    request: RefCell<Option<String>>,
    /// The app is waiting for the portal's answer.
    busy: Cell<bool>,
    /// There is no portal.
    unavailable: Cell<bool>,
}

impl SessionEnd {
    /// Makes or withdraws the request, as wanted.
    async fn settle(&self, bus: &gio::DBusConnection) {
        while self.wanted.get() != self.request.borrow().is_some() && !self.unavailable.get() {
            let request = self.request.take();
            let result = match request {
                None => self.hold(bus).await,
                Some(request) => release(bus, &request).await,
            };
            if result.is_err() {
                self.unavailable.set(true);
            }
        }
    }

    async fn hold(&self, bus: &gio::DBusConnection) -> Result<(), glib::Error> {
        let options = glib::VariantDict::new(None);
        options.insert(
            "reason",
            gettext("A room is open, and closes with the session"),
        );
        // For no particular window, because not every desktop can identify one by a name.
        let parameters = ("", LOG_OUT, options).to_variant();
        let interface = "org.freedesktop.portal.Inhibit";
        let answer = call(bus, PORTAL_PATH, interface, "Inhibit", Some(&parameters)).await?;
        let request = answer
            .try_child_value(0)
            .and_then(|it| it.str().map(str::to_owned));
        self.request.replace(request);
        Ok(())
    }
}

async fn release(bus: &gio::DBusConnection, request: &str) -> Result<(), glib::Error> {
    let interface = "org.freedesktop.portal.Request";
    call(bus, request, interface, "Close", None).await.map(drop)
}

async fn call(
    bus: &gio::DBusConnection,
    path: &str,
    interface: &str,
    method: &str,
    parameters: Option<&glib::Variant>,
) -> Result<glib::Variant, glib::Error> {
    let (flags, default_time) = (gio::DBusCallFlags::NONE, -1);
    bus.call_future(
        Some(PORTAL),
        path,
        interface,
        method,
        parameters,
        None,
        flags,
        default_time,
    )
    .await
}

impl Window {
    /// Watches what would be lost with the room of `session`.
    pub(super) fn watch_session_end(&self, session: &RoomSession) {
        let look = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.look_at_session_end()
        );
        let again = look.clone();
        session.connect_member_count_notify(move |_| again());
        let again = look.clone();
        session.connect_state_notify(move |_| again());
        session
            .conversation()
            .connect_items_changed(move |_, _, _, _| look());
        self.look_at_session_end();
    }

    /// Asks the desktop not to end the session without a question, or withdraws that.
    pub(super) fn look_at_session_end(&self) {
        let stakes = self.imp().session.borrow().as_ref().map(Stakes::of);
        // The app saves unsent text, so it survives the end of the session.
        let stakes = stakes.map(|stakes| Stakes {
            unsent: false,
            ..stakes
        });
        let question = stakes.and_then(Stakes::question);
        let end = Rc::clone(&self.imp().session_end);
        end.wanted.set(matches!(question, Some(Question::Close(_))));
        let is_settled = end.wanted.get() == end.request.borrow().is_some();
        let bus = gio::Application::default().and_then(|app| app.dbus_connection());
        let Some(bus) = bus.filter(|_| !is_settled && !end.unavailable.get()) else {
            return;
        };
        if end.busy.replace(true) {
            return;
        }
        glib::spawn_future_local(async move {
            end.settle(&bus).await;
            end.busy.set(false);
        });
    }
}
