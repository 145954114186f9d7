//! Ends a connection so that its peer receives the last bytes.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use tokio::time::{sleep, timeout};

use crate::protocol::text::QUIT;

use super::super::link::Link;
use super::super::session::Farewell;
use super::scratch::SCRATCH;
use super::talk::Talk;
use super::transfer::{Written, write};

/// The time that a peer has to read the last bytes that the server sends.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time that a peer has to end its side of the connection. If the server closed the
/// socket before the peer has read the last bytes, they could be lost.
const LINGER: Duration = Duration::from_secs(1);

/// The pause before the quit command, so that the original program receives it
/// separately.
const QUIT_PAUSE: Duration = Duration::from_millis(200);

/// Ends the connection of a guest who has already left the room; only the link remains.
pub async fn part(link: &Link, talk: &mut Talk, farewell: Farewell) {
    let last_words = say_goodbye(link, talk, farewell);
    if let Ok(Ok(())) = timeout(LAST_WRITE_TIMEOUT, last_words).await {
        hang_up(link).await;
    }
}

/// Writes the last bytes.
async fn say_goodbye(link: &Link, talk: &mut Talk, farewell: Farewell) -> io::Result<()> {
    loop {
        match write(link, talk)? {
            Written::All => break,
            Written::Blocked => link.socket().writable().await?,
            Written::Enough => tokio::task::yield_now().await,
        }
    }
    match farewell {
        Farewell::Silent => {}
        Farewell::QuitCommand => {
            sleep(QUIT_PAUSE).await;
            // These few bytes fit, or the peer stopped reading long ago.
            link.write(QUIT.as_bytes())?;
        }
    }
    Ok(())
}

/// Ends the connection so that the peer receives the last bytes: closing a socket with
/// unread input resets the connection.
pub async fn hang_up(link: &Link) {
    link.close();
    let flush = async {
        while !link.flush()? {
            link.socket().writable().await?;
        }
        Ok::<_, io::Error>(())
    };
    if !matches!(timeout(LINGER, flush).await, Ok(Ok(()))) {
        return;
    }
    let stream = link.socket();
    if SockRef::from(stream).shutdown(Shutdown::Write).is_err() {
        return;
    }
    let drain = async {
        // Bounded: the server does not wait for a peer that keeps sending.
        for _ in 0..64 {
            if stream.readable().await.is_err() {
                return;
            }
            match SCRATCH.with_borrow_mut(|scratch| stream.try_read(&mut scratch.read)) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}
