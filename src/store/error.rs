//! The errors of a store, in words for the administrator.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a store cannot be opened. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its schema is one that this version does not know.
    #[error("{0} was written by a newer version of Chatroom. Use that version, or another file.")]
    Newer(PathBuf),
    /// It is something else.
    #[error("{0} is not a store of Chatroom. Choose another file.")]
    NotAStore(PathBuf),
    /// Its contents contradict themselves.
    #[error("{0} is damaged. Restore it from a backup, or choose another file.")]
    Damaged(PathBuf),
    /// Another program has locked it, perhaps for a moment.
    #[error("{0} is locked by another program. Close that program, and start again.")]
    Locked(PathBuf),
    /// It, or a file beside it, is something else than a file: a link, a pipe, a device.
    #[error("{0} is not a regular file. Remove it, or choose another file.")]
    NotAFile(PathBuf),
    /// Someone else has it open.
    #[error("{0} is in use by another server. Close that one first, or choose another file.")]
    InUse(PathBuf),
    /// It, or a file beside it, may not be read and written.
    #[error("There is no permission to read and write {0}. Change its owner or its mode.")]
    NoPermission(PathBuf),
    /// The directory that it is to be in does not exist.
    #[error("The directory {0} does not exist. Make it first, or choose another file.")]
    NoDirectory(PathBuf),
    /// It is a directory itself.
    #[error("{0} is a directory. Name a file in it.")]
    IsDirectory(PathBuf),
    /// There is no room on the disk.
    #[error("{0} cannot be opened because the disk is full. Make room, and start again.")]
    DiskFull(PathBuf),
    /// Nothing can be written there.
    #[error("{0} is on a file system that is read-only. Choose another file.")]
    ReadOnly(PathBuf),
    /// Something else went wrong.
    #[error("{path} cannot be opened: {error}.")]
    Failed {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// Why something could not be stored. Nothing of it may be told to anyone. Unless it is
/// an [obstacle](WriteError::obstacle), the store must not be written to again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no room on the disk.
    #[error("{0} cannot be written because the disk is full. Make room, and start again.")]
    DiskFull(PathBuf),
    /// The contents of the file contradict themselves.
    #[error("{0} is damaged. Restore it from a backup, or choose another file.")]
    Damaged(PathBuf),
    /// The file system has become read-only.
    #[error("{0} is on a file system that has become read-only. Look at the disk.")]
    ReadOnly(PathBuf),
    /// Another program has kept the file locked for too long.
    #[error("{0} was locked by another program for too long. Close that one, and start again.")]
    Locked(PathBuf),
    /// A record that cannot follow those before it.
    #[error("What was to be written to {0} was out of order. This is a defect of Chatroom.")]
    OutOfOrder(PathBuf),
    /// A write before this one failed.
    #[error("{0} is not written to any more, because writing it has failed before.")]
    FailedBefore(PathBuf),
    /// Something else went wrong.
    #[error("{path} cannot be written: {error}. Look at the disk.")]
    Failed {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The contents of the file contradict themselves.
    #[error("{0} is damaged. Restore it from a backup.")]
    Damaged(PathBuf),
    /// Another program has locked it, perhaps for a moment.
    #[error("{0} is locked by another program. Close that program.")]
    Locked(PathBuf),
    /// Something else went wrong.
    #[error("{path} cannot be read: {error}. Look at the disk.")]
    Failed {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// An error before it is known during which operation it happened.
#[derive(Debug)]
pub(super) enum Trouble {
    /// `SQLite` says so.
    Sqlite(rusqlite::Error),
    /// The data that was read contradicts itself.
    Damaged,
    /// The records contradict the contents of the file.
    OutOfOrder,
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Trouble {
    /// Whether it may be over in a moment, and nothing of what was to be written is on
    /// disk: another program has the file locked, or the disk is full. A write that
    /// failed in any other way is never tried again, because nobody knows what the
    /// disk holds.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull)
        )
    }

    /// The code of `SQLite`. Data that it can read and not understand is damage.
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => match error.code {
                // No such table, a malformed schema.
                ErrorCode::Unknown | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
                    Some(ErrorCode::DatabaseCorrupt)
                }
                ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                    Some(ErrorCode::DatabaseBusy)
                }
                code => Some(code),
            },
            Self::Sqlite(_) | Self::Damaged => Some(ErrorCode::DatabaseCorrupt),
            Self::OutOfOrder => None,
        }
    }

    fn into_io(self) -> io::Error {
        match self {
            Self::Sqlite(error) => io::Error::other(error),
            Self::Damaged | Self::OutOfOrder => io::ErrorKind::InvalidData.into(),
        }
    }

    pub(super) fn opening(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self.code() {
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(path),
            Some(ErrorCode::DatabaseBusy) => OpenError::Locked(path),
            Some(ErrorCode::DiskFull) => OpenError::DiskFull(path),
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                OpenError::NoPermission(path)
            }
            _ => OpenError::Failed {
                path,
                error: self.into_io(),
            },
        }
    }

    pub(super) fn writing(self, path: &Path) -> WriteError {
        let path = path.to_owned();
        match self.code() {
            None => WriteError::OutOfOrder(path),
            Some(ErrorCode::DatabaseCorrupt) => WriteError::Damaged(path),
            Some(ErrorCode::DatabaseBusy) => WriteError::Locked(path),
            Some(ErrorCode::DiskFull) => WriteError::DiskFull(path),
            Some(ErrorCode::ReadOnly) => WriteError::ReadOnly(path),
            Some(_) => WriteError::Failed {
                path,
                error: self.into_io(),
            },
        }
    }

    pub(super) fn reading(self, path: &Path) -> ReadError {
        let path = path.to_owned();
        match self.code() {
            Some(ErrorCode::DatabaseCorrupt) => ReadError::Damaged(path),
            Some(ErrorCode::DatabaseBusy) => ReadError::Locked(path),
            _ => ReadError::Failed {
                path,
                error: self.into_io(),
            },
        }
    }
}

impl WriteError {
    /// The obstacle, if it may be over in a moment. Nothing was written then,
    /// and the same can be written again.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::Locked(path) => Some(format!("another program has locked {}", path.display())),
            Self::DiskFull(path) => Some(format!("the disk that {} is on is full", path.display())),
            _ => None,
        }
    }
}

impl OpenError {
    /// An error of the system about `path`.
    pub(super) fn of_system(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::NoPermission(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            io::ErrorKind::IsADirectory => Self::IsDirectory(path),
            _ => Self::Failed { path, error },
        }
    }
}
