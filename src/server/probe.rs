//! Finds out whether a room uses a port that is in use.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::protocol::native::frame::read_reply;

/// The time that the program at the port has to show that it is a room.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes that the probe reads.
const ANSWER_BYTES: usize = 16 << 10;

/// Whether a room answers at this address: anything may use the port, even an outgoing
/// connection.
pub(super) fn is_room(address: SocketAddr) -> bool {
    let port = address.port();
    let addresses = if address.ip().is_unspecified() {
        vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]
    } else {
        vec![address]
    };
    addresses
        .into_iter()
        .any(|address| answers(address).unwrap_or(false))
}

/// Sends a ping, and waits for a frame.
fn answers(address: SocketAddr) -> io::Result<bool> {
    let deadline = Instant::now() + TIMEOUT;
    let mut stream = connect(address)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"{\"ping\":{}}\n")?;
    let mut answer = Vec::new();
    let mut bytes = [0; 1_024];
    while answer.len() < ANSWER_BYTES {
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

/// Connects from another port than `address` has. A room's port may lie in the range from
/// which the kernel picks local ports, so it could give this side the very same port. The
/// connection would then lead back to itself (RFC 9293, section 3.5), and the probe would
/// read its own ping.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    // Closing it leaves nothing behind: a connection that is still closing would hold the
    // port for a minute.
    let _ = socket.set_linger(Some(Duration::ZERO));
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    socket.bind(&any.into())?;
    let own = socket.local_addr()?.as_socket().map(|own| own.port());
    if own == Some(address.port()) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    socket.connect_timeout(&address.into(), TIMEOUT)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A program that sends this answer to each new connection.
    fn program(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(answer);
            }
        });
        address
    }

    #[test]
    fn what_answers_as_a_room_does_is_one_and_nothing_else_is() {
        assert!(is_room(program(b"{\"pong\":{}}\n")));
        assert!(!is_room(program(b"220 mail.example ESMTP\r\n")));
        assert!(!is_room(program(b"")));
    }

    #[test]
    fn looking_leaves_no_connection_behind_that_is_going_down() {
        let address = program(b"{\"pong\":{}}\n");
        assert!(is_room(address));
        let port = format!(":{:04X}", address.port());
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let going_down = table.lines().filter(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // The local address, the remote one, and the state (TIME_WAIT).
            fields.get(3) == Some(&"06") && fields[1..3].iter().any(|it| it.ends_with(&port))
        });
        assert_eq!(going_down.count(), 0, "{table}");
    }
}
