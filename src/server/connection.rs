//! The I/O of one connection: a task that waits for its socket, for news in the
//! log and for time, and does what its [`Session`] says.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

use crate::room::{Cursor, Lease};
use crate::store::{ReadError, StoredMessage};

use super::bell::Ear;
use super::fanout::{Place, io_slices};
use super::session::{Farewell, Found, Session, Slices, Wanted};
use super::shared::Shared;

/// How many bytes are read at once. What is read of one connection before the
/// others get their turn.
const READ_BYTES: usize = 16 << 10;

/// How many bytes are written to one connection before the others get their turn.
const WRITE_BYTES: usize = 1 << 20;

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

/// One connection, and what serving it takes.
pub(super) struct Connection {
    pub stream: Arc<TcpStream>,
    pub session: Session,
    pub news: Ear,
    /// Which of the threads serves it.
    pub worker: usize,
}

/// Serves a connection until it ends.
///
/// Most are idle most of the time, and there may be thousands: what a task holds
/// while it waits is kept small. So the connection is boxed (an argument that is
/// moved stands in a future twice), and so is how it ends.
pub(super) async fn serve(mut connection: Box<Connection>) {
    if let Some(farewell) = converse(&mut connection).await {
        Box::pin(part(&mut connection, farewell)).await;
    }
    let shared = Arc::clone(connection.session.shared());
    shared.workers[connection.worker].count_out();
}

/// Parts from a guest who is out of the room already; only the socket is left.
async fn part(connection: &mut Connection, farewell: Farewell) {
    let Connection {
        stream, session, ..
    } = connection;
    let last_words = say_goodbye(stream, session, farewell);
    if let Ok(Ok(())) = timeout(LAST_WRITE_TIMEOUT, last_words).await {
        hang_up(stream).await;
    }
}

/// Talks until the session ends; `None` if it is because the connection broke.
async fn converse(connection: &mut Connection) -> Option<Farewell> {
    let Connection {
        stream,
        session,
        news,
        worker,
    } = connection;
    let fan_out = Arc::clone(&session.shared().workers[*worker].fan_out);
    let mut place: Option<Place> = None;
    let mut alarm = pin!(sleep(Duration::ZERO));
    let mut alarm_at = None;
    loop {
        news.hear();
        let Ok(written) = write(stream, session) else {
            session.break_off(Instant::now());
            return None;
        };
        if session.ending().is_some() {
            return session.ending();
        }
        if session.can_take_up() {
            session.take_up(Instant::now());
            tokio::task::yield_now().await;
            continue;
        }
        if let Some(wanted) = session.wanted() {
            let fetched = Box::pin(fetch(session.shared(), wanted)).await;
            session.take_past(fetched);
            continue;
        }
        if written == Written::Enough {
            tokio::task::yield_now().await;
            continue;
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
        let alarm = alarm_at.is_some().then_some(alarm.as_mut());
        let more = match session.follows_from() {
            _ if written == Written::Blocked => More::Space,
            Some(from) => {
                let place = place.get_or_insert_with(|| fan_out.place(stream));
                More::Follow(place, from)
            }
            None => More::Log(news),
        };
        let wake = wait(stream, session.wants_input(), more, alarm).await;
        if let Some(back) = place.as_ref().and_then(Place::take_back) {
            let Ok(rest) = back.rest else {
                session.break_off(Instant::now());
                return None;
            };
            session.go_on(back.cursor, rest);
        }
        match wake {
            Wake::News => {}
            // Meanwhile it may not be wanted any more.
            Wake::Input if !session.wants_input() => {}
            Wake::Input => match read(stream, session) {
                // It may have more: after the others.
                Ok(READ_BYTES) => tokio::task::yield_now().await,
                Ok(0) => session.half_close(Instant::now()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    session.break_off(Instant::now());
                    return None;
                }
            },
            Wake::Alarm => {
                alarm_at = None;
                session.tick(Instant::now());
            }
        }
    }
}

/// Fetches messages of the past from the store.
async fn fetch(shared: &Shared, wanted: &Wanted) -> Result<Vec<StoredMessage>, ReadError> {
    let Some(history) = &shared.history else {
        return Ok(Vec::new());
    };
    let Range { start, end } = wanted.range;
    history.messages(start, end, wanted.bytes).await
}

/// Why a connection goes on.
enum Wake {
    /// There may be something to write.
    News,
    /// There may be something to read.
    Input,
    Alarm,
}

/// What there may be more to write after.
enum More<'a> {
    /// The peer takes more; what is new can wait until the rest is written.
    Space,
    /// There is news in the log.
    Log(&'a mut Ear),
    /// The socket is given back by the fan-out, which writes the log from there on.
    Follow(&'a Place, (Cursor, Lease)),
}

/// Waits until there is something to do.
async fn wait(
    stream: &TcpStream,
    wants_input: bool,
    mut more: More<'_>,
    mut alarm: Option<Pin<&mut Sleep>>,
) -> Wake {
    poll_fn(|context| {
        let more = match &mut more {
            More::Space => stream.poll_write_ready(context).map(drop),
            More::Log(news) => news.poll_ring(context),
            More::Follow(place, from) => place.poll_follow(*from, context),
        };
        if more.is_ready() {
            return Poll::Ready(Wake::News);
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

/// Reads what has come, as far as it fits into the buffer, and hands it to the
/// session.
fn read(stream: &TcpStream, session: &mut Session) -> io::Result<usize> {
    SCRATCH.with_borrow_mut(|scratch| {
        let count = stream.try_read(&mut scratch.read)?;
        if count > 0 {
            session.take(&scratch.read[..count], Instant::now());
        }
        Ok(count)
    })
}

/// How far writing went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// All there is.
    All,
    /// As much as the peer takes for now.
    Blocked,
    /// As much as one connection may before the others get their turn.
    Enough,
}

/// Writes what there is to write.
fn write(stream: &TcpStream, session: &mut Session) -> io::Result<Written> {
    SCRATCH.with_borrow_mut(|Scratch { slices, .. }| {
        let mut total = 0;
        loop {
            let found = session.gather(slices);
            if found == Found::Nothing {
                return Ok(Written::All);
            }
            let result = match slices.as_slice() {
                [] => stream.try_write(session.output()),
                [slice] => stream.try_write(slice.bytes()),
                slices => stream.try_write_vectored(&io_slices(slices)),
            };
            let count = match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                Err(error) => {
                    slices.clear();
                    return Err(error);
                }
                Ok(count) => Some(count),
            };
            let complete = session.wrote(count.unwrap_or(0), slices);
            slices.clear();
            total += count.unwrap_or(0);
            if count.is_none() {
                return Ok(Written::Blocked);
            }
            if found == Found::All && complete {
                return Ok(Written::All);
            }
            if total >= WRITE_BYTES {
                return Ok(Written::Enough);
            }
        }
    })
}

/// Writes the last bytes of a session.
async fn say_goodbye(
    stream: &TcpStream,
    session: &mut Session,
    farewell: Farewell,
) -> io::Result<()> {
    loop {
        match write(stream, session)? {
            Written::All => break,
            Written::Blocked => stream.writable().await?,
            Written::Enough => tokio::task::yield_now().await,
        }
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
