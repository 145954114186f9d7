//! The identity of a server: a certificate that it signed itself, and its key.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::sign::CertifiedKey;

use crate::owner_file;
use crate::protocol::Pin;

use super::pem::{self, FILE_LIMIT, NotUsable};

/// The name in the certificate. Nobody checks it: a pin tells servers apart.
const NAME: &str = "Chatroom";

/// Who a server is. Clients know it by the pin, so it is never renewed: its certificate
/// ends with the year 9999.
pub struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    pin: Pin,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.pin).finish()
    }
}

/// Why a server has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("the identity in {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Everyone on this computer may read the file.
    #[error(
        "other users may read the secret key in {path}; to change that: chmod 600 {path}",
        path = path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file does not have what it should.
    #[error(
        "the identity in {} is damaged: {why}. Restore the file, or delete it: then the server \
         gets a new identity, and warns everyone who knows the old one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: NotUsable,
    },
    /// A new one cannot be saved.
    #[error("a new identity cannot be saved in {}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A new one cannot be made.
    #[error("a new identity cannot be made: {0}")]
    NotMade(String),
}

impl Identity {
    /// A new identity, which nobody knows.
    ///
    /// # Errors
    /// If the kernel provides no random numbers.
    pub fn generate() -> Result<Self, IdentityError> {
        Self::from_pem(generate()?.as_bytes())
            .map_err(|why| IdentityError::NotMade(why.to_string()))
    }

    /// Reads the identity in a PEM file. If there is no such file, makes a new identity,
    /// and saves it there for its owner alone: the file exists as a whole or not at all,
    /// and the first of several programs wins.
    ///
    /// # Errors
    /// If the file cannot be read or written, everyone may read it, or it is damaged.
    pub fn read_or_make(path: &Path) -> Result<Self, IdentityError> {
        if let Some(identity) = Self::read(path)? {
            return Ok(identity);
        }
        let pem = generate()?;
        match owner_file::create(path, pem.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let path = path.to_owned();
                return Err(IdentityError::Unwritable { path, error });
            }
            Ok(()) => {}
        }
        Self::read(path)?.ok_or_else(|| IdentityError::Unreadable {
            path: path.to_owned(),
            error: io::ErrorKind::NotFound.into(),
        })
    }

    /// Reads the identity in a PEM file, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read, everyone may read it, or it is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, IdentityError> {
        let unreadable = |error| IdentityError::Unreadable {
            path: path.to_owned(),
            error,
        };
        // A pipe must not make the program wait.
        let mut options = OpenOptions::new();
        let options = options.read(true);
        let file = match options.custom_flags(NONBLOCK).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(unreadable)?,
        };
        // An administrator may let a group read it, and the service manager shows the
        // access of one user as that of a group.
        if file.metadata().map_err(unreadable)?.mode() & 0o007 != 0 {
            let path = path.to_owned();
            return Err(IdentityError::Exposed { path });
        }
        let mut pem = Vec::new();
        file.take(FILE_LIMIT)
            .read_to_end(&mut pem)
            .map_err(unreadable)?;
        let identity = Self::from_pem(&pem).map_err(|why| IdentityError::Damaged {
            path: path.to_owned(),
            why,
        })?;
        Ok(Some(identity))
    }

    /// An identity from a PEM text with a certificate and its key.
    ///
    /// # Errors
    /// If one of them is missing or cannot be read, or they do not fit.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NotUsable> {
        let certified = pem::read(pem, pem)?;
        let pin = Pin::of(&certified.cert[0]);
        Ok(Self {
            certified: Arc::new(certified),
            pin,
        })
    }

    /// The pin of the certificate: clients know the server by it.
    #[must_use]
    pub const fn pin(&self) -> Pin {
        self.pin
    }
}

/// `O_NONBLOCK`.
#[expect(clippy::cast_possible_wrap)] // a small number
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

/// The PEM text of a new identity.
fn generate() -> Result<String, IdentityError> {
    let not_made = |error: rcgen::Error| IdentityError::NotMade(error.to_string());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.not_before = date_time_ymd(1970, 1, 1);
    // No end, as RFC 5280 (section 4.1.2.5) writes it.
    params.not_after = date_time_ymd(9999, 12, 31);
    let certificate = params.self_signed(&key).map_err(not_made)?;
    let mut pem = String::new();
    pem::write("CERTIFICATE", certificate.der(), &mut pem);
    pem::write("PRIVATE KEY", key.serialized_der(), &mut pem);
    Ok(pem)
}
