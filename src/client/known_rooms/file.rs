//! The file of the known rooms. Only its owner can read it, and several programs use it at
//! once: a change is made under a lock, and the file is replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::KnownRooms;
use crate::owner_file;

/// The most bytes of the file. It has fewer, whatever the client remembers.
const LIMIT: u64 = 4 << 20;

/// How long a change waits for another program that changes the file.
const LOCKED_WITHIN: Duration = Duration::from_millis(500);

/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why the client does not know the rooms again, or will not know this one. It joins all
/// the same.
#[derive(Debug, thiserror::Error)]
pub enum KnownRoomsError {
    /// The file was not one of known rooms. It was moved away, and a new one begins.
    #[error(
        "The file with the rooms that you know was damaged, and is now {path}; until you have been \
         there again, each room is treated as a new one. Compare fingerprints where it matters.",
        path = .0.display()
    )]
    Damaged(PathBuf),
    /// The file cannot be read or moved away.
    #[error(
        "The rooms that you know cannot be read from {path}: {1}; each room is treated as a new one. \
         Check the permissions of the file.",
        path = .0.display()
    )]
    NotRead(PathBuf, io::Error),
    /// The file cannot be written.
    #[error(
        "This room cannot be remembered in {path}: {1}; check the permissions of the folder and the \
         space on the disk.",
        path = .0.display()
    )]
    NotWritten(PathBuf, io::Error),
}

impl KnownRooms {
    /// Where the program has the file: `chatroom/known-rooms.json` in the user's folder
    /// for data (XDG Base Directory Specification). `None` if the user has no such folder.
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        let folder = |variable| {
            let folder = std::env::var_os(variable).map(PathBuf::from);
            folder.filter(|folder| folder.is_absolute())
        };
        let data = folder("XDG_DATA_HOME");
        let data = data.or_else(|| folder("HOME").map(|home| home.join(".local/share")))?;
        Some(data.join("chatroom").join("known-rooms.json"))
    }

    /// Reads the file; one that does not exist counts as empty. May take as long as the
    /// disk does.
    ///
    /// # Errors
    /// If the file cannot be read, or if it is damaged. Then it is moved away, to a name
    /// that ends in `.damaged`.
    pub fn read(path: &Path) -> Result<Self, KnownRoomsError> {
        match read(path) {
            Ok(known) => Ok(known),
            Err(error) if error.kind() == ErrorKind::InvalidData => match set_aside(path) {
                Ok(Some(aside)) => Err(KnownRoomsError::Damaged(aside)),
                Ok(None) => read(path).map_err(|it| KnownRoomsError::NotRead(path.into(), it)),
                Err(error) => Err(KnownRoomsError::NotRead(path.into(), error)),
            },
            Err(error) => Err(KnownRoomsError::NotRead(path.into(), error)),
        }
    }

    /// Changes the file, unless `change` returns `false`. May take as long as the disk
    /// does, and half a second longer while other programs change it.
    ///
    /// # Errors
    /// If the file cannot be read or written; it is unchanged then.
    pub fn update(
        path: &Path,
        change: impl FnOnce(&mut Self) -> bool,
    ) -> Result<(), KnownRoomsError> {
        let written = (|| {
            let _lock = lock(path)?;
            let mut known = read(path)?;
            if change(&mut known) {
                owner_file::replace(path, &serde_json::to_vec(&known)?)?;
            }
            Ok(())
        })();
        written.map_err(|error| KnownRoomsError::NotWritten(path.into(), error))
    }
}

/// Reads the file.
///
/// # Errors
/// [`ErrorKind::InvalidData`] if it is not one of known rooms, else the system's error.
fn read(path: &Path) -> io::Result<KnownRooms> {
    // Nobody waits for the other end of a pipe.
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(KnownRooms::default()),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    let damaged = |error| io::Error::new(ErrorKind::InvalidData, error);
    if bytes.len() as u64 > LIMIT {
        return Err(damaged("it is too long".into()));
    }
    let known = serde_json::from_slice(&bytes);
    let mut known: KnownRooms = known.map_err(|error| damaged(error.to_string()))?;
    known.limit();
    Ok(known)
}

/// Moves a damaged file away, and returns its new name; `None` if it is not damaged any
/// more.
fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let _lock = lock(path)?;
    match read(path) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        _ => return Ok(None),
    }
    let aside = path.with_extension("damaged");
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

/// Keeps other programs from changing the file, until the result is dropped.
fn lock(path: &Path) -> io::Result<File> {
    owner_file::make_folder(path)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.with_extension("lock"))?;
    let by = Instant::now() + LOCKED_WITHIN;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) if Instant::now() < by => {
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(io::Error::other("another program does not release it"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::protocol::Pin;
    use crate::protocol::address::Address;

    const PIN: Pin = Pin([7; 32]);

    fn remember(path: &Path, room: &str) -> Result<(), KnownRoomsError> {
        KnownRooms::update(path, |known| known.remember(PIN, room, &Address::default()))
    }

    fn in_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom").join("known-rooms.json");
        (folder, path)
    }

    #[test]
    fn what_is_written_is_the_owner_s_alone_and_is_read_again() {
        let (_folder, path) = in_folder();
        assert_eq!(KnownRooms::read(&path).unwrap(), KnownRooms::default());
        remember(&path, "“R”").unwrap();
        let known = KnownRooms::read(&path).unwrap();
        assert_eq!(known.server(PIN).unwrap().rooms, ["“R”"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn nothing_new_is_not_written() {
        let (_folder, path) = in_folder();
        remember(&path, "R").unwrap();
        let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
        let before = inode();
        remember(&path, "R").unwrap();
        assert_eq!(inode(), before);
    }

    #[test]
    fn a_damaged_file_is_moved_away_and_kept() {
        let (_folder, path) = in_folder();
        remember(&path, "R").unwrap();
        let long = vec![b' '; usize::try_from(LIMIT).unwrap() + 1];
        for damaged in [
            &b""[..],
            b"{\"servers\":[{\"pin\"",
            b"[1]",
            b"{\"servers\":[{\"pin\":\"short\"}]}",
            b"\xff\xfe",
            &long,
        ] {
            fs::write(&path, damaged).unwrap();
            let error = remember(&path, "R").unwrap_err();
            assert!(matches!(error, KnownRoomsError::NotWritten(..)), "{error}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
            let error = KnownRooms::read(&path).unwrap_err();
            let KnownRoomsError::Damaged(aside) = &error else {
                panic!("{error}")
            };
            assert_eq!(fs::read(aside).unwrap(), damaged);
            assert!(error.to_string().contains(aside.to_str().unwrap()));
            assert_eq!(KnownRooms::read(&path).unwrap(), KnownRooms::default());
        }
        remember(&path, "R").unwrap();
        assert!(KnownRooms::read(&path).unwrap().server(PIN).is_some());
    }

    #[test]
    fn what_is_no_file_is_told_and_left_alone() {
        let (_folder, path) = in_folder();
        fs::create_dir_all(&path).unwrap();
        let error = KnownRooms::read(&path).unwrap_err();
        assert!(matches!(error, KnownRoomsError::NotRead(..)), "{error}");
        assert!(remember(&path, "R").is_err() && path.is_dir());

        // Nobody waits for the other end of a pipe.
        let pipe = path.with_file_name("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let error = KnownRooms::read(&pipe).unwrap_err();
        assert!(matches!(error, KnownRoomsError::NotRead(..)), "{error}");
    }

    #[test]
    fn a_file_that_has_too_much_is_cut() {
        let (_folder, path) = in_folder();
        remember(&path, "R").unwrap();
        let names = vec!["x".to_owned(); 50];
        let server = serde_json::json!({"pin": PIN.to_string(), "rooms": names, "later": 1});
        let file = serde_json::json!({"servers": vec![server; 600], "later": {}});
        fs::write(&path, file.to_string()).unwrap();
        let known = KnownRooms::read(&path).unwrap();
        assert_eq!(known.servers.len(), super::super::KNOWN_SERVERS);
        assert_eq!(known.servers[0].rooms.len(), super::super::KNOWN_NAMES);
    }

    #[test]
    fn programs_that_remember_at_once_lose_nothing() {
        let (_folder, path) = in_folder();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    KnownRooms::update(path, |known| {
                        let address = Address::new("10.0.0.1", 1_000 + number);
                        known.remember(Pin([u8::try_from(number).unwrap(); 32]), "", &address)
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(KnownRooms::read(&path).unwrap().servers().count(), 4);
    }

    #[test]
    fn a_program_that_holds_the_lock_keeps_nobody_waiting() {
        let (_folder, path) = in_folder();
        let held = lock(&path).unwrap();
        let begun = Instant::now();
        let error = remember(&path, "R").unwrap_err();
        assert!(matches!(error, KnownRoomsError::NotWritten(..)), "{error}");
        assert!(begun.elapsed() >= LOCKED_WITHIN);
        // Reading takes no lock.
        assert_eq!(KnownRooms::read(&path).unwrap(), KnownRooms::default());
        drop(held);
        remember(&path, "R").unwrap();
    }

    /// The longest that the client itself can make is not too long.
    #[test]
    fn the_longest_file_is_read_again() {
        let (_folder, path) = in_folder();
        let room = "\u{10ffff}".repeat(crate::room::ROOM_NAME_LIMIT);
        let host = "x".repeat(260);
        let names = |name: &str| vec![name.to_owned(); super::super::KNOWN_NAMES];
        let server = super::super::KnownServer {
            pin: PIN,
            rooms: names(&room),
            hosts: names(&host),
            addresses: names("[fe80:1111:2222:3333:4444:5555:6666:7777%longestzone0000]:53000"),
        };
        let servers = vec![server; super::super::KNOWN_SERVERS];
        let known = KnownRooms { servers };
        drop(lock(&path).unwrap());
        owner_file::replace(&path, &serde_json::to_vec(&known).unwrap()).unwrap();
        assert_eq!(KnownRooms::read(&path).unwrap(), known);
    }
}
