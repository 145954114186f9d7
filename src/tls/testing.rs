//! A client and a certificate for tests.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConnection;
use rustls_pki_types::ServerName;

use super::{client_config, pem};

/// A client that offers these protocols.
pub fn client(alpn: &[&[u8]]) -> ClientConnection {
    let config = client_config(alpn).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// An administrator's certificate with its key.
pub fn pem() -> String {
    let key = KeyPair::generate().unwrap();
    let names = vec!["chat.example.org".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key);
    let mut text = String::new();
    pem::write("CERTIFICATE", certificate.unwrap().der(), &mut text);
    pem::write("PRIVATE KEY", key.serialized_der(), &mut text);
    text
}
