//! The files of a server apart from its configuration and its store.

use std::path::PathBuf;

use crate::server::Settings;

use super::link::{SecretError, read_key};

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

impl Files {
    /// Reads the files, at the start and at each reload.
    ///
    /// # Errors
    /// If a file cannot be read, or does not have what it should.
    pub fn read(&self, settings: &mut Settings) -> Result<(), SecretError> {
        if let Some(path) = &self.key {
            settings.key = Some(read_key(path, false)?);
            settings.key_is_fixed = true;
        }
        Ok(())
    }
}
