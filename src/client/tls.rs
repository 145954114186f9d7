//! TLS, from the client's side.
//!
//! The handshake takes any certificate whose private key the server has; the caller
//! compares its pin.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;

#[cfg(test)]
use rustls::ClientConfig;
use rustls::Error;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::protocol::Pin;
use crate::tls::{ALPN, client_config};

/// Why there is no encrypted connection.
#[derive(Debug)]
pub(super) enum NoTls {
    /// The server closed the connection, or answered with something other than TLS.
    NotSpoken,
    /// The server speaks TLS, and the handshake failed.
    Failed,
}

/// Makes the connections of a client encrypted.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// # Errors
    /// If the library lacks what TLS 1.3 needs. It has it as it is built here.
    pub fn new() -> io::Result<Self> {
        // By what it offers the server knows that it has to show the certificate that
        // never changes.
        let config = client_config(&[ALPN]).map_err(io::Error::other)?;
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    #[cfg(test)]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(self.0.config())
    }

    /// Makes a connection to `host`, which has this address, encrypted, and returns the
    /// pin of the server. Nothing but the handshake goes over the wire.
    ///
    /// # Errors
    /// If the server does not speak TLS, or the handshake fails.
    pub async fn handshake(
        &self,
        host: &str,
        ip: IpAddr,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Pin), NoTls> {
        let stream = self.0.connect(name(host, ip), stream).await;
        let stream = stream.map_err(|error| no_tls(&error))?;
        let certificates = stream.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first).ok_or(NoTls::Failed)?;
        let pin = Pin::of(certificate);
        Ok((stream, pin))
    }
}

/// The name by which a server behind a proxy is found. An address is no such name, and is
/// not sent.
fn name(host: &str, ip: IpAddr) -> ServerName<'static> {
    let name = ServerName::try_from(host.to_owned());
    name.unwrap_or_else(|_| ServerName::from(ip))
}

fn no_tls(error: &io::Error) -> NoTls {
    let inner = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
    match (error.kind(), inner) {
        (_, Some(Error::InvalidMessage(_)))
        | (
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe,
            None,
        ) => NoTls::NotSpoken,
        _ => NoTls::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream as StdStream};

    use rustls::crypto;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::{ServerConfig, ServerConnection, version};

    use super::*;

    fn certified() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key);
        let certificate = certificate.unwrap().der().clone();
        (
            certificate,
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
    }

    /// Shows the certificate of one key, and signs with another.
    #[derive(Debug)]
    struct Shows(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shows {
        fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            let mut alpn = hello.alpn()?;
            assert!(alpn.any(|it| it == ALPN));
            Some(Arc::clone(&self.0))
        }
    }

    fn server(shown: CertificateDer<'static>, key: &PrivateKeyDer<'static>) -> ServerConfig {
        let provider = crypto::ring::default_provider();
        let key = provider.key_provider.load_private_key(key.clone_key());
        let certified = CertifiedKey::new(vec![shown], key.unwrap());
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&[&version::TLS13]).unwrap();
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shows(Arc::new(certified))));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config
    }

    /// The handshake with a server that does `serve`.
    fn handshake(serve: impl FnOnce(StdStream) + Send + 'static) -> Result<Pin, NoTls> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || serve(listener.accept().unwrap().0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let result = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let tls = Tls::new().unwrap();
            let shaken = tls.handshake("127.0.0.1", address.ip(), stream);
            tokio::time::timeout(std::time::Duration::from_secs(10), shaken).await
        });
        serving.join().unwrap();
        result.unwrap().map(|(_, pin)| pin)
    }

    fn serve_tls(config: ServerConfig) -> impl FnOnce(StdStream) + Send + 'static {
        move |mut stream| {
            let mut server = ServerConnection::new(Arc::new(config)).unwrap();
            while server.is_handshaking() && server.complete_io(&mut stream).is_ok() {}
        }
    }

    #[test]
    fn the_pin_is_the_one_of_the_certificate_that_the_server_shows() {
        let (certificate, key) = certified();
        let pin = Pin::of(&certificate);
        let found = handshake(serve_tls(server(certificate, &key)));
        assert_eq!(found.unwrap(), pin);
    }

    #[test]
    fn a_certificate_without_its_private_key_counts_for_nothing() {
        let ((certificate, _), (_, other)) = (certified(), certified());
        let found = handshake(serve_tls(server(certificate, &other)));
        assert!(matches!(found, Err(NoTls::Failed)), "{found:?}");
    }

    #[test]
    fn a_server_that_speaks_something_else_is_told_from_one_whose_handshake_fails() {
        for words in [
            "",
            "SERVER: What is your name?\n",
            "{\"error\":{}}\n",
            "HTTP/1.1 400\r\n",
        ] {
            let found = handshake(move |mut stream| {
                stream.read_exact(&mut [0; 100]).unwrap();
                stream.write_all(words.as_bytes()).unwrap();
            });
            assert!(matches!(found, Err(NoTls::NotSpoken)), "{words} {found:?}");
        }
        // An alert: no version in common.
        let found = handshake(|mut stream| {
            stream.read_exact(&mut [0; 100]).unwrap();
            stream.write_all(&[21, 3, 3, 0, 2, 2, 70]).unwrap();
        });
        assert!(matches!(found, Err(NoTls::Failed)), "{found:?}");
    }

    #[test]
    fn only_names_are_sent_as_names() {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let dns = |host| matches!(name(host, ip), ServerName::DnsName(_));
        assert!(dns("example.org") && dns("office"));
        for host in ["10.0.0.1", "::1", "fe80::1%eth0", "a b"] {
            assert!(!dns(host), "{host}");
        }
    }
}
