//! The dialog for a room whose port is taken: it offers other ports.

use adw::prelude::*;
use gettextrs::gettext;
use gtk::glib;

use crate::app::strings::{self, fill};
use crate::protocol::address::Address;
use crate::server::BindError;

use super::HomePage;

/// The port of an error that another port avoids, and the cause in words.
pub fn wrong_port(error: &BindError) -> Option<(u16, String)> {
    let (port, heading) = match error {
        BindError::RoomOpen(port) => (*port, gettext("A Room Is Already Open")),
        BindError::PortTaken(port) => (*port, gettext("Port {port} Is in Use")),
        BindError::Forbidden(port) => (*port, gettext("Port {port} Is Reserved")),
        _ => return None,
    };
    Some((port, fill(&heading, &[("port", &port.to_string())])))
}

impl HomePage {
    /// Asks what to do about a taken port: use another one, or join the room that is open
    /// there. Returns whether the error is about the port.
    pub(super) fn ask_about_port(&self, error: &BindError) -> bool {
        let Some((port, heading)) = wrong_port(error) else {
            return false;
        };
        let body = strings::not_hosted(error);
        let dialog = adw::AlertDialog::new(Some(&heading), Some(&body));
        dialog.add_responses(&[
            ("cancel", &gettext("_Cancel")),
            ("other", &gettext("_Use Another Port")),
        ]);
        dialog.set_default_response(Some("other"));
        if matches!(error, BindError::RoomOpen(_)) {
            dialog.add_response("join", &gettext("_Join It"));
            dialog.set_default_response(Some("join"));
        }
        dialog.set_close_response("cancel");
        let page = self.downgrade();
        let choice = dialog.choose_future(Some(self));
        glib::spawn_future_local(async move {
            let response = choice.await;
            let Some(page) = page.upgrade() else {
                return;
            };
            match &*response {
                // Any free port.
                "other" => page.host(Some(0)),
                "join" => page.join(&Address::new("localhost", port), ""),
                _ => {}
            }
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_helps_wherever_the_port_is_what_is_wrong() {
        for error in [
            BindError::RoomOpen(53_000),
            BindError::PortTaken(53_000),
            BindError::Forbidden(80),
        ] {
            let (port, heading) = wrong_port(&error).unwrap();
            assert!(port == 53_000 || heading == "Port 80 Is Reserved");
        }
        let error = std::io::Error::other("out of memory");
        let port = 53_000;
        assert_eq!(wrong_port(&BindError::Other { port, error }), None);
    }
}
