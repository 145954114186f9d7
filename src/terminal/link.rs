//! Where a listener finds the link to a room, and its key. Both can be secrets, which do
//! not belong on a command line: other users of the computer can see it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::protocol::invitation::{INVITATION_LIMIT, Invitation, NotAnInvitation};
use crate::room::{NotAKey, RoomKey};

/// The most bytes of a file with a key. A key has 16 characters.
const KEY_LIMIT: usize = 1_024;

/// Where the link to a room is.
#[derive(Clone, Debug)]
pub enum Link {
    /// On the command line.
    Given(Box<Invitation>),
    /// On standard input, in its first line.
    Input,
    /// In the first line of this file.
    File(PathBuf),
}

/// Why there is no link, or no key. Its text shows no part of either.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{} cannot be read: {error}.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Everyone on this computer may read the file.
    #[error(
        "Other users may read the secret in {path}; to change that: chmod o= {path}",
        path = path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// Standard input cannot be read.
    #[error("Standard input cannot be read: {0}.")]
    Input(io::Error),
    /// There is nothing.
    #[error("{0} has no link to a room: its first line is empty.")]
    Empty(String),
    /// There is no link.
    #[error("{from} has no link to a room: {why}.")]
    NotALink {
        /// Where it was looked for.
        from: String,
        /// The reason.
        why: NotAnInvitation,
    },
    /// There is no key.
    #[error("{} has no key of a room: {why}.", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: NotAKey,
    },
}

impl Link {
    /// Reads the link.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(self) -> Result<Invitation, SecretError> {
        let (from, line) = match self {
            Self::Given(invitation) => return Ok(*invitation),
            Self::Input => {
                let line = first_line(io::stdin().lock(), INVITATION_LIMIT);
                (
                    "Standard input".to_owned(),
                    line.map_err(SecretError::Input)?,
                )
            }
            Self::File(path) => {
                let file = open(&path, true)?;
                let line = first_line(file, INVITATION_LIMIT);
                let line = line.map_err(|error| unreadable(&path, error))?;
                (path.display().to_string(), line)
            }
        };
        // Elsewhere an empty address means this computer.
        if line.trim().is_empty() {
            return Err(SecretError::Empty(from));
        }
        read_invitation(&line).map_err(|why| SecretError::NotALink { from, why })
    }
}

/// Reads an invitation.
///
/// # Errors
/// If the text is none. The error shows nothing of what follows a `#`, even where the text
/// is no link.
pub fn read_invitation(written: &str) -> Result<Invitation, NotAnInvitation> {
    written.parse().map_err(|error| {
        let Some((before, _)) = written.split_once('#') else {
            return error;
        };
        let damaged = before.parse::<Invitation>().err();
        damaged.unwrap_or(NotAnInvitation::Damaged)
    })
}

/// Reads the key of a room from the first line of a file. With `may_wait`, the file can be
/// a pipe.
///
/// # Errors
/// If the file cannot be read, every user may read it, or it has no key.
pub fn read_key(path: &Path, may_wait: bool) -> Result<RoomKey, SecretError> {
    let file = open(path, may_wait)?;
    let line = first_line(file, KEY_LIMIT).map_err(|error| unreadable(path, error))?;
    line.parse().map_err(|why| SecretError::NotAKey {
        path: path.to_owned(),
        why,
    })
}

fn unreadable(path: &Path, error: io::Error) -> SecretError {
    let path = path.to_owned();
    SecretError::Unreadable { path, error }
}

/// Opens a file with a secret.
fn open(path: &Path, may_wait: bool) -> Result<File, SecretError> {
    let mut options = OpenOptions::new();
    options.read(true);
    if !may_wait {
        // A pipe must not make a server wait.
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options
        .open(path)
        .map_err(|error| unreadable(path, error))?;
    let found = file.metadata().map_err(|error| unreadable(path, error))?;
    if found.is_file() && found.mode() & 0o007 != 0 {
        return Err(SecretError::Exposed {
            path: path.to_owned(),
        });
    }
    if !found.is_file() && !may_wait || found.is_dir() {
        let error = io::Error::other("it is not a regular file");
        return Err(unreadable(path, error));
    }
    Ok(file)
}

/// The first line of what `from` has, at most `limit` bytes and one more.
fn first_line(from: impl Read, limit: usize) -> io::Result<String> {
    let mut line = Vec::new();
    for byte in io::BufReader::new(from.take(limit as u64 + 1)).bytes() {
        match byte? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map_err(|_| io::Error::other("it is not text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const KEY: &str = "abcdefghijklmnop";

    #[test]
    fn a_key_is_read_from_a_file_that_only_its_user_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let write = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read_key(&path, false)
        };
        assert_eq!(
            write("abcd-efgh-ijkl-mnop\nmore\n", 0o600)
                .unwrap()
                .secret(),
            KEY
        );
        assert_eq!(write(KEY, 0o640).unwrap().secret(), KEY);
        for (text, mode, words) in [
            (KEY, 0o604, "chmod o="),
            ("", 0o600, "has no key of a room"),
            ("abcdefghijklmno", 0o600, "has no key of a room"),
            (&"a".repeat(100_000), 0o600, "has no key of a room"),
        ] {
            let error = write(text, mode).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("abcdefg"), "{error}");
        }
        fs::write(&path, b"\xff").unwrap();
        read_key(&path, false).unwrap_err();
        for path in [
            folder.path(),
            Path::new("/dev/zero"),
            Path::new("/nonexistent"),
        ] {
            read_key(path, false).unwrap_err();
        }
    }

    #[test]
    fn a_link_comes_from_a_file_and_an_error_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        let write = |text: &str| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            Link::File(path.clone()).read()
        };
        let link = write(&format!("chatroom://h#k={KEY}\n")).unwrap();
        assert_eq!(link.key.unwrap().secret(), KEY);
        for text in [
            "",
            "\nchatroom://h",
            "h#k=secret",
            "http://h#k=secret",
            "chatroom://h#k=secret",
        ] {
            let error = write(text).unwrap_err().to_string();
            assert!(error.contains("has no link to a room"), "{error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }
}
