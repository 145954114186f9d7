//! Into a server by TLS: whoever connects to the tunnel in plaintext is in the server
//! inside TLS. So every test of a door can also go through TLS.
//!
//! A half-close becomes a `close_notify`, and the other way round. A reset, and an end
//! without `close_notify`, become a reset.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chatroom::protocol::Pin;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::anyone::client_config;
use super::peer::Host;

/// What the project's own clients offer by ALPN.
pub const NATIVE: &[&str] = &["chatroom/1"];

/// The tunnel, on a thread of its own. It ends when this is dropped.
pub struct Tunnel {
    address: SocketAddr,
    seen: Arc<watch::Sender<Seen>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    /// The pin of the server's certificate, once there was a handshake.
    pin: Option<Pin>,
    /// The addresses of the far ends of connections, by those of their near ends.
    ends: HashMap<SocketAddr, SocketAddr>,
    /// What went to the server, of all connections: as much as [`KEPT`].
    told: Vec<u8>,
}

/// The most bytes that are kept of what went to a server.
const KEPT: usize = 1 << 20;

impl Tunnel {
    /// Into the server at this address, as a native client.
    pub fn to(server: impl Host) -> Self {
        Self::offering(server, NATIVE)
    }

    /// Into a server, offering these protocols by ALPN.
    pub fn offering(server: impl Host, protocols: &[&str]) -> Self {
        Self::start(server.address(), protocols, None)
    }

    /// Someone between: speaks TLS on both sides, with a certificate of its own on the side
    /// of the client.
    pub fn relay(server: impl Host) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        config.alpn_protocols = NATIVE.iter().map(|it| it.as_bytes().to_vec()).collect();
        Self::start(server.address(), NATIVE, Some(Arc::new(config).into()))
    }

    fn start(server: SocketAddr, protocols: &[&str], accepts: Option<TlsAcceptor>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(watch::Sender::new(Seen::default()));
        let config = Arc::new(client_config(ring::default_provider(), protocols));
        let way = Way {
            server,
            connects: config.into(),
            accepts,
            seen: Arc::clone(&seen),
        };
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::spawn(async move {
                    while let Ok((near, _)) = listener.accept().await {
                        // Either side may break it off.
                        let way = way.clone();
                        tokio::spawn(async move { way.carry(near).await });
                    }
                });
                let _ = ended.await;
            });
        });
        Self {
            address,
            seen,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// The pin of the server, which has answered by then.
    pub fn pin(&self) -> Pin {
        self.seen.borrow().pin.expect("there was no handshake")
    }

    /// The plaintext that went to the server.
    pub fn told(&self) -> String {
        String::from_utf8_lossy(&self.seen.borrow().told).into_owned()
    }

    /// The address from which the server sees whoever is connected from this address, and
    /// has had an answer.
    pub fn far_end(&self, near: SocketAddr) -> SocketAddr {
        self.seen.borrow().ends[&near]
    }
}

impl Host for Tunnel {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Way {
    server: SocketAddr,
    connects: TlsConnector,
    accepts: Option<TlsAcceptor>,
    seen: Arc<watch::Sender<Seen>>,
}

impl Way {
    async fn carry(&self, near: TcpStream) -> io::Result<()> {
        let far = TcpStream::connect(self.server).await?;
        let (from, to) = (near.peer_addr()?, far.local_addr()?);
        self.seen.send_modify(|seen| seen.ends.extend([(from, to)]));
        for stream in [&near, &far] {
            stream.set_nodelay(true)?;
        }
        let sides = [
            near.as_fd().try_clone_to_owned()?,
            far.as_fd().try_clone_to_owned()?,
        ];
        let carried = self.carry_between(near, far).await;
        if carried.is_err() {
            for side in &sides {
                SockRef::from(side).set_linger(Some(Duration::ZERO))?;
            }
        }
        carried
    }

    async fn carry_between(&self, near: TcpStream, far: TcpStream) -> io::Result<()> {
        let name = ServerName::try_from("localhost").unwrap();
        let far = self.connects.connect(name, far).await?;
        let certificates = far.get_ref().1.peer_certificates().unwrap();
        let pin = Pin::of(&certificates[0]);
        self.seen.send_modify(|seen| seen.pin = Some(pin));
        if let Some(accepts) = &self.accepts {
            let near = accepts.accept(near).await?;
            self.join(near, far).await
        } else {
            self.join(near, far).await
        }
    }

    /// Passes bytes on in both directions, until both have ended or one fails.
    async fn join(
        &self,
        near: impl AsyncRead + AsyncWrite,
        far: impl AsyncRead + AsyncWrite,
    ) -> io::Result<()> {
        let (near_in, near_out) = tokio::io::split(near);
        let (far_in, far_out) = tokio::io::split(far);
        let tell = |bytes: &[u8]| {
            self.seen.send_modify(|seen| {
                let fitting = bytes.len().min(KEPT - seen.told.len());
                seen.told.extend_from_slice(&bytes[..fitting]);
            });
        };
        tokio::try_join!(pass(near_in, far_out, tell), pass(far_in, near_out, |_| {}))?;
        Ok(())
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    tell: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        tell(&buffer[..count]);
        to.write_all(&buffer[..count]).await?;
        to.flush().await?;
    }
}
