//! What goes wrong with an `SQLite` file, and the errors of the store that come of it.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::{OpenError, ReadError, WriteError};

/// An error, before the code that knows the operation and the file has added them.
#[derive(Debug)]
pub(super) enum Trouble {
    /// `SQLite` reports it.
    Sqlite(rusqlite::Error),
    /// The stored data contradicts itself.
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
    /// Whether the cause may go away soon, and nothing of the batch is on disk: another
    /// program has the file locked, or the disk is full. The server never tries a write
    /// again that failed in any other way, because nobody knows what the disk holds.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull)
        )
    }

    /// The code of `SQLite`. Data that `SQLite` can read but this program does not
    /// understand counts as damage.
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

impl OpenError {
    /// An error that the system reports about `path`.
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
