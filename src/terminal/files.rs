//! The files of a server apart from its configuration and its store: the key of its room,
//! its identity and an administrator's certificate.

use std::env;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::server::Settings;
use crate::tls::{
    Certificate, CertificateError, Identity, IdentityError, NotUsable, read_pem_file,
};

use super::link::{SecretError, read_key};
use super::validity::doubt;

/// The name of a server's identity in its state directory.
const IDENTITY: &str = "identity.pem";

/// The name of the service manager's credential with a certificate and its key.
const CERTIFICATE_CREDENTIAL: &str = "chatroom.tls";

/// The name of the service manager's credential with the key of the room.
const KEY_CREDENTIAL: &str = "chatroom.key";

/// The files whose contents are settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The key of a private room.
    pub key: Option<PathBuf>,
    /// The administrator's certificate, with its chain.
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate.
    pub certificate_key: Option<PathBuf>,
    /// The server's own certificate and its key.
    pub identity: Option<PathBuf>,
}

/// An error in one of the files. Its text shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is no key of a room.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// There is no certificate of an administrator.
    #[error("{}", sentence(_0))]
    Certificate(#[from] CertificateError),
    /// The credential of the service manager cannot be used.
    #[error("The credential {CERTIFICATE_CREDENTIAL} cannot be used: {0}.")]
    Credential(NotUsable),
    /// The server has no identity.
    #[error("{}", sentence(_0))]
    Identity(#[from] IdentityError),
}

impl FilesError {
    /// Whether a person has to correct it.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        !matches!(
            self,
            Self::Identity(IdentityError::Unwritable { .. } | IdentityError::NotMade(_))
        )
    }
}

/// Where the program and its service manager keep files.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The state of the service, if this is one.
    pub state: Option<PathBuf>,
    /// The credentials of the service.
    credentials: Option<PathBuf>,
    /// The user's state, for programs that are no service.
    user: Option<PathBuf>,
}

impl Folders {
    /// The folders that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        let folder = |name| {
            let folders = env::var_os(name)?;
            env::split_paths(&folders)
                .next()
                .filter(|it| it.is_absolute())
        };
        let user = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
        Self {
            state: folder("STATE_DIRECTORY"),
            credentials: folder("CREDENTIALS_DIRECTORY"),
            user: user.map(|it| it.join("chatroom")),
        }
    }

    /// The path of a credential, if there is one of this name.
    fn credential(&self, name: &str) -> Option<PathBuf> {
        let path = self.credentials.as_ref()?.join(name);
        path.exists().then_some(path)
    }
}

impl Files {
    /// Reads what a reload can change: the key and the certificate. Returns what the
    /// administrator should know about the certificate, if there is something.
    ///
    /// # Errors
    /// If a file cannot be read, or does not have what it should.
    pub fn read(
        &self,
        folders: &Folders,
        settings: &mut Settings,
    ) -> Result<Option<String>, FilesError> {
        let key = self.key.clone();
        if let Some(path) = key.or_else(|| folders.credential(KEY_CREDENTIAL)) {
            settings.key = Some(read_key(&path, false)?);
            settings.key_is_fixed = true;
        }
        let named = self.certificate.as_ref().zip(self.certificate_key.as_ref());
        let (certificate, path) = if let Some((path, key)) = named {
            (Certificate::read(path, key)?, path.clone())
        } else if let Some(path) = folders.credential(CERTIFICATE_CREDENTIAL) {
            let unreadable = |error| CertificateError::Unreadable {
                path: path.clone(),
                error,
            };
            let pem = read_pem_file(&path).map_err(unreadable)?;
            let certificate = Certificate::from_pem(&pem, &pem);
            (certificate.map_err(FilesError::Credential)?, path)
        } else {
            return Ok(None);
        };
        let doubt = doubt(certificate.der());
        settings.tls.certificate = Some(certificate);
        Ok(doubt.map(|why| format!("The certificate in {} {why}.", path.display())))
    }

    /// Reads the identity of the server, or makes one. Returns what the administrator
    /// should know about it, if there is something.
    ///
    /// # Errors
    /// If the file cannot be read or written, or does not have what it should.
    pub fn identity(
        &self,
        folders: &Folders,
        settings: &mut Settings,
    ) -> Result<Option<String>, FilesError> {
        let in_state = || Some(folders.state.as_ref()?.join(IDENTITY));
        let (identity, warning) = if let Some(path) = self.identity.clone().or_else(in_state) {
            (Identity::read_or_make(&path)?, None)
        } else if let Some(path) = folders.credential(CERTIFICATE_CREDENTIAL) {
            let unreadable = |error| IdentityError::Unreadable {
                path: path.clone(),
                error,
            };
            let pem = read_pem_file(&path).map_err(unreadable)?;
            let identity = Identity::from_pem(&pem);
            (identity.map_err(FilesError::Credential)?, None)
        } else {
            users_identity(folders.user.as_deref())?
        };
        settings.tls.identity = Some(Arc::new(identity));
        Ok(warning)
    }
}

/// The identity of a server that is no service. The room opens even where nothing can be
/// saved.
fn users_identity(folder: Option<&Path>) -> Result<(Identity, Option<String>), FilesError> {
    let why = match folder {
        None => "there is no folder for it: HOME is not set".to_owned(),
        Some(folder) => match Identity::read_or_make(&folder.join(IDENTITY)) {
            Ok(identity) => return Ok((identity, None)),
            Err(error @ IdentityError::Unwritable { .. }) => error.to_string(),
            Err(IdentityError::Unreadable { path, error }) if is_no_place(&error) => {
                format!("{} cannot be read: {error}", path.display())
            }
            Err(error) => return Err(error.into()),
        },
    };
    let warning = format!(
        "The server has a new identity until it ends: {why}. Clients that come back later are \
         warned that it is another one; --identity names a file for it."
    );
    Ok((Identity::generate()?, Some(warning)))
}

/// Whether an error means that there is no place for a file of this user.
fn is_no_place(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, PermissionDenied};
    matches!(error.kind(), NotADirectory | PermissionDenied)
}

/// An error as a sentence.
fn sentence(error: &impl Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A folder for a service, and one for a user.
    struct Places(tempfile::TempDir);

    impl Places {
        fn new() -> Self {
            let places = Self(tempfile::tempdir().unwrap());
            for folder in ["state", "credentials", "user"] {
                fs::create_dir(places.path(folder)).unwrap();
            }
            places
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.path(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        }

        fn folders(&self, names: &[&str]) -> Folders {
            let folder = |name: &str| names.contains(&name).then(|| self.path(name));
            Folders {
                state: folder("state"),
                credentials: folder("credentials"),
                user: folder("user"),
            }
        }

        /// The PEM text of a new identity.
        fn pem(&self, name: &str) -> Vec<u8> {
            Identity::read_or_make(&self.path(name)).unwrap();
            fs::read(self.path(name)).unwrap()
        }
    }

    /// The pin that a server gets there, and the warning.
    fn pin(files: &Files, folders: &Folders) -> (crate::protocol::Pin, Option<String>) {
        let mut settings = Settings::default();
        let warning = files.identity(folders, &mut settings).unwrap();
        (settings.tls.identity.unwrap().pin(), warning)
    }

    #[test]
    fn an_identity_is_looked_for_in_one_place_after_the_other() {
        let places = Places::new();
        let credential = places.pem("own.pem");
        places.write("credentials/chatroom.tls", &credential);
        let from_credential = Identity::from_pem(&credential).unwrap().pin();
        let named = Files {
            identity: Some(places.path("named.pem")),
            ..Files::default()
        };
        let none = Files::default();
        let all = ["state", "credentials", "user"];
        let pin = |files: &Files, names: &[&str]| {
            let (found, warning) = pin(files, &places.folders(names));
            assert_eq!(warning, None);
            // It is the same the next time.
            assert_eq!(super::tests::pin(files, &places.folders(names)).0, found);
            found
        };
        let found = [
            pin(&named, &all),
            pin(&none, &all),
            pin(&none, &["credentials", "user"]),
            pin(&none, &["user"]),
        ];
        assert_eq!(found[2], from_credential);
        let mut different = found.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 4);
        for file in ["named.pem", "state/identity.pem", "user/identity.pem"] {
            let mode = fs::metadata(places.path(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_user_without_a_place_for_it_gets_one_that_does_not_stay_and_a_service_does_not() {
        let places = Places::new();
        // A file, where a folder should be: not even root can write there.
        places.write("file", b"");
        let nowhere = Folders {
            user: Some(places.path("file/folder")),
            ..Folders::default()
        };
        for folders in [nowhere, Folders::default()] {
            let files = Files::default();
            let (first, warning) = pin(&files, &folders);
            let warning = warning.unwrap();
            assert!(warning.contains("--identity names a file"), "{warning}");
            assert_ne!(pin(&files, &folders).0, first);
        }
        let service = Folders {
            // Nobody can make a folder there.
            state: Some("/proc/nowhere".into()),
            ..Folders::default()
        };
        let error = Files::default().identity(&service, &mut Settings::default());
        let error = error.unwrap_err();
        assert!(!error.is_lasting(), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("A new identity cannot be saved"),
            "{error}"
        );
    }

    #[test]
    fn a_certificate_comes_from_two_files_or_from_the_credential() {
        let places = Places::new();
        let (one, other) = (places.pem("one.pem"), places.pem("other.pem"));
        let path = places.write("credentials/chatroom.tls", &one);
        let read = |files: &Files| {
            let mut settings = Settings::default();
            let folders = places.folders(&["credentials"]);
            let read = files.read(&folders, &mut settings);
            read.map(|_| settings.tls.certificate.map(|it| it.pin()))
        };
        let pair = |certificate: &str, key: &str| Files {
            certificate: Some(places.path(certificate)),
            certificate_key: Some(places.path(key)),
            ..Files::default()
        };
        let pin_of = |pem: &[u8]| Some(Identity::from_pem(pem).unwrap().pin());
        assert_eq!(read(&Files::default()).unwrap(), pin_of(&one));
        assert_eq!(
            read(&pair("other.pem", "other.pem")).unwrap(),
            pin_of(&other)
        );
        places.write("empty.pem", b"");
        for (files, words) in [
            (
                pair("one.pem", "other.pem"),
                "does not belong to the certificate.",
            ),
            (
                pair("missing.pem", "one.pem"),
                "missing.pem cannot be read: ",
            ),
            (
                pair("empty.pem", "one.pem"),
                "there is no certificate in it.",
            ),
        ] {
            let error = read(&files).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(words) && error.is_lasting(), "{text}");
            assert!(
                text.starts_with(char::is_uppercase) || text.starts_with('/'),
                "{text}"
            );
        }
        fs::write(path, "secret").unwrap();
        let error = read(&Files::default()).unwrap_err().to_string();
        assert!(
            error.starts_with("The credential chatroom.tls cannot be used: "),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_key_comes_from_a_file_or_from_the_credential() {
        let places = Places::new();
        places.write("credentials/chatroom.key", b"aaaa-aaaa-aaaa-aaaa\n");
        let path = places.write("key", b"bbbbbbbbbbbbbbbb");
        let read = |files: &Files, names: &[&str]| {
            let mut settings = Settings::default();
            files.read(&places.folders(names), &mut settings).unwrap();
            assert_eq!(settings.key_is_fixed, settings.key.is_some());
            settings.key.map(|it| it.secret().to_owned())
        };
        let named = Files {
            key: Some(path),
            ..Files::default()
        };
        let key = |letter: &str| Some(letter.repeat(16));
        assert_eq!(read(&named, &["credentials"]), key("b"));
        assert_eq!(read(&Files::default(), &["credentials"]), key("a"));
        assert_eq!(read(&Files::default(), &["state"]), None);
    }
}
