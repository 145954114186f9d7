//! Taking connections in.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use crate::wire::door::{Door, not_served};
use crate::wire::frame::{Code, Reply, write_frame};
use crate::wire::native::error;
use crate::wire::text::write_notice;

use super::connection::{hang_up, serve};
use super::event::{Event, Refusal};
use super::session::Session;
use super::shared::Shared;

/// The pause after the system could not give another connection, for want of
/// file descriptors or memory.
const STALL: Duration = Duration::from_millis(100);

/// How many of those who are not let in are told so at a time; more are dropped
/// without a word.
const REFUSED_AT_ONCE: usize = 64;

/// How long someone who is not let in may take to show by which door it comes.
const REFUSED_PATIENCE: Duration = Duration::from_secs(2);

/// Accepts connections and serves each in a task of its own, which holds a clone
/// of `open` while it lasts.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, open: mpsc::Sender<()>) {
    let refused = Arc::new(Semaphore::new(REFUSED_AT_ONCE));
    let mut stalled = false;
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The newcomer gave up before its turn; the next one may not have.
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
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let open = open.clone();
        match shared.admit(address) {
            Ok(guest) => {
                let news = shared.news();
                let session = Session::new(guest, Instant::now());
                tokio::spawn(async move {
                    serve(stream, session, news).await;
                    drop(open);
                });
            }
            Err(why) => {
                shared.report(Event::Refused { address, why });
                if let Ok(permit) = Arc::clone(&refused).try_acquire_owned() {
                    tokio::spawn(async move {
                        let _ = timeout(REFUSED_PATIENCE, refuse(&stream, why)).await;
                        drop((permit, open));
                    });
                }
            }
        }
    }
}

/// Whether accepting failed because of the connection itself (accept(2)).
fn is_of_the_peer(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::PermissionDenied
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

/// Tells someone why it is not let in, in the language of the door it came by.
async fn refuse(stream: &TcpStream, why: Refusal) -> std::io::Result<()> {
    let mut first = [0; 64];
    // It may be called ready when it is not.
    let count = loop {
        stream.readable().await?;
        match stream.try_read(&mut first) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => break read?,
        }
    };
    let first = &first[..count];
    let (code, text) = match why {
        Refusal::RoomFull => (Code::RoomFull, "The room is full. Try again later."),
        _ => (
            Code::TooManyConnections,
            "Too many connections come from your address. End one of them first.",
        ),
    };
    let mut answer = Vec::new();
    match Door::of(first) {
        Some(Door::Native) => write_frame(&Reply::Error(error(code, text)), &mut answer),
        Some(door @ (Door::Browser | Door::Irc | Door::Tls)) => answer = not_served(door, first),
        Some(Door::Text) | None => write_notice(text, &mut answer),
    }
    // A fresh connection takes so few bytes at once.
    stream.writable().await?;
    stream.try_write(&answer)?;
    hang_up(stream).await;
    Ok(())
}
