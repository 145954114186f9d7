//! One connection, from hello to its end.
//!
//! First it is a greeting, question after answer. Once the client is in the room,
//! reading and writing go on side by side. Reading waits for the listener: while the
//! listener takes nothing, the client reads nothing more, and TCP slows the server down.
//! Writing waits only for the server, so the heartbeat goes on.
//!
//! Both are polled by one task, so neither waits for the other to release the stream. A
//! write that is given up half done is the last one of its connection.

use std::cell::Cell;
use std::fmt::Display;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::protocol::address::Address;
use crate::protocol::native::frame::{Empty, IntoClean, Notice, Request, write_frame};
use crate::protocol::proof::Nonce;

use super::clock::slept;
use super::context::Context;
use super::end::{End, Loss};
use super::event::{Event, Security};
use super::greeting::Greeting;
use super::inbox::{Inbox, Incoming};
use super::link::{Bytes, Link};
use super::resume_state::ResumeState;
use super::silence::{Patience, Silence};
use super::trust::{Met, TrustStore};

/// The most bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// The client writes requests together, up to this many bytes.
const WRITE_BYTES: usize = 64 << 10;

/// The code of a notice of the client's own, that the file of the known rooms failed. No
/// server sends it.
pub const NOTICE_KNOWN_ROOMS: &str = "known-rooms";

/// A connection of a client.
pub(super) struct Connection<'a> {
    pub context: &'a Context,
}

/// The end of a connection, or of a try to have one.
pub(super) struct Outcome {
    pub end: End,
    /// Whether another try makes sense.
    pub is_temporary: bool,
    /// Whether the client got into the room.
    pub was_in: bool,
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        Self {
            is_temporary: end.is_temporary(),
            was_in: false,
            end,
        }
    }
}

/// The inputs that say that the client is in the room, and how it is protected.
const WELCOME: usize = 2;

/// What came from the server, and was not passed on yet.
struct Received {
    inbox: Inbox,
    inputs: Vec<Incoming>,
    events: Vec<Event>,
    /// The connection ended after that.
    end: Option<End>,
}

/// A connection to a server that has welcomed the client.
pub(super) struct Joined {
    link: Link,
    inbox: Inbox,
    /// The [`WELCOME`], and what came with it.
    inputs: Vec<Incoming>,
    /// The connection ended with it.
    end: Option<End>,
    /// How the connection is protected.
    pub security: Security,
    /// The name of the room.
    pub room: String,
}

impl Joined {
    /// The address by which the server was found.
    pub const fn address(&self) -> &Address {
        &self.link.address
    }

    /// Tells the user something that concerns the client alone, after the welcome.
    pub fn tell(&mut self, trouble: &impl Display) {
        let notice = Notice {
            code: NOTICE_KNOWN_ROOMS.into(),
            text: trouble.to_string().into(),
            addresses: Vec::new(),
        };
        let place = self.inputs.len().min(WELCOME);
        self.inputs
            .insert(place, Event::Notice(notice.into_clean()).into());
    }
}

/// The state that reading and writing share.
struct Exchange {
    /// The server sent a `ping`.
    pinged: Notify,
    silence: Cell<Silence>,
    /// A request begins to wait for an answer.
    waits: Notify,
}

impl Exchange {
    fn new(silence: Silence) -> Self {
        Self {
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
    /// Says hello, and proves what the server wants to know, until its welcome.
    ///
    /// # Errors
    /// Why the client is not in the room.
    pub async fn greet(
        &self,
        link: Link,
        met: Met,
        trusts: &TrustStore,
        resume_state: &ResumeState,
    ) -> Result<Joined, End> {
        let settings = &self.context.settings;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| End::NotBegun(error.to_string()))?;
        let hello = resume_state.hello(settings);
        let (greeting, first) = Greeting::begin(settings, trusts, met, Nonce(nonce), hello);
        let by = Instant::now() + settings.welcome_within;
        let nobody = match met.verified {
            Some(_) => End::Lost(Loss::Ended),
            None => End::NotChatroom(link.address.clone()),
        };
        let greeted = tokio::select! {
            greeted = timeout_at(by, greet(link, greeting, first)) => greeted,
            () = self.context.left() => return Err(End::Left),
        };
        match greeted {
            Ok(Ok(joined)) => Ok(joined),
            Ok(Err(Some(end))) => Err(end),
            Ok(Err(None)) | Err(_) => Err(nobody),
        }
    }

    /// Runs a connection to a room until its end.
    pub async fn run(&self, joined: Joined, resume_state: &mut ResumeState) -> Outcome {
        let (settings, send_queue) = (&self.context.settings, &self.context.send_queue);
        let Joined {
            link,
            inbox,
            mut inputs,
            end,
            security,
            ..
        } = joined;
        tracing::info!(
            encrypted = security != Security::Plain,
            "{}",
            if resume_state.is_known() {
                "returned"
            } else {
                "connected"
            }
        );
        let (from, to) = tokio::io::split(link.bytes);
        let patience = Patience {
            dead_after: settings.dead_after,
            answer_within: settings.answer_within,
        };
        let exchange = Exchange::new(Silence::new(patience, Instant::now()));
        // Nothing is sent before the client knows as whom it is in the room.
        let mut events = Vec::new();
        for input in inputs.drain(..inputs.len().min(WELCOME)) {
            let now = Instant::now().into_std();
            send_queue.answer(|outbox| resume_state.take(input, outbox, now, &mut events));
        }
        send_queue.is_in();
        let received = Received {
            inbox,
            inputs,
            events,
            end,
        };
        let mut exchanging = pin!(async {
            tokio::select! {
                end = self.read(from, received, &exchange, resume_state) => end,
                end = async {
                    // A connection that takes no more output may still have the server's
                    // last frames; reading finds out how it ended.
                    let _ = self.write(to, &exchange).await;
                    pending().await
                } => end,
            }
        });
        let end = tokio::select! {
            end = &mut exchanging => end,
            () = self.context.left() => {
                // Nothing more comes, even if it is the listener that has gone.
                send_queue.leave();
                timeout(settings.leave_within, exchanging).await.unwrap_or(End::Left)
            }
        };
        let end = match end {
            End::Lost(_) if send_queue.is_leaving() => End::Left,
            end => end,
        };
        Outcome {
            was_in: true,
            ..end.into()
        }
    }

    /// Reads until the end, and passes the events to the listener. Begins with what came
    /// before.
    async fn read(
        &self,
        mut from: ReadHalf<Box<dyn Bytes>>,
        received: Received,
        exchange: &Exchange,
        resume_state: &mut ResumeState,
    ) -> End {
        let send_queue = &self.context.send_queue;
        let mut buffer = vec![0; READ_BYTES];
        let Received {
            mut inbox,
            mut inputs,
            mut events,
            mut end,
        } = received;
        self.pass_on(&mut events).await;
        let mut slept = pin!(slept());
        loop {
            if std::mem::take(&mut inbox.pinged) {
                exchange.pinged.notify_one();
            }
            for input in inputs.drain(..) {
                if is_answer(&input) {
                    send_queue.answered();
                }
                let now = Instant::now().into_std();
                send_queue.answer(|outbox| resume_state.take(input, outbox, now, &mut events));
                self.pass_on(&mut events).await;
            }
            if let Some(end) = end {
                return end;
            }
            let waits = resume_state.is_catching_up() || send_queue.waits();
            exchange.change_silence(|silence| {
                silence.set_waits(waits, Instant::now());
                // While it passed events to the listener, the client did not read.
                silence.heard(Instant::now());
            });
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => read,
                silence = silence(exchange) => return End::Lost(Loss::Silence(silence)),
                // Not while the listener gets an event, which would be lost.
                () = &mut slept => return End::Lost(Loss::Slept),
            };
            let bytes = match read {
                Ok(0) => return End::Lost(Loss::Ended),
                Ok(length) => &buffer[..length],
                Err(error) => return End::Lost(loss(&error)),
            };
            end = inbox.take(bytes, &mut inputs).err();
        }
    }

    async fn pass_on(&self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            // Without a listener the client is leaving already.
            let _ = self.context.events.send(event).await;
        }
    }

    /// Sends the requests that wait, until the client leaves: then it says goodbye.
    async fn write(
        &self,
        mut to: WriteHalf<Box<dyn Bytes>>,
        exchange: &Exchange,
    ) -> io::Result<()> {
        let (settings, send_queue) = (&self.context.settings, &self.context.send_queue);
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
                    return send(&mut to, &out).await;
                }
            }
            if batch.waits && exchange.change_silence(|silence| silence.set_waits(true, now)) {
                exchange.waits.notify_one();
            }
            if !out.is_empty() {
                send(&mut to, &out).await?;
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

/// Greets a server, which begins with sending `first`.
///
/// # Errors
/// Why the client is not in the room; `None` if the connection ended before a reason came.
async fn greet(
    mut link: Link,
    mut greeting: Greeting<'_>,
    first: Vec<u8>,
) -> Result<Joined, Option<End>> {
    let mut inbox = Inbox::new(link.address.clone());
    let mut inputs = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut out = first;
    loop {
        if !out.is_empty() {
            // A server that takes nothing may have said why.
            let _ = send(&mut link.bytes, &out).await;
            out.clear();
        }
        let length = link.bytes.read(&mut buffer).await.map_err(|_| None)?;
        let bytes = buffer.get(..length).filter(|it| !it.is_empty());
        let end = inbox.take(bytes.ok_or(None)?, &mut inputs).err();
        if let Some((security, room)) = take(&mut greeting, &mut inputs, &mut out)? {
            inputs.insert(0, Event::Secured(security).into());
            return Ok(Joined {
                link,
                inbox,
                inputs,
                end,
                security,
                room,
            });
        }
        if end.is_some() {
            return Err(end);
        }
    }
}

/// Takes the inputs up to the welcome, if it came. Appends what to send.
fn take(
    greeting: &mut Greeting<'_>,
    inputs: &mut Vec<Incoming>,
    out: &mut Vec<u8>,
) -> Result<Option<(Security, String)>, End> {
    while let Some(input) = inputs.first() {
        match input {
            Incoming::Event(Event::Welcomed(welcome)) => {
                let security = greeting.admit(welcome)?;
                return Ok(Some((security, welcome.room.to_string())));
            }
            Incoming::About(about) => out.extend(greeting.take_about(about)?),
            Incoming::Challenge(challenge) => out.extend(greeting.take_challenge(challenge)?),
            // The inbox gives nothing else before the welcome.
            Incoming::Event(_) | Incoming::Unknown { .. } => {}
        }
        inputs.remove(0);
    }
    Ok(None)
}

/// Writes all of it. Without flushing, an encrypted stream could keep a part of it.
async fn send(to: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
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
        // Some of these may answer someone else.
        Incoming::Event(
            Event::Members(_)
            | Event::Page(_)
            | Event::Kicked(_)
            | Event::Muted(_)
            | Event::Limits(_)
            | Event::Erased(_)
            | Event::Host(_)
            | Event::Invite(_),
        ) => true,
        Incoming::Event(Event::Error(error)) => error.id.is_none(),
        _ => false,
    }
}

/// An error of the system in words for people.
fn loss(error: &io::Error) -> Loss {
    match error.kind() {
        // With TLS, the end of the stream counts only if the server announced it.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Loss::Ended,
        _ => Loss::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_that_is_sent_stays_in_a_buffer() {
        let mut to = tokio::io::BufWriter::new(Vec::new());
        send(&mut to, b"hi").await.unwrap();
        assert_eq!(to.get_ref(), b"hi");
    }
}
