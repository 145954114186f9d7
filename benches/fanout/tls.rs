//! A member's connection inside TLS, and the certificates of the servers.
//!
//! The load must keep up with the server, so a member decrypts from one buffer that all
//! members share. All members offer one version and one cipher, TLS 1.3 with AES-128-GCM:
//! so every server encrypts in the same way. Whose certificate it is does not matter here.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

use super::anyone::client_config;
use super::wire::{Wire, connect, cut_off};

/// The most ciphertext that one read takes.
const READ: usize = 200 << 10;

/// The most bytes of a record, with its head.
const RECORD: usize = (16 << 10) + 256 + 5;

/// What all members share.
struct Shared {
    config: Arc<ClientConfig>,
    /// Ciphertext: what was left of the last read, and behind it the new one.
    buffer: RefCell<Vec<u8>>,
}

thread_local! {
    static SHARED: Rc<Shared> = Rc::new(Shared {
        config: Arc::new(config()),
        buffer: RefCell::new(vec![0; RECORD + READ]),
    });
}

pub struct Tls {
    stream: TcpStream,
    session: UnbufferedClientConnection,
    shared: Rc<Shared>,
    /// The beginning of a record.
    unread: Vec<u8>,
    /// Plaintext to send when the handshake is done.
    waiting: Vec<u8>,
    /// Ciphertext that the socket has not taken.
    sealed: Vec<u8>,
}

impl Wire for Tls {
    fn open(port: u16, first: &[u8]) -> io::Result<Self> {
        let stream = connect(port)?;
        stream.set_nonblocking(true)?;
        let shared = SHARED.with(Rc::clone);
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let session = UnbufferedClientConnection::new(Arc::clone(&shared.config), name)
            .map_err(io::Error::other)?;
        let mut wire = Self {
            stream,
            session,
            shared,
            unread: Vec::new(),
            waiting: first.to_vec(),
            sealed: Vec::new(),
        };
        wire.advance(&mut [], &mut [])?;
        wire.flush_sealed()?;
        Ok(wire)
    }

    fn take(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let shared = Rc::clone(&self.shared);
        let mut buffer = shared.buffer.borrow_mut();
        let left = self.unread.len();
        buffer[..left].copy_from_slice(&self.unread);
        let count = self.stream.read(&mut buffer[left..left + READ])?;
        if count == 0 {
            return Err(cut_off());
        }
        let incoming = &mut buffer[..left + count];
        let (used, plain) = self.advance(incoming, into)?;
        self.unread.clear();
        self.unread.extend_from_slice(&incoming[used..]);
        self.flush_sealed()?;
        Ok(plain)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        self.advance(&mut [], &mut [])?;
        self.flush_sealed().map(drop)
    }

    fn prepare(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if !out.is_empty() {
            self.waiting.append(out);
            self.advance(&mut [], &mut [])?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        self.prepare(out)?;
        self.flush_sealed()
    }
}

impl Tls {
    /// Goes on with the handshake, decrypts what has come, and encrypts what waits. Returns
    /// how much of `incoming` it has used, and how much plaintext came out.
    fn advance(&mut self, incoming: &mut [u8], into: &mut [u8]) -> io::Result<(usize, usize)> {
        let (mut used, mut plain) = (0, 0);
        loop {
            let UnbufferedStatus { discard, state } =
                self.session.process_tls_records(&mut incoming[used..]);
            let goes_on = match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut records) => {
                    while let Some(record) = records.next_record() {
                        let payload = record.map_err(io::Error::other)?.payload;
                        into[plain..plain + payload.len()].copy_from_slice(payload);
                        plain += payload.len();
                    }
                    true
                }
                ConnectionState::EncodeTlsData(mut encode) => {
                    let mut record = [0; 4 << 10];
                    let count = encode.encode(&mut record).map_err(io::Error::other)?;
                    self.sealed.extend_from_slice(&record[..count]);
                    true
                }
                ConnectionState::TransmitTlsData(transmit) => {
                    transmit.done();
                    true
                }
                ConnectionState::WriteTraffic(mut traffic) => {
                    if !self.waiting.is_empty() {
                        let start = self.sealed.len();
                        let records = self.waiting.len() / (16 << 10) + 1;
                        let most = self.waiting.len() + records * 64;
                        self.sealed.resize(start + most, 0);
                        let count = traffic
                            .encrypt(&self.waiting, &mut self.sealed[start..])
                            .map_err(io::Error::other)?;
                        self.sealed.truncate(start + count);
                        self.waiting.clear();
                    }
                    false
                }
                ConnectionState::BlockedHandshake => false,
                _ => return Err(cut_off()),
            };
            used += discard;
            if !goes_on {
                return Ok((used, plain));
            }
        }
    }

    fn flush_sealed(&mut self) -> io::Result<bool> {
        while !self.sealed.is_empty() {
            match self.stream.write(&self.sealed) {
                Ok(count) => drop(self.sealed.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl AsFd for Tls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn config() -> ClientConfig {
    let provider = CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..ring::default_provider()
    };
    client_config(provider, &["chatroom/1"])
}

/// A certificate and its key, for a server that brings none of its own.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Files {
    /// Writes a self-signed certificate (ECDSA P-256, as ours) into a folder.
    pub fn write(folder: &Path) -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .map_err(io::Error::other)?;
        let files = Self {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&files.certificate, pem("CERTIFICATE", made.cert.der()))?;
        fs::write(
            &files.key,
            pem("PRIVATE KEY", made.signing_key.serialized_der()),
        )?;
        Ok(files)
    }
}

/// Bytes as PEM (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    use super::*;

    #[test]
    fn a_certificate_and_its_key_are_read_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::write(folder.path()).unwrap();
        let certificate = CertificateDer::from_pem_file(&files.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    }
}
