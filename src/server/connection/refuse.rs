//! Answers a connection that the server does not admit.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::protocol::native::error;
use crate::protocol::native::frame::{Code, Reply, write_frame};
use crate::protocol::sniff::{Protocol, Sniffed, Transport};
use crate::protocol::text::write_notice;
use crate::tls::ServerTls;

use super::super::event::Refusal;
use super::super::link::{After, Link};
use super::super::sentences::{ROOM_FULL, TOO_MANY_CONNECTIONS};
use super::close::hang_up;

/// The time that a refused connection has to show what it speaks.
const REFUSED_PATIENCE: Duration = Duration::from_secs(2);

/// Tells a peer why the server does not admit it, in its own protocol; in plain text if that
/// is not known. A peer that wants to be encrypted is.
pub async fn refuse(stream: TcpStream, why: Refusal, tls: &ServerTls) {
    let link = Link::new(stream);
    let mut first = Vec::new();
    let read = timeout(REFUSED_PATIENCE, read(&link, tls, &mut first)).await;
    if let Ok(Err(_)) = read {
        return;
    }
    let (code, text) = match why {
        Refusal::RoomFull => (Code::RoomFull, ROOM_FULL),
        // The others are causes of a session.
        _ => (Code::TooManyConnections, TOO_MANY_CONNECTIONS),
    };
    let mut answer = Vec::new();
    match Sniffed::of(&first) {
        Some(Sniffed::Served(Protocol::Native)) => {
            write_frame(&Reply::Error(error(code, text)), &mut answer);
        }
        Some(Sniffed::Unserved(unserved)) => answer = unserved.answer(&first),
        Some(Sniffed::Through(Transport::Plain | Transport::Tls)) => {}
        Some(Sniffed::Served(Protocol::Text)) | None => write_notice(text, &mut answer),
    }
    // A fresh connection always has room for so few bytes.
    if link.write(&answer).is_ok() {
        hang_up(&link).await;
    }
}

/// Reads the first bytes of what a connection carries.
///
/// # Errors
/// If it ends, or its handshake fails.
async fn read(link: &Link, tls: &ServerTls, first: &mut Vec<u8>) -> io::Result<()> {
    let (mut buffer, mut plain) = ([0; 2_048], Vec::new());
    let mut is_secured = false;
    loop {
        link.socket().readable().await?;
        let received = match link.read(&mut buffer, &mut plain) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            result => result?,
        };
        let chooses = Sniffed::of(received.bytes) == Some(Sniffed::Through(Transport::Tls));
        let received = if chooses && !is_secured {
            is_secured = true;
            let count = received.bytes.len();
            link.secure(tls.offer())?;
            link.decrypt(&mut buffer[..count], &mut plain)
        } else {
            received
        };
        if !received.bytes.is_empty() {
            first.extend_from_slice(received.bytes);
            return Ok(());
        }
        if !matches!(received.after, After::Later | After::More) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
