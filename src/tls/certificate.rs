//! A certificate that an administrator brings.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::protocol::Pin;

use super::pem::{self, NotUsable};

/// An administrator's certificate with its chain and its key.
#[derive(Clone)]
pub struct Certificate {
    pub(super) certified: Arc<CertifiedKey>,
    pin: Pin,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.pin).finish()
    }
}

/// Why an administrator's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The files are read, and do not have what they should.
    #[error("the certificate in {} and the key in {} cannot be used: {why}", certificate.display(), key.display())]
    NotUsable {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// The reason.
        why: NotUsable,
    },
}

impl Certificate {
    /// Reads PEM files: the server's certificate and those that certify it, in this order,
    /// and its private key. Both may be one file.
    ///
    /// # Errors
    /// If a file cannot be read, or the key does not fit the certificate.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let chain = read(certificate)?;
        let secret = read(key)?;
        Self::from_pem(&chain, &secret).map_err(|why| CertificateError::NotUsable {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            why,
        })
    }

    /// A certificate and its key from PEM texts, which may be the same text.
    ///
    /// # Errors
    /// If something is missing or cannot be read, or the key does not fit.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, NotUsable> {
        let certified = pem::read(certificate, key)?;
        let pin = Pin::of(&certified.cert[0]);
        Ok(Self {
            certified: Arc::new(certified),
            pin,
        })
    }

    /// The certificate itself, without those that certify it, in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certified.cert[0]
    }

    /// The pin of the certificate.
    #[must_use]
    pub const fn pin(&self) -> Pin {
        self.pin
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    pem::read_pem_file(path).map_err(|error| CertificateError::Unreadable {
        path: path.to_owned(),
        error,
    })
}
