//! The client: one connection to a room.
//!
//! [`Client::connect`] returns at once; a thread of the client's own does the
//! rest. What it hears comes as typed [`Event`]s over a bounded channel, to be
//! awaited or waited for: first [`Event::Welcomed`], last [`Event::Ended`], and
//! then the channel is closed. Who takes them slowly slows only their own
//! connection down. [`listen`] hands them to a [`Listener`].
//!
//! ```no_run
//! use chatroom::client::{Client, Printing, Settings, listen};
//!
//! let (client, events) = Client::connect(Settings::default());
//! client.say("hi")?;
//! listen(&events, &mut Printing);
//! # Ok::<(), chatroom::client::NotQueued>(())
//! ```

mod connect;
mod connection;
mod end;
mod event;
mod inbox;
mod listener;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_channel::{Receiver, Sender, TrySendError};

use crate::room::{DEFAULT_NAME, MemberId};
use crate::wire::address::Address;
use crate::wire::frame::{HistoryRequest, MembersRequest, Request, Say, write_frame};
use crate::wire::{DEAD_AFTER, FRAME_LIMIT, HEARTBEAT};

pub use self::end::{End, Loss};
pub use self::event::Event;
pub use self::inbox::{JUNK_LIMIT, SERVER_FRAME_LIMIT};
pub use self::listener::{Listener, Printing, listen, write_lines, write_message};

use self::connection::Connection;

/// The most events that wait for the listener; with more to tell, the client
/// stops to read.
pub const EVENTS: usize = 256;

/// The most requests that wait to be sent.
pub const REQUESTS: usize = 64;

/// How to join a room.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the room is.
    pub address: Address,
    /// The name that is wanted; the server may give another.
    pub name: String,
    /// The key that the program which embeds the server gave to the host.
    pub host_key: Option<String>,
    /// How long finding the host and connecting to it may take.
    pub connect_within: Duration,
    /// How long the server may then take to welcome this side.
    pub welcome_within: Duration,
    /// Who has sent nothing for this long asks whether the other side is there.
    pub heartbeat: Duration,
    /// The connection is lost if nothing was heard for this long.
    pub dead_after: Duration,
    /// How long the server may take to answer a goodbye.
    pub leave_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: Address::default(),
            name: DEFAULT_NAME.to_owned(),
            host_key: None,
            connect_within: Duration::from_secs(10),
            welcome_within: Duration::from_secs(10),
            heartbeat: HEARTBEAT,
            dead_after: DEAD_AFTER,
            leave_within: Duration::from_secs(2),
        }
    }
}

/// Why a request was not queued. It was not sent, and the connection goes on if
/// it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// [`REQUESTS`] wait to be sent already.
    #[error("The connection is too slow for this much at once; wait a moment and send it again.")]
    Full,
    /// The connection is over, or this side is leaving.
    #[error("You are not in the room any more; join again to send it.")]
    Over,
    /// The text does not fit into a frame of [`FRAME_LIMIT`] bytes.
    #[error("This message is too long; send it in several parts.")]
    TooLong,
}

/// A hand on a connection; never blocks. All its clones are hands on the same
/// connection, and when the last one is dropped this side leaves the room.
#[derive(Clone, Debug)]
pub struct Client {
    /// Frames to send, as lines.
    requests: Sender<Vec<u8>>,
    /// Nothing is sent over it; that it is closed says that this side leaves.
    stay: Sender<Infallible>,
    ids: Arc<Ids>,
}

impl Client {
    /// Joins a room: begins to, and returns a hand on the connection and what
    /// will be heard of it.
    ///
    /// Whether it came to be is the first event. When `Client` or the receiver is
    /// dropped, this side leaves, or gives up to connect.
    #[must_use = "without its events and the hand on it, a connection ends"]
    pub fn connect(settings: Settings) -> (Self, Receiver<Event>) {
        let (requests, requests_queue) = async_channel::bounded(REQUESTS);
        let (stay, stay_signal) = async_channel::bounded(1);
        let (events, events_queue) = async_channel::bounded(EVENTS);
        let connection = Connection {
            settings,
            requests: requests_queue,
            stay: stay_signal,
            events: events.clone(),
        };
        let last_word = events.clone();
        let thread = std::thread::Builder::new()
            .name("client".to_owned())
            .spawn(move || {
                let end = run(connection).unwrap_or_else(|error| not_begun(&error));
                // However long the listener takes to come to it.
                let _ = events.send_blocking(Event::Ended(end));
            });
        if let Err(error) = thread {
            let _ = last_word.try_send(Event::Ended(not_begun(&error)));
        }
        let ids = Arc::new(Ids::new());
        let client = Self {
            requests,
            stay,
            ids,
        };
        (client, events_queue)
    }

    /// Says something, as soon as this side is in the room. Returns the id by
    /// which its echo, or an [error](Event::Error) about it, is known.
    ///
    /// # Errors
    /// If it cannot be queued; it will not be sent then.
    pub fn say(&self, text: &str) -> Result<String, NotQueued> {
        let id = self.ids.next();
        self.request(&Request::Say(Say {
            id: Some(id.as_str().into()),
            text: text.into(),
        }))?;
        Ok(id)
    }

    /// Asks for up to `limit` members with an id after `after`, or from the first
    /// on. The answer is an [`Event::Members`].
    ///
    /// # Errors
    /// If it cannot be queued.
    pub fn ask_members(&self, after: Option<MemberId>, limit: u64) -> Result<(), NotQueued> {
        let (after, limit) = (after.map(MemberId::get), Some(limit));
        self.request(&Request::Members(MembersRequest { after, limit }))
    }

    /// Asks for up to `limit` messages before the one with the `seq` `before`, or
    /// for the newest. The answer is an [`Event::Page`].
    ///
    /// # Errors
    /// If it cannot be queued.
    pub fn ask_history(&self, before: Option<u64>, limit: u64) -> Result<(), NotQueued> {
        let limit = Some(limit);
        self.request(&Request::History(HistoryRequest { before, limit }))
    }

    /// Leaves: sends what is queued, says goodbye and, when the server has
    /// answered or [`Settings::leave_within`] is over, ends. Gives up at once if
    /// it is still connecting.
    pub fn leave(&self) {
        self.requests.close();
        self.stay.close();
    }

    fn request(&self, request: &Request<'_>) -> Result<(), NotQueued> {
        let mut line = Vec::new();
        write_frame(request, &mut line);
        // The line break does not count.
        if line.len() > FRAME_LIMIT + 1 {
            return Err(NotQueued::TooLong);
        }
        self.requests.try_send(line).map_err(|error| match error {
            TrySendError::Full(_) => NotQueued::Full,
            TrySendError::Closed(_) => NotQueued::Over,
        })
    }
}

/// Runs the connection on this thread, until its end.
fn run(connection: Connection) -> io::Result<End> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()?;
    let end = runtime.block_on(connection.run());
    // The system may still look for the host; nobody waits for it.
    runtime.shutdown_background();
    Ok(end)
}

fn not_begun(error: &io::Error) -> End {
    End::NotBegun(error.to_string())
}

/// Ids for the messages of one session.
#[derive(Debug)]
struct Ids {
    /// Tells them from those of an earlier run of the program.
    prefix: u64,
    next: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        // The standard library's way to a random number that cannot fail. Every
        // member is sent these ids: they are short.
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            prefix: random >> 32,
            next: AtomicU64::new(1),
        }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{number}", self.prefix)
    }
}
