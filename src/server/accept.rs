//! Accepts connections.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::protocol::native::error;
use crate::protocol::native::frame::{Code, Reply, write_frame};
use crate::protocol::sniff::{Protocol, Sniffed};
use crate::protocol::text::write_notice;

use super::connection::hang_up;
use super::event::{Event, Refusal};
use super::shared::Shared;
use super::worker::take_in;

/// The pause after the system could not accept another connection, because it has no file
/// descriptors or memory left.
const STALL: Duration = Duration::from_millis(100);

/// The most refused connections that get an answer at the same time. The server drops
/// further ones without an answer.
const REFUSED_AT_ONCE: usize = 64;

/// The time that a refused connection has to show which door it takes.
const REFUSED_PATIENCE: Duration = Duration::from_secs(2);

/// The answer to a connection over the limit of its address.
pub(super) const TOO_MANY_CONNECTIONS: &str =
    "Too many connections come from your address. Try again later.";

/// Accepts connections and serves each in a task of its own.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let refused = Arc::new(Semaphore::new(REFUSED_AT_ONCE));
    let mut stalled = false;
    loop {
        let (stream, address) = match next(&listener, &shared).await {
            Ok(accepted) => accepted,
            // The newcomer gave up before its turn; the next one may still wait.
            Err(error) if is_of_the_peer(&error) => continue,
            Err(error) => {
                if !std::mem::replace(&mut stalled, true) {
                    shared.report(Event::Stalled(error.to_string()));
                }
                sleep(STALL).await;
                continue;
            }
        };
        stalled = false;
        let address = as_told(address);
        match shared.admit(address, Instant::now()) {
            Ok(guest) => take_in(&shared, stream, guest).await,
            Err(why) => {
                shared.report(Event::Refused { address, why });
                if let Ok(permit) = Arc::clone(&refused).try_acquire_owned() {
                    tokio::spawn(async move {
                        refuse(&stream, why).await;
                        drop(permit);
                    });
                }
            }
        }
    }
}

/// Turns an IPv4 address mapped into IPv6 back into IPv4. An IPv6 address keeps its zone:
/// a link-local address means nothing without it.
fn as_told(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Waits for the next newcomer. Once the room is closed, it leaves newcomers to the
/// server that listens on the port afterwards.
async fn next(listener: &TcpListener, shared: &Shared) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        if shared.room().closed().is_some() {
            return Poll::Pending;
        }
        listener.poll_accept(context)
    })
    .await
}

/// Whether accepting failed because of the connection itself (accept(2)).
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::PermissionDenied
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
    )
}

/// Tells a peer why the server refuses it, in the language of its door; in plain text if
/// the door is not known.
async fn refuse(stream: &TcpStream, why: Refusal) {
    let mut first = [0; 64];
    let first = match timeout(REFUSED_PATIENCE, read(stream, &mut first)).await {
        Ok(Ok(0) | Err(_)) => return,
        Ok(Ok(count)) => &first[..count],
        Err(_) => &[],
    };
    let (code, text) = match why {
        Refusal::RoomFull => (Code::RoomFull, "The room is full. Try again later."),
        _ => (Code::TooManyConnections, TOO_MANY_CONNECTIONS),
    };
    let mut answer = Vec::new();
    match Sniffed::of(first) {
        Some(Sniffed::Served(_, Protocol::Native)) => {
            write_frame(&Reply::Error(error(code, text)), &mut answer);
        }
        Some(Sniffed::Unserved(unserved)) => answer = unserved.answer(first),
        Some(Sniffed::Served(_, Protocol::Text)) | None => write_notice(text, &mut answer),
    }
    // A fresh connection always has room for so few bytes.
    if stream.try_write(&answer).is_ok() {
        hang_up(stream).await;
    }
}

/// Reads the first bytes of a connection.
async fn read(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_zone_and_one_of_ipv4_is_told_as_such() {
        let told = |address: &str| as_told(address.parse().unwrap()).to_string();
        assert_eq!(told("[fe80::1%3]:4000"), "[fe80::1%3]:4000");
        assert_eq!(told("[2001:db8::1]:4000"), "[2001:db8::1]:4000");
        assert_eq!(told("[::ffff:192.0.2.1]:4000"), "192.0.2.1:4000");
    }
}
