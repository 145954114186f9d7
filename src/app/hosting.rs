//! Opens rooms on this computer, and manages their saved messages.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use gettextrs::gettext;
use gtk::{gio, glib};

use crate::room::name_or_default;
use crate::server::{BindError, Running, Server, Settings};
use crate::store::{OpenError, Store};

use super::strings::fill;

/// The extension of the files of saved rooms.
const SUFFIX: &str = "db";

/// The most rooms on *any port* that can be saved at the same time.
const ROOMS_ON_ANY_PORT: u32 = 8;

/// The folder of saved rooms.
fn folder() -> PathBuf {
    glib::user_data_dir().join("chatroom").join("rooms")
}

/// Opens a room of the person `name` on `port`; on another thread, because it takes a
/// while to find out what uses a port that is taken. With `storage_key`, the room saves
/// messages under that port, and the next room that is opened with it has them again; 0
/// stands for rooms on any port. If the store of that port is in use, and the room itself
/// takes any port, the room saves its messages as those of rooms on any port.
///
/// # Errors
/// Why the room cannot be opened.
pub async fn open(name: &str, port: u16, storage_key: Option<u16>) -> Result<Running, BindError> {
    let name = name_or_default(name);
    let settings = Settings {
        port,
        room_name: Some(fill(&gettext("{name}’s Room"), &[("name", &name)])),
        ..Settings::default()
    };
    let opened = gio::spawn_blocking(move || {
        let server = match storage_key {
            Some(by) => bind_saving(&settings, by)?,
            None => Server::bind(settings)?,
        };
        let port = server.port();
        server
            .start()
            .map_err(|error| BindError::Other { port, error })
    });
    opened.await.unwrap_or_else(|_| {
        let error = io::Error::other("the server could not be started");
        Err(BindError::Other { port, error })
    })
}

fn bind_saving(settings: &Settings, by: u16) -> Result<Server, BindError> {
    let folder = folder();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| not_used(folder.clone(), error))?;
    let bind = |name: String| {
        Server::bind(Settings {
            store: Some(folder.join(name).with_extension(SUFFIX)),
            ..settings.clone()
        })
    };
    if by != 0 {
        match bind(by.to_string()) {
            // The room that uses this store is open, on the port that this room avoids.
            Err(BindError::Store(OpenError::InUse(_))) if settings.port == 0 => {}
            result => return result,
        }
    }
    let mut number = 1;
    loop {
        match bind(format!("any-{number}")) {
            Err(BindError::Store(OpenError::InUse(_))) if number < ROOMS_ON_ANY_PORT => number += 1,
            result => return result,
        }
    }
}

/// Whether there are saved messages of rooms that the user hosted.
pub async fn has_saved() -> bool {
    let found = gio::spawn_blocking(|| files().is_ok_and(|files| !files.is_empty()));
    found.await.unwrap_or_default()
}

/// Permanently deletes the saved messages of all rooms that are not open.
///
/// # Errors
/// Why some messages could not be deleted.
pub async fn delete_saved() -> Result<(), OpenError> {
    let deleted = gio::spawn_blocking(|| {
        let mut result = Ok(());
        for file in files().map_err(|error| not_used(folder(), error))? {
            result = Store::delete(&file).and(result);
        }
        result
    });
    deleted.await.unwrap_or(Ok(()))
}

/// The files of saved rooms.
fn files() -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    paths
        .filter(|path| {
            !path
                .as_ref()
                .is_ok_and(|path| path.extension().is_none_or(|it| it != SUFFIX))
        })
        .collect()
}

/// An error that the system reports about a folder.
fn not_used(path: PathBuf, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => OpenError::NoPermission(path),
        io::ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly(path),
        io::ErrorKind::StorageFull => OpenError::DiskFull(path),
        _ => OpenError::Failed { path, error },
    }
}
