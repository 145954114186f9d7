//! Answers a connection that the server does not admit.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::protocol::native::error;
use crate::protocol::native::frame::{Code, Reply, write_frame};
use crate::protocol::sniff::{Protocol, Sniffed};
use crate::protocol::text::write_notice;

use super::super::event::Refusal;
use super::super::sentences::{ROOM_FULL, TOO_MANY_CONNECTIONS};
use super::close::hang_up;

/// The time that a refused connection has to show what it speaks.
const REFUSED_PATIENCE: Duration = Duration::from_secs(2);

/// Tells a peer why the server does not admit it, in its own protocol; in plain text if that
/// is not known.
pub async fn refuse(stream: &TcpStream, why: Refusal) {
    let mut first = [0; 64];
    let first = match timeout(REFUSED_PATIENCE, read(stream, &mut first)).await {
        Ok(Ok(0) | Err(_)) => return,
        Ok(Ok(count)) => &first[..count],
        Err(_) => &[],
    };
    let (code, text) = match why {
        Refusal::RoomFull => (Code::RoomFull, ROOM_FULL),
        // The others are causes of a session.
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
