//! Opening a room on this computer.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use gettextrs::gettext;
use gtk::{gio, glib};

use crate::room::name_or_default;
use crate::server::{BindError, Running, Server, Settings};

use super::words::fill;

/// Where rooms are kept.
fn folder() -> PathBuf {
    glib::user_data_dir().join("chatroom").join("rooms")
}

/// Opens a room of the person `name` on `port`; not on this thread, because asking
/// who has a port that is taken needs its time. If it `keeps` what is said, that is
/// there again in the next room on the port that does.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open(name: &str, port: u16, keeps: bool) -> Result<Running, BindError> {
    let name = name_or_default(name);
    let settings = Settings {
        port,
        room_name: Some(fill(&gettext("{name}’s Room"), &[("name", &name)])),
        store: keeps.then(|| folder().join(format!("{port}.db"))),
        ..Settings::default()
    };
    let opened = gio::spawn_blocking(move || {
        if settings.store.is_some() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder())
                .map_err(|error| BindError::Other { port, error })?;
        }
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
