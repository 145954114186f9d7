//! The path of a store, and the lock that makes it ours alone.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::store::OpenError;

/// The first bytes of every `SQLite` file.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// In the header of the file: "chat".
pub(super) const APPLICATION_ID: i32 = 0x6368_6174;

/// The offset of the application id in the header.
const APPLICATION_ID_AT: usize = 68;

/// The most symbolic links in a row that this follows, as the kernel does.
const LINKS: usize = 40;

/// The files of `SQLite` beside the store.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file that no other server opens while this value exists.
///
/// The lock is on a file of its own, which stays, empty: if servers removed it, two of
/// them could lock one each. The kernel releases the lock however this process ends.
/// `SQLite`'s own locks would keep our readers out as well.
#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    _lock: File,
}

impl StoreFile {
    /// Locks the file for this process. Returns whether a store is in it; if not, one can
    /// be made. Changes nothing of a file of another kind.
    pub(super) fn claim(path: &Path) -> Result<(Self, bool), OpenError> {
        let path = resolve(path)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Err(OpenError::IsDirectory(path)),
            Ok(metadata) if !metadata.is_file() => return Err(OpenError::NotAStore(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::of_system(&path, error));
            }
            _ => {}
        }
        for suffix in BESIDE {
            check_regular(&beside(&path, suffix))?;
        }
        let lock_path = beside(&path, "-lock");
        let is_ours = lock_path.exists();
        let lock = lock(&lock_path, &path)?;
        let found = look(&path);
        if found.is_err() && !is_ours {
            // Our lock file does not stay beside another program's file.
            let _ = fs::remove_file(&lock_path);
        }
        let file = Self { path, _lock: lock };
        Ok((file, found?))
    }

    /// Deletes the file, of whatever kind, while nobody else has it open.
    pub(super) fn delete(path: &Path) -> Result<(), OpenError> {
        let path = resolve(path)?;
        let _lock = lock(&beside(&path, "-lock"), &path)?;
        if fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir()) {
            return Err(OpenError::IsDirectory(path));
        }
        // A write-ahead log that outlived its file would become a part of the next one.
        for name in [beside(&path, "-wal"), beside(&path, "-shm"), path] {
            match fs::remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(OpenError::of_system(&name, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An absolute path without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The path with a suffix, as `SQLite` names its own files.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The one name by which every server knows the file, whether it exists or not.
fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path.pop();
        path.push(target);
    }
    let Some(name) = path.file_name() else {
        return Err(OpenError::IsDirectory(path));
    };
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match directory.canonicalize() {
        Ok(directory) => Ok(directory.join(name)),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                OpenError::NoDirectory(directory.to_owned())
            }
            _ => OpenError::of_system(directory, error),
        }),
    }
}

/// The flags for opening every file of ours: the kernel follows no links, and no pipe or
/// device blocks the opening. The standard library adds `O_CLOEXEC`.
fn flags() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY)
        .bits()
        .cast_signed()
}

/// Whether there is a regular file, or nothing.
fn check_regular(path: &Path) -> Result<(), OpenError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(OpenError::NotAFile(path.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(OpenError::of_system(path, error))
        }
        _ => Ok(()),
    }
}

fn lock(lock_path: &Path, path: &Path) -> Result<File, OpenError> {
    // To open some devices has an effect by itself.
    check_regular(lock_path)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags())
        .open(lock_path)
        .map_err(|error| match error.kind() {
            // This file may be the only one that belongs to somebody else.
            io::ErrorKind::PermissionDenied => OpenError::of_system(lock_path, error),
            _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                OpenError::NotAFile(lock_path.to_owned())
            }
            _ => OpenError::of_system(path, error),
        })?;
    if !file.metadata().is_ok_and(|it| it.is_file()) {
        return Err(OpenError::NotAFile(lock_path.to_owned()));
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::of_system(lock_path, error)),
    }
}

/// Whether there is a store of ours. An empty file is not a store, and can become one.
///
/// Only the holder of the lock may call this: closing the file takes away the locks that
/// `SQLite` has on it in this process.
fn look(path: &Path) -> Result<bool, OpenError> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags())
        .open(path);
    let file = match opened {
        Ok(file) if !file.metadata().is_ok_and(|it| it.is_file()) => {
            return Err(OpenError::NotAStore(path.to_owned()));
        }
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(OpenError::of_system(path, error)),
    };
    let mut header = Vec::new();
    file.take(100)
        .read_to_end(&mut header)
        .map_err(|error| OpenError::of_system(path, error))?;
    let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
    if header.is_empty() {
        Ok(false)
    } else if header.starts_with(MAGIC) && id == Some(&APPLICATION_ID.to_be_bytes()) {
        Ok(true)
    } else {
        Err(OpenError::NotAStore(path.to_owned()))
    }
}
