//! Files that only their owner can read: they have secrets. Each exists as a whole or not
//! at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Writes a file in the place of the one that may be there; may take as long as the disk
/// does. Of several programs that do so at once, some may fail.
///
/// # Errors
/// The error of the system; the file of before is unchanged then.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    make_folder(path)?;
    // Others may have access to a file that was left behind.
    let _ = fs::remove_file(&new);
    publish(&new, bytes, path, |new, path| fs::rename(new, path))
}

/// Makes a file, if there is none of this name; the first of several programs wins. May
/// take as long as the disk does.
///
/// # Errors
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if there is one by now, or the error of
/// the system.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix)?;
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{:016x}.new", u64::from_ne_bytes(suffix)));
    make_folder(path)?;
    publish(&PathBuf::from(new), bytes, path, |new, path| {
        match renameat_with(CWD, new, CWD, path, RenameFlags::NOREPLACE) {
            // Not every file system can do this.
            Err(Errno::INVAL | Errno::NOSYS) => fs::rename(new, path),
            renamed => Ok(renamed?),
        }
    })
}

/// Makes the folder of a file, for its owner alone, if there is none.
///
/// # Errors
/// The error of the system.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match folder(path) {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// The folder of a file, if its path names one.
fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|it| !it.as_os_str().is_empty())
}

/// Writes a new file under the name `new`, then gives it its own.
fn publish(
    new: &Path,
    bytes: &[u8],
    path: &Path,
    rename: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    let published = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| rename(new, path));
    if published.is_err() {
        let _ = fs::remove_file(new);
        return published;
    }
    // The name is on disk too, where that is possible.
    let folder = File::open(folder(path).unwrap_or_else(|| Path::new(".")));
    let _ = folder.and_then(|folder| folder.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_is_its_owner_s_alone_and_replaced_as_a_whole() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("chatroom").join("rooms.json");
        // One that a killed program left, for everyone.
        make_folder(&path).unwrap();
        fs::write(path.with_extension("new"), "left").unwrap();
        for text in ["longer text", "text"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let folder = path.parent().unwrap();
        assert_eq!(mode(folder), 0o700);
        assert_eq!(names(folder), ["rooms.json"]);
    }

    #[test]
    fn a_file_that_is_there_is_not_made_again() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("identity.pem");
        create(&path, b"first").unwrap();
        let error = create(&path, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(top.path()), ["identity.pem"]);
    }
}
