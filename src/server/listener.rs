//! Listening on a port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::protocol::address::BindAddress;
use crate::store::OpenError;

use super::probe::is_room;

/// The number of connections that the kernel holds until the server accepts them. With
/// few, newcomers in a burst wait for seconds, until they retry.
const BACKLOG: i32 = 4_096;

/// After this time without an acknowledgement or any accepted data, a peer counts as
/// lost.
const USER_TIMEOUT: Duration = Duration::from_mins(1);

/// The most unsent bytes that the kernel holds for a peer. Further data waits in the log,
/// which all peers share.
pub(super) const UNSENT_BYTES: u32 = 128 << 10;

/// The same limit when there are many connections, so that their number bounds what the
/// kernel holds. It also covers peers that stop reading just before the server notices
/// it.
const UNSENT_BYTES_OF_MANY: u32 = 32 << 10;

/// More connections than this count as many.
const MANY: usize = 1_000;

/// Lowers the kernel's limit for one more connection if `open` is large.
pub(super) fn hold_less(stream: &tokio::net::TcpStream, open: usize) {
    if open > MANY {
        // Where the system does not support it, the ordinary limit applies.
        let _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_OF_MANY);
    }
}

/// The reason why a server cannot listen, in words for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A room is already open there.
    #[error("A room is already open on this computer, port {0}.")]
    RoomOpen(u16),
    /// Another program uses the port.
    #[error("Port {0} is in use by another program. Choose another port.")]
    PortTaken(u16),
    /// The port is reserved.
    #[error("Port {0} is reserved for the administrator. Choose a port from 1024 on.")]
    Forbidden(u16),
    /// This computer does not have the address, or not yet.
    #[error("{0} is not an address of this computer.")]
    NotHere(IpAddr),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The system refuses such a socket.
    #[error("The room cannot be opened on port {port}: {error}.")]
    Other {
        /// The port.
        port: u16,
        /// The system's error.
        error: io::Error,
    },
}

impl BindError {
    /// Whether only a person can fix it. Everything else may pass by itself: a port
    /// becomes free, an address appears, a disk is mounted.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Forbidden(_) => true,
            Self::Store(error) => matches!(
                error,
                OpenError::Newer(_)
                    | OpenError::NotAStore(_)
                    | OpenError::Damaged(_)
                    | OpenError::IsDirectory(_)
                    | OpenError::NotBuilt(_)
            ),
            _ => false,
        }
    }
}

/// Listens on `port` at each of the addresses, or at all addresses of this computer if
/// the list is empty. Port 0 picks a free one, the same for all.
pub(super) fn listen<A>(addresses: &[A], port: u16) -> Result<Vec<TcpListener>, BindError>
where
    A: Clone + Into<BindAddress>,
{
    if addresses.is_empty() {
        return listen_everywhere(port);
    }
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut taken: Vec<BindAddress> = Vec::new();
    for asked in addresses {
        let asked: BindAddress = asked.clone().into();
        if taken.contains(&asked) {
            continue;
        }
        // The first socket chose the port for all.
        let port = match listeners.first() {
            Some(first) if port == 0 => first.local_addr().map_or(0, |address| address.port()),
            _ => port,
        };
        let address = asked
            .at(port)
            .map_err(|error| explain(error, SocketAddr::new(asked.ip(), port)))?;
        taken.push(asked);
        // A requested address is bound exactly: `::` means IPv6 alone.
        listeners.push(open(address, true).map_err(|error| explain(error, address))?);
    }
    Ok(listeners)
}

/// Listens with IPv6 and IPv4 together; with one socket for each where the system cannot
/// serve both with one, or with IPv4 alone where there is no IPv6.
fn listen_everywhere(port: u16) -> Result<Vec<TcpListener>, BindError> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match open(v6, false) {
        Ok(listener) => Ok(vec![listener]),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            listen(&[v6.ip(), v4.ip()], port)
        }
        // The server must not use half of another program's port.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(explain(error, v6)),
        // There is no IPv6, or a sandbox does not allow it.
        Err(_) => match open(v4, true) {
            Ok(listener) => Ok(vec![listener]),
            Err(error) => Err(explain(error, v4)),
        },
    }
}

/// Takes over sockets that another program, such as a service manager, has opened.
pub(super) fn adopt(listeners: Vec<TcpListener>) -> io::Result<Vec<TcpListener>> {
    for listener in &listeners {
        let socket = SockRef::from(listener);
        improve(&socket);
        // They already listen; this only lengthens the queue.
        let _ = socket.listen(BACKLOG);
        socket.set_nonblocking(true)?;
    }
    Ok(listeners)
}

fn open(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // With this option, a port can be used again while its last connections are still
    // closing, but not while another program listens on it. Without it, that takes a
    // minute.
    let _ = socket.set_reuse_address(true);
    if address.is_ipv6() {
        // Required: with this option a room is at the requested address and nowhere else.
        let set = socket.set_only_v6(only_v6);
        if set.is_err() && socket.only_v6().ok() != Some(only_v6) {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    socket.bind(&address.into())?;
    improve(&socket);
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Sets the options that accepted connections inherit (tcp(7)). Each makes a room faster,
/// or notices a lost peer sooner. None is required, and not every system has all of them
/// (gVisor, WSL 1), so each failure is ignored.
fn improve(socket: &Socket) {
    let _ = socket.set_tcp_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(20))
        .with_interval(Duration::from_secs(10))
        .with_retries(4);
    if socket.set_tcp_keepalive(&keepalive).is_err() {
        // At the system's own intervals.
        let _ = socket.set_keepalive(true);
    }
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    let _ = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
}

fn explain(error: io::Error, address: SocketAddr) -> BindError {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse if is_room(address) => BindError::RoomOpen(port),
        io::ErrorKind::AddrInUse => BindError::PortTaken(port),
        // For ports below 1024 only: for any other port the reason is a sandbox.
        io::ErrorKind::PermissionDenied if (1..1_024).contains(&port) => BindError::Forbidden(port),
        io::ErrorKind::AddrNotAvailable => BindError::NotHere(address.ip()),
        _ => BindError::Other { port, error },
    }
}
