//! Accepts connections.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection::{Service, refuse};
use super::event::Event;
use super::hub::{Guest, Hub};
use super::listener::hold_less;
use super::pool::Pool;

/// The pause after the system could not accept another connection, because it has no file
/// descriptors or memory left.
const STALL: Duration = Duration::from_millis(100);

/// The most refused connections that get an answer at the same time. The server drops
/// further ones without an answer.
const REFUSED_AT_ONCE: usize = 64;

/// Accepts connections to the room of this hub, and has the pool serve each.
pub(super) async fn accept(listener: TcpListener, hub: Arc<Hub>, pool: Arc<Pool<Service>>) {
    let refused = Arc::new(Semaphore::new(REFUSED_AT_ONCE));
    let mut stalled = false;
    loop {
        let (stream, address) = match next(&listener, &hub).await {
            Ok(accepted) => accepted,
            // The newcomer gave up before its turn; the next one may still wait.
            Err(error) if is_of_the_peer(&error) => continue,
            Err(error) => {
                if !std::mem::replace(&mut stalled, true) {
                    hub.report(Event::Stalled(error.to_string()));
                }
                sleep(STALL).await;
                continue;
            }
        };
        stalled = false;
        let address = as_told(address);
        match Guest::arriving(&hub, address, Instant::now()) {
            Ok(guest) => {
                hold_less(&stream, hub.admission.open());
                pool.take_in(stream, guest).await;
            }
            Err(why) => {
                hub.report(Event::Refused { address, why });
                if let Ok(permit) = Arc::clone(&refused).try_acquire_owned() {
                    let hub = Arc::clone(&hub);
                    tokio::spawn(async move {
                        refuse(stream, why, &hub.tls).await;
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
async fn next(listener: &TcpListener, hub: &Hub) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        if hub.closed().is_some() {
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
