//! Taking a port, and telling by which addresses others can reach it.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::store::OpenError;
use crate::wire::address::{Address, BindAddress};
use crate::wire::frame::read_reply;

/// How many connections the kernel holds until they are accepted. With few, a
/// burst of newcomers waits for seconds, until they ask again.
const BACKLOG: i32 = 4_096;

/// A peer that acknowledges nothing, or takes nothing, for this long is gone.
const USER_TIMEOUT: Duration = Duration::from_mins(1);

/// How much is handed to the kernel for a peer before it could be sent: what is
/// behind that waits in the log, where all share it.
const UNSENT_BYTES: u32 = 128 << 10;

/// How long whoever holds the port may take to show that it is a room.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a server cannot listen, in words for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A room is open there already.
    #[error("A room is already open on this computer, port {0}.")]
    RoomOpen(u16),
    /// Something else holds the port.
    #[error("Port {0} is in use by another program. Choose another port.")]
    PortTaken(u16),
    /// The port is reserved.
    #[error("Port {0} is reserved for the administrator. Choose a port from 1024 on.")]
    Forbidden(u16),
    /// The address belongs to another computer.
    #[error("{0} is not an address of this computer.")]
    NotHere(IpAddr),
    /// What was said cannot be kept.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Something else went wrong.
    #[error("The room cannot be opened on port {port}: {error}.")]
    Other {
        /// The port.
        port: u16,
        /// What went wrong.
        error: io::Error,
    },
}

/// Listens on `port` at each of the addresses, or at all of this computer if
/// there are none. Port 0 takes a free one, the same for all.
pub(super) fn listen<A>(addresses: &[A], port: u16) -> Result<Vec<TcpListener>, BindError>
where
    A: Clone + Into<BindAddress>,
{
    if addresses.is_empty() {
        return listen_everywhere(port).map(|listener| vec![listener]);
    }
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut taken: Vec<BindAddress> = Vec::new();
    for asked in addresses {
        let asked: BindAddress = asked.clone().into();
        if taken.contains(&asked) {
            continue;
        }
        // The first one chose the port for all.
        let port = match listeners.first() {
            Some(first) if port == 0 => first.local_addr().map_or(0, |address| address.port()),
            _ => port,
        };
        let address = asked
            .at(port)
            .map_err(|error| explain(error, SocketAddr::new(asked.ip(), port)))?;
        taken.push(asked);
        // What is asked for by name is taken by itself: `::` is IPv6 alone.
        listeners.push(open(address, true).map_err(|error| explain(error, address))?);
    }
    Ok(listeners)
}

/// By IPv6 and IPv4 together, or by IPv4 alone where there is no IPv6.
fn listen_everywhere(port: u16) -> Result<TcpListener, BindError> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    match open(v6, false) {
        Err(error) if is_no_ipv6(&error) => {
            let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            open(v4, true).map_err(|error| explain(error, v4))
        }
        result => result.map_err(|error| explain(error, v6)),
    }
}

/// Whether it is for want of IPv6 that a socket cannot be opened.
fn is_no_ipv6(error: &io::Error) -> bool {
    let code = error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    matches!(
        code,
        Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL)
    )
}

/// Listens at sockets that someone else has opened, such as a service manager.
pub(super) fn adopt(listeners: Vec<TcpListener>) -> io::Result<Vec<TcpListener>> {
    for listener in &listeners {
        let socket = SockRef::from(listener);
        set_options(&socket)?;
        socket.listen(BACKLOG)?;
    }
    Ok(listeners)
}

fn open(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A port whose last connections are still going down can be taken again; one
    // that someone listens on cannot.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&address.into())?;
    set_options(&socket)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn set_options(socket: &Socket) -> io::Result<()> {
    // What accepted connections inherit (tcp(7)).
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(20))
        .with_interval(Duration::from_secs(10))
        .with_retries(4);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.set_nonblocking(true)
}

fn explain(error: io::Error, address: SocketAddr) -> BindError {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse if is_room(address) => BindError::RoomOpen(port),
        io::ErrorKind::AddrInUse => BindError::PortTaken(port),
        io::ErrorKind::PermissionDenied => BindError::Forbidden(port),
        io::ErrorKind::AddrNotAvailable => BindError::NotHere(address.ip()),
        _ => BindError::Other { port, error },
    }
}

/// Whether a room answers there: the port may be taken by anything, an outgoing
/// connection among it.
fn is_room(address: SocketAddr) -> bool {
    let port = address.port();
    let mut addresses = vec![address];
    if address.ip().is_unspecified() {
        addresses = vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ];
    }
    addresses
        .into_iter()
        .any(|address| answers(address).unwrap_or(false))
}

/// Asks whether someone is there, and waits for a frame.
fn answers(address: SocketAddr) -> io::Result<bool> {
    let deadline = Instant::now() + PROBE_TIMEOUT;
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)?;
    stream.set_write_timeout(Some(PROBE_TIMEOUT))?;
    stream.write_all(b"{\"ping\":{}}\n")?;
    let mut answer = Vec::new();
    let mut bytes = [0; 1_024];
    while answer.len() < 16 * bytes.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut bytes)?;
        answer.extend_from_slice(&bytes[..count]);
        let ended = answer
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |end| end + 1);
        let mut lines = answer[..ended].split(|b| *b == b'\n');
        if lines.any(|line| matches!(read_reply(line), Ok(Some(_)))) {
            return Ok(true);
        }
        if count == 0 {
            break;
        }
    }
    Ok(false)
}

/// The addresses by which others can reach the listeners, the likeliest first.
/// If there is no other than this computer, that.
pub(super) fn reachable(listeners: &[TcpListener]) -> Vec<Address> {
    let mut ips: Vec<SocketAddr> = Vec::new();
    for listener in listeners {
        let Ok(address) = listener.local_addr() else {
            continue;
        };
        if !address.ip().is_unspecified() {
            ips.push(address);
            continue;
        }
        let mut here: Vec<IpAddr> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .into_iter()
            .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
            .map(|interface| interface.ip())
            .filter(|ip| ip.is_ipv4() || address.is_ipv6())
            .collect();
        here.sort_by_key(IpAddr::is_ipv6);
        ips.extend(
            here.into_iter()
                .map(|ip| SocketAddr::new(ip, address.port())),
        );
        if ips.is_empty() {
            ips.push(SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())));
        }
    }
    let mut addresses: Vec<Address> = Vec::new();
    for address in ips.into_iter().map(Address::from) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}
