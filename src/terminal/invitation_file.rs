//! The file in which a service keeps the link to its room, for its administrator.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::owner_file;
use crate::protocol::invitation::Invitation;

/// The name of the file in the service's state directory.
const NAME: &str = "invitation";

/// The file with the link. Only the service and the administrator can read it.
#[derive(Debug)]
pub struct InvitationFile {
    path: PathBuf,
    /// The link that is in it: a secret.
    written: Option<String>,
}

impl InvitationFile {
    /// The file in a state directory. A link of an earlier run goes with the first
    /// [`update`](Self::update).
    pub fn new(state: &Path) -> Self {
        Self {
            path: state.join(NAME),
            written: None,
        }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the link, if it is another one than before: the file has either of them as a
    /// whole.
    ///
    /// # Errors
    /// If it cannot be written; it is removed then, so that nobody gets an old link.
    pub fn update(&mut self, invitation: Option<&Invitation>) -> io::Result<()> {
        let link = invitation.map(Invitation::link);
        if link.is_some() && link == self.written {
            return Ok(());
        }
        let written = match &link {
            Some(link) => owner_file::replace(&self.path, format!("{link}\n").as_bytes()),
            None => Ok(()),
        };
        if link.is_none() || written.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        self.written = link.filter(|_| written.is_ok());
        written
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_link_is_for_its_owner_and_changes_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = InvitationFile::new(folder.path());
        for key in ["abcdefghijklmnop", "bbbbbbbbbbbbbbbb"] {
            let link = format!("chatroom://h:1#k={key}");
            file.update(Some(&link.parse().unwrap())).unwrap();
            assert_eq!(
                fs::read_to_string(file.path()).unwrap(),
                format!("{link}\n")
            );
            let mode = fs::metadata(file.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // The same link again does not write it again.
        fs::remove_file(file.path()).unwrap();
        let link = "chatroom://h:1#k=bbbbbbbbbbbbbbbb".parse().unwrap();
        file.update(Some(&link)).unwrap();
        assert!(!file.path().exists());
        file.update(None).unwrap();
        file.update(Some(&link)).unwrap();
        assert!(file.path().exists());
        file.update(None).unwrap();
        assert!(!file.path().exists());
    }

    #[test]
    fn an_old_link_does_not_stay_where_the_new_one_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = InvitationFile::new(folder.path());
        let link = |key: &str| format!("chatroom://h:1#k={key}").parse().unwrap();
        file.update(Some(&link("abcdefghijklmnop"))).unwrap();
        // A folder that is not empty is in the way of the new file.
        fs::create_dir_all(folder.path().join("invitation.new/x")).unwrap();
        file.update(Some(&link("bbbbbbbbbbbbbbbb"))).unwrap_err();
        assert!(!file.path().exists());
    }
}
