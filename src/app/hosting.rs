//! Opening a room on this computer.

use gettextrs::gettext;
use gtk::gio;

use crate::room::name_or_default;
use crate::server::{BindError, Running, Server, Settings};

use super::words::fill;

/// Opens a room of the person `name` on `port`; not on this thread, because asking
/// who has a port that is taken needs its time.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open(name: &str, port: u16) -> Result<Running, BindError> {
    let name = name_or_default(name);
    let settings = Settings {
        port,
        room_name: Some(fill(&gettext("{name}’s Room"), &[("name", &name)])),
        ..Settings::default()
    };
    let opened = gio::spawn_blocking(move || {
        let server = Server::bind(settings)?;
        let port = server.port();
        server
            .start()
            .map_err(|error| BindError::Other { port, error })
    });
    opened.await.unwrap_or_else(|_| {
        let error = std::io::Error::other("the server could not be started");
        Err(BindError::Other { port, error })
    })
}
