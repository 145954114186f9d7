//! One connection, from hello to its end.
//!
//! Reading and writing go on side by side. Reading waits for the listener: while the
//! listener takes nothing, the client reads nothing more, and TCP slows the server down.
//! Writing waits only for the server, so the heartbeat goes on.

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::protocol::native::frame::{Empty, Request, write_frame};

use super::clock::slept;
use super::inbox::Inbox;
use super::life::{Life, Visit};
use super::place::Place;
use super::silence::{Patience, Silence};
use super::{End, Event, Loss};

/// The most bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// The client writes requests together, up to this many bytes.
const WRITE_BYTES: usize = 64 << 10;

/// A connection of a client.
pub(super) struct Connection<'a> {
    pub life: &'a Life,
}

/// The state that reading and writing share.
struct Heard {
    is_welcomed: Cell<bool>,
    welcomed: Notify,
    /// The server sent a `ping`.
    pinged: Notify,
    silence: Cell<Silence>,
    /// A request begins to wait for an answer.
    waits: Notify,
}

impl Heard {
    fn new(silence: Silence) -> Self {
        Self {
            is_welcomed: Cell::new(false),
            welcomed: Notify::new(),
            pinged: Notify::new(),
            silence: Cell::new(silence),
            waits: Notify::new(),
        }
    }

    fn change_silence<T>(&self, change: impl FnOnce(&mut Silence) -> T) -> T {
        let mut silence = self.silence.get();
        let result = change(&mut silence);
        self.silence.set(silence);
        result
    }
}

impl Connection<'_> {
    /// Says hello, and runs the connection until its end.
    pub async fn run(&self, mut stream: TcpStream, place: &mut Place) -> Visit {
        let (settings, desk) = (&self.life.settings, &self.life.desk);
        let mut hello = Vec::new();
        write_frame(&Request::Hello(place.hello(settings)), &mut hello);
        let (from, to) = stream.split();
        let patience = Patience {
            dead_after: settings.dead_after,
            answer_within: settings.answer_within,
        };
        let heard = Heard::new(Silence::new(patience, Instant::now()));
        let mut life = pin!(async {
            tokio::select! {
                end = self.read(from, &heard, place) => end,
                end = async {
                    // A connection that takes no more output may still have the server's
                    // last frames; reading finds out how it ended.
                    let _ = self.write(to, hello, &heard).await;
                    pending().await
                } => end,
            }
        });
        let end = tokio::select! {
            end = &mut life => end,
            () = self.life.left() => {
                // Nothing more comes, even if it is the listener that has gone.
                desk.leave();
                if !heard.is_welcomed.get() {
                    return End::Left.into();
                }
                timeout(settings.leave_within, life).await.unwrap_or(End::Left)
            }
        };
        let end = match end {
            End::Lost(_) if desk.is_leaving() => End::Left,
            end => end,
        };
        let was_in = heard.is_welcomed.get();
        Visit { end, was_in }
    }

    /// Reads until the end, and passes the events to the listener.
    async fn read(&self, mut from: ReadHalf<'_>, heard: &Heard, place: &mut Place) -> End {
        let (settings, desk) = (&self.life.settings, &self.life.desk);
        let mut inbox = Inbox::new(settings.address.clone());
        let mut buffer = vec![0; READ_BYTES];
        let (mut events, mut told) = (Vec::new(), Vec::new());
        let welcomed_by = Instant::now() + settings.welcome_within;
        let mut slept = pin!(slept());
        loop {
            // While it passed events to the listener, the client did not read.
            heard.change_silence(|silence| silence.heard(Instant::now()));
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => Ok(read),
                () = sleep_until(welcomed_by), if !inbox.is_welcomed() => Err(Loss::Ended),
                silence = silence(heard), if inbox.is_welcomed() => Err(Loss::Silence(silence)),
                // Not while the listener gets an event, which would be lost.
                () = &mut slept, if inbox.is_welcomed() => Err(Loss::Slept),
            };
            let bytes = match read {
                Ok(Ok(length @ 1..)) => &buffer[..length],
                _ if !inbox.is_welcomed() => return End::NotChatroom(settings.address.clone()),
                Ok(Ok(0)) => return End::Lost(Loss::Ended),
                Ok(Err(error)) => return End::Lost(loss(&error)),
                Err(loss) => return End::Lost(loss),
            };
            let taken = inbox.take(bytes, &mut events);
            if inbox.is_welcomed() && !heard.is_welcomed.replace(true) {
                desk.is_in();
                heard.welcomed.notify_one();
            }
            if std::mem::take(&mut inbox.pinged) {
                heard.pinged.notify_one();
            }
            for event in events.drain(..) {
                if is_answer(&event) {
                    desk.answered();
                }
                let now = Instant::now().into_std();
                desk.answer(|outbox| place.take(event, outbox, now, &mut told));
                for event in told.drain(..) {
                    // Without a listener the client is leaving already.
                    let _ = self.life.events.send(event).await;
                }
            }
            if let Err(end) = taken {
                return end;
            }
            let waits = place.is_catching_up() || desk.waits();
            heard.change_silence(|silence| silence.set_waits(waits, Instant::now()));
        }
    }

    /// Says hello and, after the welcome, sends the requests that wait, until the client
    /// leaves: then it says goodbye.
    async fn write(&self, mut to: WriteHalf<'_>, hello: Vec<u8>, heard: &Heard) -> io::Result<()> {
        let (settings, desk) = (&self.life.settings, &self.life.desk);
        to.write_all(&hello).await?;
        heard.welcomed.notified().await;
        let mut out = Vec::new();
        let mut ask_at = Instant::now() + settings.heartbeat;
        let mut leave_by = None;
        loop {
            let now = Instant::now();
            let gathered = desk.gather(now.into_std(), WRITE_BYTES, &mut out);
            if gathered.leaving {
                // The other half of the time is for the server's answer.
                let by = *leave_by.get_or_insert(now + settings.leave_within / 2);
                if gathered.is_last || by <= now {
                    write_frame(&Request::Bye(Empty {}), &mut out);
                    return to.write_all(&out).await;
                }
            }
            if gathered.waits && heard.change_silence(|silence| silence.set_waits(true, now)) {
                heard.waits.notify_one();
            }
            if !out.is_empty() {
                to.write_all(&out).await?;
                out.clear();
                ask_at = Instant::now() + settings.heartbeat;
            }
            let wake_at = gathered.more_at.map(Instant::from_std);
            let probe_at = heard.silence.get().ask_at();
            let ask_by = probe_at.map_or(ask_at, |probe_at| probe_at.min(ask_at));
            let wake_at = wake_at.into_iter().chain(leave_by).chain([ask_by]).min();
            tokio::select! {
                () = desk.news() => {}
                () = heard.pinged.notified() => write_frame(&Request::Pong(Empty {}), &mut out),
                () = sleep_until(wake_at.unwrap_or(ask_by)) => {
                    let now = Instant::now();
                    // Bytes may have come from the server meanwhile.
                    let probe_at = heard.silence.get().ask_at();
                    if ask_at <= now || probe_at.is_some_and(|at| at <= now) {
                        write_frame(&Request::Ping(Empty {}), &mut out);
                        heard.change_silence(|silence| silence.asked(now));
                    }
                }
            }
        }
    }
}

/// Waits until the server has been silent for too long, and returns for how long.
async fn silence(heard: &Heard) -> Duration {
    loop {
        let (lost_at, _) = heard.silence.get().lost_at();
        tokio::select! {
            () = sleep_until(lost_at) => {}
            () = heard.waits.notified() => {}
        }
        if let Some(silence) = heard.change_silence(|silence| silence.lost(Instant::now())) {
            return silence;
        }
    }
}

/// Whether an event answers a request of the client, as far as the client can tell.
const fn is_answer(event: &Event) -> bool {
    match event {
        Event::Members(_) | Event::Page(_) => true,
        Event::Error(error) => error.id.is_none(),
        _ => false,
    }
}

/// An error of the system in words for people.
fn loss(error: &io::Error) -> Loss {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Loss::Ended,
        _ => Loss::Broken(error.to_string()),
    }
}
