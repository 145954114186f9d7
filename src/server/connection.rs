//! The I/O of one connection: a task that waits for its socket, for news in the
//! log and for time, and does what its [`Session`] says.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

use super::session::{Farewell, Session, Slices};

/// How many bytes are read at once. What is read of one connection before the
/// others get their turn.
const READ_BYTES: usize = 16 << 10;

/// How long a peer may take to read the last bytes that it is sent.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a peer may take to end its side of the connection. Closed before it
/// has read the last bytes, they could be lost.
const LINGER: Duration = Duration::from_secs(1);

/// The pause before the quit command, so that the original program receives it
/// by itself.
const QUIT_PAUSE: Duration = Duration::from_millis(200);

/// Buffers that all connections of a thread share: none needs its own while it
/// is idle.
struct Scratch {
    read: Box<[u8]>,
    slices: Slices,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        read: vec![0; READ_BYTES].into(),
        slices: Slices::new(),
    });
}

/// Serves a connection until it ends.
pub(super) async fn serve(stream: TcpStream, mut session: Session, news: watch::Receiver<()>) {
    if let Some(farewell) = converse(&stream, &mut session, news).await {
        // The guest is out of the room already; only the socket is left.
        let last_words = say_goodbye(&stream, &mut session, farewell);
        if let Ok(Ok(())) = timeout(LAST_WRITE_TIMEOUT, last_words).await {
            hang_up(&stream).await;
        }
    }
}

/// Talks until the session ends; `None` if it is because the connection broke.
async fn converse(
    stream: &TcpStream,
    session: &mut Session,
    mut news: watch::Receiver<()>,
) -> Option<Farewell> {
    let mut alarm = pin!(sleep(Duration::ZERO));
    let mut alarm_at = None;
    loop {
        news.mark_unchanged();
        let Ok(blocked) = write(stream, session) else {
            session.hang_up(true);
            return None;
        };
        if session.ending().is_some() {
            return session.ending();
        }
        let deadline = session.deadline();
        // One that went off later than it must is set anew; one that goes off
        // too early does no harm.
        if let Some(deadline) = deadline
            && alarm_at.is_none_or(|at| deadline < at)
        {
            alarm.as_mut().reset(deadline.into());
            alarm_at = Some(deadline);
        }
        let wake = wait(
            stream,
            session.wants_input(),
            blocked,
            &mut news,
            alarm_at.is_some().then_some(alarm.as_mut()),
        );
        match wake.await {
            Wake::Input => match read(stream, session) {
                Ok(Read::Some) => {}
                // It may have more: after the others.
                Ok(Read::Much) => tokio::task::yield_now().await,
                Ok(Read::End) => session.hang_up(false),
                Err(_) => {
                    session.hang_up(true);
                    return None;
                }
            },
            Wake::Alarm => {
                alarm_at = None;
                session.tick(Instant::now());
            }
            Wake::Other => {}
        }
    }
}

/// Why a connection goes on.
enum Wake {
    Input,
    Alarm,
    Other,
}

/// Waits until there is something to do.
async fn wait(
    stream: &TcpStream,
    wants_input: bool,
    blocked: bool,
    news: &mut watch::Receiver<()>,
    mut alarm: Option<Pin<&mut Sleep>>,
) -> Wake {
    let mut changed = pin!(news.changed());
    poll_fn(|context| {
        if blocked {
            // What is new can wait until the rest is written.
            if stream.poll_write_ready(context).is_ready() {
                return Poll::Ready(Wake::Other);
            }
        } else if changed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Wake::Other);
        }
        if wants_input && stream.poll_read_ready(context).is_ready() {
            return Poll::Ready(Wake::Input);
        }
        match &mut alarm {
            Some(alarm) => alarm.as_mut().poll(context).map(|()| Wake::Alarm),
            None => Poll::Pending,
        }
    })
    .await
}

/// How much was read.
enum Read {
    Some,
    Much,
    End,
}

/// Reads what has come, as far as it fits into the buffer.
fn read(stream: &TcpStream, session: &mut Session) -> io::Result<Read> {
    SCRATCH.with_borrow_mut(|scratch| match stream.try_read(&mut scratch.read) {
        Ok(0) => Ok(Read::End),
        Ok(count) => {
            session.take(&scratch.read[..count], Instant::now());
            Ok(if count == scratch.read.len() {
                Read::Much
            } else {
                Read::Some
            })
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read::Some),
        Err(error) => Err(error),
    })
}

/// Writes all there is to write. Tells whether the peer takes no more for now.
fn write(stream: &TcpStream, session: &mut Session) -> io::Result<bool> {
    SCRATCH.with_borrow_mut(|Scratch { slices, .. }| {
        slices.clear();
        while session.gather(slices) {
            let result = match slices.as_slice() {
                [] => stream.try_write(session.output()),
                [slice] => stream.try_write(slice.bytes()),
                slices => {
                    let buffers: Vec<IoSlice<'_>> = slices
                        .iter()
                        .map(|slice| IoSlice::new(slice.bytes()))
                        .collect();
                    stream.try_write_vectored(&buffers)
                }
            };
            let blocked =
                matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
            if blocked || result.is_ok() {
                session.wrote(result.unwrap_or(0), slices);
                slices.clear();
                if blocked {
                    return Ok(true);
                }
            } else {
                slices.clear();
                return result.map(|_| false);
            }
        }
        Ok(false)
    })
}

/// Writes the last bytes of a session.
async fn say_goodbye(
    stream: &TcpStream,
    session: &mut Session,
    farewell: Farewell,
) -> io::Result<()> {
    while write(stream, session)? {
        stream.writable().await?;
    }
    if farewell == Farewell::QuitCommand {
        sleep(QUIT_PAUSE).await;
        // A few bytes: they fit, or the peer has long stopped to read.
        stream.try_write(crate::wire::text::QUIT.as_bytes())?;
    }
    Ok(())
}

/// Ends the connection so that the peer receives the last bytes: a socket that is
/// closed with unread input resets the connection.
pub(super) async fn hang_up(stream: &TcpStream) {
    if socket2::SockRef::from(stream)
        .shutdown(std::net::Shutdown::Write)
        .is_err()
    {
        return;
    }
    let drain = async {
        // Bounded: who goes on sending is not waited for.
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
