//! The errors of a store, in words for the administrator.

use std::io;
use std::path::PathBuf;

/// Why a store cannot be opened. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file has a schema that this version does not know.
    #[error("{0} was written by a newer version of Chatroom. Use that version, or another file.")]
    Newer(PathBuf),
    /// The file is not a store.
    #[error("{0} is not a store of Chatroom. Choose another file.")]
    NotAStore(PathBuf),
    /// The contents of the file contradict each other.
    #[error("{0} is damaged. Restore it from a backup, or choose another file.")]
    Damaged(PathBuf),
    /// Another program has locked the file, perhaps for a moment.
    #[error("{0} is locked by another program. Close that program, and start again.")]
    Locked(PathBuf),
    /// The file, or one beside it, is not a regular file but a link, a pipe or a device.
    #[error("{0} is not a regular file. Remove it, or choose another file.")]
    NotAFile(PathBuf),
    /// Another server has the file open.
    #[error("{0} is in use by another server. Close that one first, or choose another file.")]
    InUse(PathBuf),
    /// This user may not read and write the file, or one beside it.
    #[error("There is no permission to read and write {0}. Change its owner or its mode.")]
    NoPermission(PathBuf),
    /// The directory of the file does not exist.
    #[error("The directory {0} does not exist. Make it first, or choose another file.")]
    NoDirectory(PathBuf),
    /// The path leads to a directory.
    #[error("{0} is a directory. Name a file in it.")]
    IsDirectory(PathBuf),
    /// The disk is full.
    #[error("{0} cannot be opened because the disk is full. Free some space, and start again.")]
    DiskFull(PathBuf),
    /// The file system is read-only.
    #[error("{0} is on a file system that is read-only. Choose another file.")]
    ReadOnly(PathBuf),
    /// The program was built without the feature `store`.
    #[error(
        "{0} cannot be used: this build of Chatroom has no store. Use another build, or leave the store out."
    )]
    NotBuilt(PathBuf),
    /// Something else went wrong.
    #[error("{path} cannot be opened: {error}.")]
    Failed {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// Why the store could not write a batch. The server must not report anything of the
/// batch to anyone. Unless the error is an [obstacle](WriteError::obstacle), nobody may
/// write to the store again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full.
    #[error("{0} cannot be written because the disk is full. Free some space, and start again.")]
    DiskFull(PathBuf),
    /// The contents of the file contradict each other.
    #[error("{0} is damaged. Restore it from a backup, or choose another file.")]
    Damaged(PathBuf),
    /// The file system has become read-only.
    #[error("{0} is on a file system that has become read-only. Look at the disk.")]
    ReadOnly(PathBuf),
    /// Another program has kept the file locked for too long.
    #[error("{0} was locked by another program for too long. Close that one, and start again.")]
    Locked(PathBuf),
    /// A record does not fit those before it.
    #[error("The records for {0} are out of order. This is a defect of Chatroom.")]
    OutOfOrder(PathBuf),
    /// A write before this one failed.
    #[error("Nothing more is written to {0}, because a write to it has failed.")]
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

/// Why the store could not read messages.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The contents of the file contradict each other.
    #[error("{0} is damaged. Restore it from a backup.")]
    Damaged(PathBuf),
    /// Another program has locked the file, perhaps for a moment.
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

impl WriteError {
    /// The obstacle, if the cause may go away soon. Nothing was written, and the same
    /// batch can be written again.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::Locked(path) => Some(format!("another program has locked {}", path.display())),
            Self::DiskFull(path) => Some(format!("the disk that {} is on is full", path.display())),
            _ => None,
        }
    }
}
