//! The I/O of one connection: a task that waits for its socket, for news in the
//! log and for time, and does what its [`Session`] says.

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

use crate::room::{Cursor, Lease};
use crate::store::{ReadError, StoredMessage};

use super::bell::Ear;
use super::budget::{Budget, Share};
use super::fanout::{Place, io_slices};
use super::guest::Guest;
use super::listener::UNSENT_BYTES;
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
///
/// Most are idle most of the time, and there may be thousands: what is held of one
/// that waits is kept small. So it is a state that is polled, not the much larger
/// one of a function that waits, and what is rare is in a box of its own.
pub(super) struct Connection {
    stream: Arc<TcpStream>,
    session: Session,
    /// Which of the threads serves it.
    worker: usize,
    news: Ear,
    /// With the fan-out.
    place: Place,
    /// What it waits for, apart from input and time; nothing if it has something
    /// to do.
    waiting: Option<More>,
    /// Messages of the past that are being fetched from the store.
    fetching: Option<Fetching>,
    /// The memory that is held for its peer.
    share: Share,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Vec<StoredMessage>, ReadError>> + Send>>;

/// What there may be more to write after.
#[derive(Clone, Copy)]
enum More {
    /// The peer takes more; what is new can wait until the rest is written.
    Space,
    /// There is news in the log.
    Log,
    /// The socket is given back by the fan-out, which writes the log from there on.
    Follow((Cursor, Lease)),
}

/// Serves a connection until it ends.
pub(super) async fn serve(mut connection: Box<Connection>) {
    let farewell = poll_fn(|context| connection.poll(context)).await;
    if let Some(farewell) = farewell {
        Box::pin(part(connection, farewell)).await;
    }
}

/// Parts from a guest who is out of the room already; only the socket is left.
async fn part(mut connection: Box<Connection>, farewell: Farewell) {
    let Connection {
        stream, session, ..
    } = &mut *connection;
    let last_words = say_goodbye(stream, session, farewell);
    if let Ok(Ok(())) = timeout(LAST_WRITE_TIMEOUT, last_words).await {
        hang_up(stream).await;
    }
}

/// Why a connection goes on.
enum Wake {
    /// There may be something to write.
    News,
    /// There may be something to read.
    Input,
    Alarm,
}

/// How a connection goes on.
enum Next {
    /// At once.
    Go,
    /// When the others had their turn.
    Yield,
    /// When there is something to do.
    Wait(More),
    /// Not any more.
    End(Option<Farewell>),
}

impl Connection {
    /// A connection of `guest`, which is served by this one of the threads.
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
            share: Budget::share(),
        }
    }

    /// Talks until the session ends; is ready with `None` if that is because the
    /// connection broke.
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

    /// Does what there is to do, up to where it has to wait.
    fn go_on(&mut self) -> Next {
        let session = &mut self.session;
        if self.share.is_over() {
            session.let_go(Instant::now());
            return Next::End(None);
        }
        self.news.hear();
        session.tell_new_addresses();
        let Ok(written) = write(&self.stream, session) else {
            session.break_off(Instant::now());
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
        // Who is not listened to is woken by the bell when it is again.
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

    /// Counts what is held for the peer while this waits.
    fn count_held(&mut self, more: More, context: &Context<'_>) {
        let kernel = match more {
            // It takes nothing more, so the kernel holds as much as it may.
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
                session.break_off(Instant::now());
                return Next::End(None);
            };
            session.go_on(back.cursor, rest);
        }
        match wake {
            Wake::News => {}
            // Meanwhile it may not be wanted any more.
            Wake::Input if !session.wants_input() => {}
            Wake::Input => match read(&self.stream, session) {
                // It may have more: after the others.
                Ok(READ_BYTES) => return Next::Yield,
                Ok(0) => session.half_close(Instant::now()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    session.break_off(Instant::now());
                    return Next::End(None);
                }
            },
            Wake::Alarm => session.tick(Instant::now()),
        }
        Next::Go
    }

    /// Waits for what is being fetched, if anything is, and hands it over.
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

/// Fetches messages of the past from the store.
async fn fetch(shared: Arc<Shared>, wanted: Wanted) -> Result<Vec<StoredMessage>, ReadError> {
    let Some(history) = &shared.history else {
        return Ok(Vec::new());
    };
    let Range { start, end } = wanted.range;
    history.messages(start, end, wanted.bytes).await
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
