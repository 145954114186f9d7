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
use super::context::Context;
use super::end::{End, Loss};
use super::event::Event;
use super::inbox::{Inbox, Incoming};
use super::resume_state::ResumeState;
use super::silence::{Patience, Silence};

/// The most bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// The client writes requests together, up to this many bytes.
const WRITE_BYTES: usize = 64 << 10;

/// A connection of a client.
pub(super) struct Connection<'a> {
    pub context: &'a Context,
}

/// The end of a connection, or of a try to have one.
pub(super) struct Outcome {
    pub end: End,
    /// Whether the client got into the room.
    pub was_in: bool,
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        let was_in = false;
        Self { end, was_in }
    }
}

/// The state that reading and writing share.
struct Exchange {
    is_welcomed: Cell<bool>,
    welcomed: Notify,
    /// The server sent a `ping`.
    pinged: Notify,
    silence: Cell<Silence>,
    /// A request begins to wait for an answer.
    waits: Notify,
}

impl Exchange {
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
    pub async fn run(&self, mut stream: TcpStream, resume_state: &mut ResumeState) -> Outcome {
        let (settings, send_queue) = (&self.context.settings, &self.context.send_queue);
        let mut hello = Vec::new();
        write_frame(&Request::Hello(resume_state.hello(settings)), &mut hello);
        let (from, to) = stream.split();
        let patience = Patience {
            dead_after: settings.dead_after,
            answer_within: settings.answer_within,
        };
        let exchange = Exchange::new(Silence::new(patience, Instant::now()));
        let mut exchanging = pin!(async {
            tokio::select! {
                end = self.read(from, &exchange, resume_state) => end,
                end = async {
                    // A connection that takes no more output may still have the server's
                    // last frames; reading finds out how it ended.
                    let _ = self.write(to, hello, &exchange).await;
                    pending().await
                } => end,
            }
        });
        let end = tokio::select! {
            end = &mut exchanging => end,
            () = self.context.left() => {
                // Nothing more comes, even if it is the listener that has gone.
                send_queue.leave();
                if !exchange.is_welcomed.get() {
                    return End::Left.into();
                }
                timeout(settings.leave_within, exchanging).await.unwrap_or(End::Left)
            }
        };
        let end = match end {
            End::Lost(_) if send_queue.is_leaving() => End::Left,
            end => end,
        };
        let was_in = exchange.is_welcomed.get();
        Outcome { end, was_in }
    }

    /// Reads until the end, and passes the events to the listener.
    async fn read(
        &self,
        mut from: ReadHalf<'_>,
        exchange: &Exchange,
        resume_state: &mut ResumeState,
    ) -> End {
        let (settings, send_queue) = (&self.context.settings, &self.context.send_queue);
        let mut inbox = Inbox::new(settings.address.clone());
        let mut buffer = vec![0; READ_BYTES];
        let (mut inputs, mut events) = (Vec::new(), Vec::new());
        let welcomed_by = Instant::now() + settings.welcome_within;
        let mut slept = pin!(slept());
        loop {
            // While it passed events to the listener, the client did not read.
            exchange.change_silence(|silence| silence.heard(Instant::now()));
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => Ok(read),
                () = sleep_until(welcomed_by), if !inbox.is_welcomed() => Err(Loss::Ended),
                silence = silence(exchange), if inbox.is_welcomed() => Err(Loss::Silence(silence)),
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
            let was_known = resume_state.is_known();
            let taken = inbox.take(bytes, &mut inputs);
            if inbox.is_welcomed() && !exchange.is_welcomed.replace(true) {
                tracing::info!("{}", if was_known { "returned" } else { "connected" });
                send_queue.is_in();
                exchange.welcomed.notify_one();
            }
            if std::mem::take(&mut inbox.pinged) {
                exchange.pinged.notify_one();
            }
            for input in inputs.drain(..) {
                if is_answer(&input) {
                    send_queue.answered();
                }
                let now = Instant::now().into_std();
                send_queue.answer(|outbox| resume_state.take(input, outbox, now, &mut events));
                for event in events.drain(..) {
                    // Without a listener the client is leaving already.
                    let _ = self.context.events.send(event).await;
                }
            }
            if let Err(end) = taken {
                return end;
            }
            let waits = resume_state.is_catching_up() || send_queue.waits();
            exchange.change_silence(|silence| silence.set_waits(waits, Instant::now()));
        }
    }

    /// Says hello and, after the welcome, sends the requests that wait, until the client
    /// leaves: then it says goodbye.
    async fn write(
        &self,
        mut to: WriteHalf<'_>,
        hello: Vec<u8>,
        exchange: &Exchange,
    ) -> io::Result<()> {
        let (settings, send_queue) = (&self.context.settings, &self.context.send_queue);
        to.write_all(&hello).await?;
        exchange.welcomed.notified().await;
        let mut out = Vec::new();
        let mut ask_at = Instant::now() + settings.heartbeat;
        let mut leave_by = None;
        loop {
            let now = Instant::now();
            let batch = send_queue.next_batch(now.into_std(), WRITE_BYTES, &mut out);
            if batch.leaving {
                // The other half of the time is for the server's answer.
                let by = *leave_by.get_or_insert(now + settings.leave_within / 2);
                if batch.is_last || by <= now {
                    write_frame(&Request::Bye(Empty {}), &mut out);
                    return to.write_all(&out).await;
                }
            }
            if batch.waits && exchange.change_silence(|silence| silence.set_waits(true, now)) {
                exchange.waits.notify_one();
            }
            if !out.is_empty() {
                to.write_all(&out).await?;
                out.clear();
                ask_at = Instant::now() + settings.heartbeat;
            }
            let wake_at = batch.more_at.map(Instant::from_std);
            let probe_at = exchange.silence.get().ask_at();
            let ask_by = probe_at.map_or(ask_at, |probe_at| probe_at.min(ask_at));
            let wake_at = wake_at.into_iter().chain(leave_by).chain([ask_by]).min();
            tokio::select! {
                () = send_queue.news() => {}
                () = exchange.pinged.notified() => write_frame(&Request::Pong(Empty {}), &mut out),
                () = sleep_until(wake_at.unwrap_or(ask_by)) => {
                    let now = Instant::now();
                    // Bytes may have come from the server meanwhile.
                    let probe_at = exchange.silence.get().ask_at();
                    if ask_at <= now || probe_at.is_some_and(|at| at <= now) {
                        write_frame(&Request::Ping(Empty {}), &mut out);
                        exchange.change_silence(|silence| silence.asked(now));
                    }
                }
            }
        }
    }
}

/// Waits until the server has been silent for too long, and returns for how long.
async fn silence(exchange: &Exchange) -> Duration {
    loop {
        let (lost_at, _) = exchange.silence.get().lost_at();
        tokio::select! {
            () = sleep_until(lost_at) => {}
            () = exchange.waits.notified() => {}
        }
        if let Some(silence) = exchange.change_silence(|silence| silence.lost(Instant::now())) {
            return silence;
        }
    }
}

/// Whether an input answers a request of the client, as far as the client can tell.
const fn is_answer(input: &Incoming) -> bool {
    match input {
        Incoming::Event(Event::Members(_) | Event::Page(_)) => true,
        Incoming::Event(Event::Error(error)) => error.id.is_none(),
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
