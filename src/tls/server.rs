//! How a server answers a client that wants encryption.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version::TLS13};

use crate::protocol::Pin;

use super::certificate::Certificate;
use super::identity::Identity;
use super::{ALPN, pem};

/// The protocol of browsers (ALPN).
const HTTP: &[u8] = b"http/1.1";

/// What a server encrypts with. The administrator's certificate can be replaced while
/// connections are open.
pub struct ServerTls {
    identity: Arc<Identity>,
    current: ArcSwap<Offer>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = &self.identity;
        f.debug_tuple("ServerTls").field(identity).finish()
    }
}

/// What a server offers to the connections that begin at one moment.
pub struct Offer {
    config: Arc<ServerConfig>,
    identity: Pin,
    certificate: Option<Pin>,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Encrypts with this identity and, for clients that are no clients of a room, with
    /// the administrator's certificate, if there is one.
    ///
    /// # Errors
    /// Never, unless the cryptography lacks TLS 1.3.
    pub fn new(
        identity: Arc<Identity>,
        certificate: Option<&Certificate>,
    ) -> Result<Self, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(pem::provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Resolver::new(&identity, certificate));
        config.ignore_client_order = true;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // A client that offers only other protocols (`h2`, `irc`) is refused with the alert
        // that RFC 7301 has for that: nothing behind this port would understand it.
        config.alpn_protocols = vec![ALPN.to_vec(), HTTP.to_vec()];
        let current = Offer {
            config: Arc::new(config),
            identity: identity.pin(),
            certificate: certificate.map(Certificate::pin),
        };
        Ok(Self {
            identity,
            current: ArcSwap::from_pointee(current),
        })
    }

    /// Replaces the administrator's certificate, or removes it. Open connections stay as
    /// they are.
    pub fn set_certificate(&self, certificate: Option<&Certificate>) {
        let mut config = ServerConfig::clone(&self.current.load().config);
        config.cert_resolver = Resolver::new(&self.identity, certificate);
        self.current.store(Arc::new(Offer {
            config: Arc::new(config),
            identity: self.identity.pin(),
            certificate: certificate.map(Certificate::pin),
        }));
    }

    /// The server's identity.
    #[must_use]
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// What a connection that begins now is offered.
    #[must_use]
    pub fn offer(&self) -> Arc<Offer> {
        self.current.load_full()
    }
}

impl Offer {
    /// How to encrypt.
    #[must_use]
    pub const fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// The pin of the certificate that a client got, by the protocol that was agreed on.
    /// The server prefers that of rooms, so whoever offers it gets it.
    #[must_use]
    pub fn pin(&self, alpn: Option<&[u8]>) -> Pin {
        match self.certificate {
            Some(certificate) if alpn != Some(ALPN) => certificate,
            _ => self.identity,
        }
    }
}

/// Chooses the certificate for a client.
struct Resolver {
    identity: Arc<CertifiedKey>,
    certificate: Option<Arc<CertifiedKey>>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Resolver {
    fn new(identity: &Identity, certificate: Option<&Certificate>) -> Arc<Self> {
        Arc::new(Self {
            identity: Arc::clone(&identity.certified),
            certificate: certificate.map(|it| Arc::clone(&it.certified)),
        })
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_of_a_room = hello
            .alpn()
            .is_some_and(|mut offered| offered.any(|it| it == ALPN));
        let certificate = self.certificate.as_ref().filter(|_| !is_of_a_room);
        Some(Arc::clone(certificate.unwrap_or(&self.identity)))
    }
}
