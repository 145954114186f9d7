//! From an address to a connection.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::protocol::address::Address;

use super::End;

/// The most addresses of one host that this tries.
const ADDRESSES: usize = 16;

/// How long this tries one address before it tries the next one beside it (RFC 8305,
/// section 5).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// Connects to the first address of the host that answers.
///
/// # Errors
/// Why no address answers.
pub(super) async fn connect(address: &Address) -> Result<TcpStream, End> {
    let mut addresses = tokio::net::lookup_host((address.host.as_str(), address.port))
        .await
        .map_err(|_| End::NoSuchHost(address.host.clone()))?
        .take(ADDRESSES);
    let mut running = JoinSet::new();
    let mut end = None;
    loop {
        let more = addresses.next().map(|next| running.spawn(try_one(next)));
        let result = tokio::select! {
            result = running.join_next() => result,
            () = tokio::time::sleep(NEXT_AFTER), if more.is_some() => continue,
        };
        match result {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => {
                // A refusal by the host says more than a missing route to another of its
                // addresses.
                if !matches!(end, Some(End::Refused(_))) {
                    end = Some(end_of(&error, address));
                }
            }
            // A try never panics, and nobody cancels it while this waits for it.
            Some(Err(_)) => {}
            None => return Err(end.unwrap_or_else(|| End::NoSuchHost(address.host.clone()))),
        }
    }
}

async fn try_one(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if is_own(&stream)? {
        // A normal close would occupy the port for another minute, and no room could open
        // there.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        return Err(ErrorKind::ConnectionRefused.into());
    }
    // Not every system has this option; without it the connection works, more slowly.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Whether both ends are the same. This happens when a client connects to a port of its
/// own computer at which nobody listens, and the kernel gives the client that very port
/// (RFC 9293, section 3.5). A room's port can be among those that the kernel gives.
fn is_own(stream: &TcpStream) -> io::Result<bool> {
    Ok(stream.local_addr()? == stream.peer_addr()?)
}

fn end_of(error: &io::Error, address: &Address) -> End {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => End::Refused(address.clone()),
        ErrorKind::TimedOut => End::TimedOut(address.clone()),
        // The system is out of descriptors, for example.
        _ if is_of_this_side(error) => End::NotBegun(error.to_string()),
        _ => End::Unreachable(address.clone()),
    }
}

/// Whether the client cannot open any connection.
fn is_of_this_side(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_to_itself_is_not_one_to_a_room() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert!(is_own(&stream).unwrap());
    }
}
