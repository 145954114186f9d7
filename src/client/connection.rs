//! The life of one connection, on the client's own thread.
//!
//! Reading and writing go on side by side. Reading waits for the listener: as
//! long as it does not take what there is, nothing more is read, and TCP holds
//! the server back. Writing waits for nobody but the server, so the heartbeat
//! goes on.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::pin;

use async_channel::{Receiver, Sender};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::wire::PROTOCOL;
use crate::wire::frame::{Empty, Hello, Request, write_frame};

use super::connect::connect;
use super::event::Event;
use super::inbox::Inbox;
use super::{End, Loss, Settings};

/// How many bytes are read at once.
const READ_BYTES: usize = 64 << 10;

/// Requests are gathered up to this many bytes and written together.
const WRITE_BYTES: usize = 64 << 10;

/// What a connection holds on to.
pub(super) struct Connection {
    pub settings: Settings,
    /// Frames to send, as lines.
    pub requests: Receiver<Vec<u8>>,
    /// Ends when this side wants to leave.
    pub stay: Receiver<Infallible>,
    pub events: Sender<Event>,
}

/// What reading tells writing.
#[derive(Default)]
struct Heard {
    is_welcomed: Cell<bool>,
    welcomed: Notify,
    /// The server asked whether this side is there.
    pinged: Notify,
}

impl Connection {
    /// Connects, and stays until the end.
    pub async fn run(self) -> End {
        let address = &self.settings.address;
        let mut leaving = pin!(async {
            tokio::select! {
                _ = self.stay.recv() => {}
                () = self.events.closed() => {}
            }
        });
        let connected = timeout(self.settings.connect_within, connect(address));
        let mut stream = tokio::select! {
            biased;
            () = &mut leaving => return End::Left,
            connected = connected => match connected {
                Ok(Ok(stream)) => stream,
                Ok(Err(end)) => return end,
                Err(_) => return End::TimedOut(address.clone()),
            },
        };
        let (from, to) = stream.split();
        let heard = Heard::default();
        let mut life = pin!(async {
            tokio::select! {
                end = self.read(from, &heard) => end,
                end = async {
                    // A connection that cannot be written to may still hold the
                    // server's last words; reading tells how it ended.
                    let _ = self.write(to, &heard).await;
                    pending().await
                } => end,
            }
        });
        let end = tokio::select! {
            end = &mut life => end,
            () = leaving => {
                // Nothing more comes, also if it is the listener who has gone.
                self.requests.close();
                if !heard.is_welcomed.get() {
                    return End::Left;
                }
                timeout(self.settings.leave_within, life).await.unwrap_or(End::Left)
            }
        };
        match end {
            End::Lost(_) if self.requests.is_closed() => End::Left,
            end => end,
        }
    }

    /// Reads until the end, and gives what was read to the listener.
    async fn read(&self, mut from: ReadHalf<'_>, heard: &Heard) -> End {
        let settings = &self.settings;
        let mut inbox = Inbox::new(settings.address.clone());
        let mut buffer = vec![0; READ_BYTES];
        let mut events = Vec::new();
        let welcomed_by = Instant::now() + settings.welcome_within;
        loop {
            let heard_by = if inbox.is_welcomed() {
                Instant::now() + settings.dead_after
            } else {
                welcomed_by
            };
            let read = timeout_at(heard_by, from.read(&mut buffer)).await;
            let bytes = match read {
                Ok(Ok(length @ 1..)) => &buffer[..length],
                _ if !inbox.is_welcomed() => return End::NotChatroom(settings.address.clone()),
                Ok(Ok(0)) => return End::Lost(Loss::Ended),
                Ok(Err(error)) => return End::Lost(loss(&error)),
                Err(_) => return End::Lost(Loss::Silence(settings.dead_after)),
            };
            let taken = inbox.take(bytes, &mut events);
            if inbox.is_welcomed() && !heard.is_welcomed.replace(true) {
                heard.welcomed.notify_one();
            }
            if std::mem::take(&mut inbox.pinged) {
                heard.pinged.notify_one();
            }
            for event in events.drain(..) {
                // Without a listener this side is leaving already.
                let _ = self.events.send(event).await;
            }
            if let Err(end) = taken {
                return end;
            }
        }
    }

    /// Says hello and, once welcomed, sends what is asked for, until there is
    /// nothing more to ask for: then it says goodbye.
    async fn write(&self, mut to: WriteHalf<'_>, heard: &Heard) -> io::Result<()> {
        let mut out = Vec::new();
        let hello = Request::Hello(Hello {
            protocol: PROTOCOL,
            name: self.settings.name.as_str().into(),
            host_key: self.settings.host_key.as_deref().map(Into::into),
            ..Hello::default()
        });
        write_frame(&hello, &mut out);
        to.write_all(&out).await?;
        heard.welcomed.notified().await;
        loop {
            out.clear();
            tokio::select! {
                request = self.requests.recv() => {
                    let Ok(request) = request else {
                        write_frame(&Request::Bye(Empty {}), &mut out);
                        return to.write_all(&out).await;
                    };
                    out = request;
                }
                () = heard.pinged.notified() => write_frame(&Request::Pong(Empty {}), &mut out),
                () = sleep(self.settings.heartbeat) => {
                    write_frame(&Request::Ping(Empty {}), &mut out);
                }
            }
            while out.len() < WRITE_BYTES
                && let Ok(request) = self.requests.try_recv()
            {
                out.extend_from_slice(&request);
            }
            to.write_all(&out).await?;
        }
    }
}

/// How the system's words are said to a person.
fn loss(error: &io::Error) -> Loss {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Loss::Ended,
        _ => Loss::Broken(error.to_string()),
    }
}
