//! Certificates and keys as text (RFC 7468).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The most bytes of a file with certificates or a key. A longer chain would make each
/// handshake slow.
pub const FILE_LIMIT: u64 = 64 << 10;

/// The most characters of a line.
const LINE: usize = 64;

/// Why texts are not a certificate with its key. Says nothing of what they contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// There is no certificate, or one that cannot be read.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is no private key, or one that cannot be read.
    #[error("there is no private key in it")]
    NoKey,
    /// The key is of a kind that TLS 1.3 does not have.
    #[error("its private key is of a kind that cannot be used")]
    UnknownKey,
    /// The certificate cannot be read.
    #[error("its certificate cannot be read")]
    BadCertificate,
    /// The key is another certificate's.
    #[error("its private key does not belong to the certificate")]
    OtherKey,
}

/// The cryptography. The order of the suites is the server's choice: AES-128 costs least.
pub fn provider() -> Arc<CryptoProvider> {
    use rustls::crypto::ring::{cipher_suite, default_provider};

    let mut provider = default_provider();
    provider.cipher_suites = vec![
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    Arc::new(provider)
}

/// Reads a file with certificates or a key, at most 64 KiB of it.
///
/// # Errors
/// The error of the system.
pub fn read_pem_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The certificates in `certificates` with the key in `key`, which may be the same text.
///
/// # Errors
/// If something is missing or cannot be read, or the key does not fit.
pub fn read(certificates: &[u8], key: &[u8]) -> Result<CertifiedKey, NotUsable> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|_| NotUsable::BadCertificate)?;
    if chain.is_empty() {
        return Err(NotUsable::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| NotUsable::NoKey)?;
    certify(chain, key)
}

/// A chain of certificates with the key of the first.
///
/// # Errors
/// If they do not fit.
pub fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, NotUsable> {
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|_| NotUsable::UnknownKey)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(NotUsable::OtherKey),
        Err(_) => Err(NotUsable::BadCertificate),
    }
}

/// Appends one section.
pub fn write(label: &str, der: &[u8], pem: &mut String) {
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = &*BASE64.encode(der);
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.extend([line, "\n"]);
        rest = after;
    }
    pem.extend(["-----END ", label, "-----\n"]);
}
