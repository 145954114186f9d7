//! The I/O of one connection: a task that waits for its socket, for new log entries and
//! for deadlines, and does what its [`Session`] asks for.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::room::{Cursor, Entry, Lease, Why};
use crate::store::ReadError;

use super::bell::Ear;
use super::budget::Share;
use super::fanout::{Place, io_slices};
use super::guest::Guest;
use super::listener::UNSENT_BYTES;
use super::session::{Farewell, Found, Session, Slices, Wanted};
use super::shared::Shared;

/// The most bytes that one connection reads before the others get their turn.
const READ_BYTES: usize = 16 << 10;

/// The most bytes that one connection writes before the others get their turn.
const WRITE_BYTES: usize = 1 << 20;

/// The time that a peer has to read the last bytes that the server sends.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time that a peer has to end its side of the connection. If the server closed the
/// socket before the peer has read the last bytes, they could be lost.
const LINGER: Duration = Duration::from_secs(1);

/// The pause before the quit command, so that the original program receives it
/// separately.
const QUIT_PAUSE: Duration = Duration::from_millis(200);

/// Buffers that all connections of a thread share: an idle connection needs none of its
/// own.
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

/// One connection, with everything needed to serve it.
///
/// Most connections are idle most of the time, and there may be thousands, so one that
/// waits keeps little memory. Therefore it is a state that the task polls, not the much
/// larger state of an async function, and rare parts are boxed.
pub(super) struct Connection {
    stream: Arc<TcpStream>,
    session: Session,
    /// The index of the worker thread that serves it.
    worker: usize,
    news: Ear,
    /// Its slot in the fan-out.
    place: Place,
    /// The event it waits for besides input and deadlines; `None` if it has something to
    /// do.
    waiting: Option<More>,
    /// Past messages that it is fetching from the store.
    fetching: Option<Fetching>,
    /// The memory that the server holds for its peer.
    share: Share,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Vec<Entry<'static>>, ReadError>> + Send>>;

/// The event after which there may be more to write.
#[derive(Clone, Copy)]
enum More {
    /// The peer accepts more; new entries can wait until the rest is written.
    Space,
    /// The log grew.
    Log,
    /// The fan-out gives the socket back; it writes the log from this cursor on.
    Follow((Cursor, Lease)),
}

/// Serves a connection until it ends.
pub(super) async fn serve(mut connection: Box<Connection>) {
    let farewell = poll_fn(|context| connection.poll(context)).await;
    if let Some(farewell) = farewell {
        Box::pin(part(connection, farewell)).await;
    }
}

/// Ends the connection of a guest who has already left the room; only the socket remains.
async fn part(mut connection: Box<Connection>, farewell: Farewell) {
    let Connection {
        stream, session, ..
    } = &mut *connection;
    let last_words = say_goodbye(stream, session, farewell);
    if let Ok(Ok(())) = timeout(LAST_WRITE_TIMEOUT, last_words).await {
        hang_up(stream).await;
    }
}

/// The reason why a connection continues.
enum Wake {
    /// There may be something to write.
    News,
    /// There may be something to read.
    Input,
    Alarm,
}

/// How a connection continues.
enum Next {
    /// At once.
    Go,
    /// After the others had their turn.
    Yield,
    /// When there is something to do.
    Wait(More),
    /// It does not continue.
    End(Option<Farewell>),
}

impl Connection {
    /// The connection of `guest`, served by the worker thread with this index.
    pub fn new(stream: TcpStream, guest: Guest, worker: usize) -> Self {
        let stream = Arc::new(stream);
        let thread = &guest.shared().workers[worker];
        Self {
            news: thread.news(),
            place: thread.fan_out.place(&stream),
            stream,
            session: Session::new(guest, Instant::now()),
            worker,
            waiting: None,
            fetching: None,
            share: Share::default(),
        }
    }

    /// Runs until the session ends; is ready with `None` if the connection broke.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Farewell>> {
        loop {
            let next = if let Some(more) = self.waiting {
                let wake = ready!(self.poll_wake(more, context));
                self.waiting = None;
                self.wake_up(&wake)
            } else {
                ready!(self.poll_fetching(context));
                self.go_on()
            };
            match next {
                Next::Go => {}
                Next::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Wait(more) => {
                    self.count_held(more, context);
                    self.waiting = Some(more);
                }
                Next::End(farewell) => return Poll::Ready(farewell),
            }
        }
    }

    /// Does all that it can do without waiting.
    fn go_on(&mut self) -> Next {
        let session = &mut self.session;
        if self.share.is_over() {
            session.break_off(Why::Timeout, Instant::now());
            return Next::End(None);
        }
        self.news.hear();
        session.tell_new_addresses();
        let Ok(written) = write(&self.stream, session) else {
            session.break_off(Why::Lost, Instant::now());
            return Next::End(None);
        };
        if session.ending().is_some() {
            return Next::End(session.ending());
        }
        if session.can_take_up() {
            session.take_up(Instant::now());
            return Next::Yield;
        }
        if let Some(wanted) = session.wanted() {
            let shared = Arc::clone(session.shared());
            self.fetching = Some(Box::pin(fetch(shared, wanted.clone())));
            return Next::Go;
        }
        if written == Written::Enough {
            return Next::Yield;
        }
        self.session.set_slow(written == Written::Blocked);
        Next::Wait(match self.session.follows_from() {
            _ if written == Written::Blocked => More::Space,
            Some(from) => More::Follow(from),
            None => More::Log,
        })
    }

    /// Waits until there is something to do.
    fn poll_wake(&mut self, more: More, context: &mut Context<'_>) -> Poll<Wake> {
        let deadline = self.session.deadline();
        let follows = match more {
            More::Follow(from) => Some(from),
            _ => None,
        };
        let given_back = self.place.poll_wait(follows, deadline, context);
        let more = match more {
            More::Space => self.stream.poll_write_ready(context).map(drop),
            More::Log => self.news.poll_ring(context),
            More::Follow(_) => given_back,
        };
        let wants_input = self.session.wants_input();
        // The bell wakes a member that the server does not read from when reading
        // resumes.
        let follows_no_more = follows.is_some() && !wants_input;
        if more.is_ready() || follows_no_more || self.share.is_over() {
            return Poll::Ready(Wake::News);
        }
        if wants_input && self.stream.poll_read_ready(context).is_ready() {
            return Poll::Ready(Wake::Input);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Poll::Ready(Wake::Alarm);
        }
        Poll::Pending
    }

    /// Counts the memory held for the peer while this waits.
    fn count_held(&mut self, more: More, context: &Context<'_>) {
        let kernel = match more {
            // The peer accepts nothing more, so the kernel holds as much as it may.
            More::Space => UNSENT_BYTES as usize,
            More::Log | More::Follow(_) => 0,
        };
        let bytes = kernel + self.session.held_bytes();
        let shared = self.session.shared();
        self.share.set(&shared.budget, bytes, context);
    }

    /// Does what it was woken for.
    fn wake_up(&mut self, wake: &Wake) -> Next {
        let session = &mut self.session;
        if let Some(back) = self.place.take_back() {
            let Ok(rest) = back.rest else {
                session.break_off(Why::Lost, Instant::now());
                return Next::End(None);
            };
            session.go_on(back.cursor, rest);
        }
        match wake {
            Wake::News => {}
            // The session may no longer want input by now.
            Wake::Input if !session.wants_input() => {}
            Wake::Input => match read(&self.stream, session) {
                // There may be more to read: after the others.
                Ok(READ_BYTES) => return Next::Yield,
                Ok(0) => session.half_close(Instant::now()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    session.break_off(Why::Lost, Instant::now());
                    return Next::End(None);
                }
            },
            Wake::Alarm => session.tick(Instant::now()),
        }
        Next::Go
    }

    /// Waits for a fetch from the store, if one is under way, and passes the result to
    /// the session.
    fn poll_fetching(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(fetching) = &mut self.fetching {
            let fetched = ready!(fetching.as_mut().poll(context));
            self.fetching = None;
            self.session.take_past(fetched);
        }
        Poll::Ready(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.session.shared().workers[self.worker].count_out();
    }
}

/// Fetches past messages from the store.
async fn fetch(shared: Arc<Shared>, wanted: Wanted) -> Result<Vec<Entry<'static>>, ReadError> {
    let Some(history) = &shared.history else {
        return Ok(Vec::new());
    };
    let Range { start, end } = wanted.range;
    history.messages(start, end, wanted.bytes).await
}

/// Reads the bytes that arrived, as many as fit into the buffer, and passes them to the
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

/// How far writing got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Everything is written.
    All,
    /// The peer accepts no more for now.
    Blocked,
    /// The connection has used up its turn.
    Enough,
}

/// Writes what is pending.
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
        // These few bytes fit, or the peer stopped reading long ago.
        stream.try_write(crate::protocol::text::QUIT.as_bytes())?;
    }
    Ok(())
}

/// Ends the connection so that the peer receives the last bytes: closing a socket with
/// unread input resets the connection.
pub(super) async fn hang_up(stream: &TcpStream) {
    if socket2::SockRef::from(stream)
        .shutdown(std::net::Shutdown::Write)
        .is_err()
    {
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
