//! Opens rooms on this computer, and manages their saved messages.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use gettextrs::gettext;
use gtk::{gio, glib};

use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;
use crate::room::name_or_default;
use crate::server::{BindError, Running, Server, Settings};
use crate::store::{OpenError, Store};
use crate::tls::{Identity, IdentityError};

use super::strings::fill;

/// The file with the identity of this computer, by which those who join know it again.
const IDENTITY: &str = "identity.pem";

/// The extension of the files of saved rooms.
const SUFFIX: &str = "db";

/// The most rooms on *any port* that can be saved at the same time.
const ROOMS_ON_ANY_PORT: u32 = 8;

/// The folder of saved rooms.
fn folder() -> PathBuf {
    glib::user_data_dir().join("chatroom").join("rooms")
}

/// An open room, and the invitation of its host.
#[derive(Debug)]
pub struct Hosted {
    /// The server.
    pub server: Running,
    /// The pin and the keys of the room.
    pub invitation: Invitation,
}

/// How to open a room.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The port; 0 takes any free one.
    pub port: u16,
    /// The room saves messages under this port, and the next room that is opened with it
    /// has them again; 0 stands for rooms on any port. `None`: it saves no messages.
    pub storage_key: Option<u16>,
    /// Only those may join who were invited.
    pub private: bool,
}

/// Opens a room of the person `name`; on another thread, because it takes a
/// while to find out what uses a port that is taken. If the store of the wanted port is in
/// use, and the room itself takes any port, the room saves its messages as those of rooms
/// on any port.
///
/// # Errors
/// Why the room cannot be opened.
pub async fn open(name: &str, wish: Wish) -> Result<Hosted, BindError> {
    let name = name_or_default(name);
    let Wish { port, .. } = wish;
    let mut settings = Settings {
        port,
        private: wish.private,
        room_name: Some(fill(&gettext("{name}’s Room"), &[("name", &name)])),
        ..Settings::default()
    };
    let opened = gio::spawn_blocking(move || {
        settings.tls.identity = Some(Arc::new(identity().map_err(|error| {
            let error = io::Error::other(error);
            BindError::Other { port, error }
        })?));
        let server = match wish.storage_key {
            Some(by) => bind_saving(&settings, by)?,
            None => Server::bind(settings)?,
        };
        let port = server.port();
        let failed = |error| BindError::Other { port, error };
        let server = server.start().map_err(failed)?;
        let invitation = for_host(&server);
        Ok(Hosted { server, invitation })
    });
    opened.await.unwrap_or_else(|_| {
        let error = io::Error::other("the server could not be started");
        Err(BindError::Other { port, error })
    })
}

/// Who this computer is for those who join. Where a new identity cannot be saved, it lives
/// as long as the room.
fn identity() -> Result<Identity, IdentityError> {
    let folder = glib::user_data_dir().join("chatroom");
    // If not, the identity cannot be saved, which is an error of its own.
    let _ = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    match Identity::read_or_make(&folder.join(IDENTITY)) {
        Err(IdentityError::Unwritable { .. }) => Identity::generate(),
        result => result,
    }
}

/// The pin and the keys of a room for its host, who needs no network.
fn for_host(server: &Running) -> Invitation {
    let handle = server.handle();
    handle.invitation(true).unwrap_or_else(|| {
        let mut invitation = Invitation::to(Address::new("127.0.0.1", server.port()));
        invitation.pin = Some(handle.pin());
        invitation.host_key = Some(handle.host_key());
        invitation
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
