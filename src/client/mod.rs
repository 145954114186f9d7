//! The client: a stay in a room, over as many connections as it takes.
//!
//! [`Client::connect`] returns at once; a thread of the client's own does the
//! rest. What it hears comes as typed [`Event`]s over a bounded channel, to be
//! awaited or waited for: first [`Event::Welcomed`], last [`Event::Ended`], and
//! then the channel is closed. A listener that takes them slowly slows down only its
//! own connection. [`listen`] hands them to a [`Listener`].
//!
//! # Coming back
//!
//! Once this side was in the room, a lost connection does not end the stay. The
//! client tells [`Event::Interrupted`] and tries to come back, sooner at first and
//! then less and less often; at once when the computer's network changes, when it
//! wakes up from sleep, and when [`Client::retry_now`] asks for it. When it
//! succeeds it tells [`Event::Returned`], and then all messages that were missed.
//! A service that stops is taken for a lost connection too. A room that was closed,
//! is full or does not want this side ends the stay.
//!
//! What this side said and does not know to be said is kept, also while the
//! connection is lost, and said again under the same id and in the same order:
//! nothing is missing and nothing is there twice. A message that may have been said
//! while nobody can tell is not said again; it is told as [`Event::Unsent`], as is
//! everything that waits when the stay ends. The client keeps to the pace that the
//! server allows, and says again what came too fast all the same.
//!
//! ```no_run
//! use chatroom::client::{Client, Printing, Settings, listen};
//!
//! let (client, events) = Client::connect(Settings::default());
//! client.say("hi")?;
//! listen(&events, &mut Printing);
//! # Ok::<(), chatroom::client::NotQueued>(())
//! ```

mod backoff;
mod clock;
mod connect;
mod connection;
mod desk;
mod end;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod inbox;
mod life;
mod listener;
mod outbox;
mod pace;
mod place;
mod settings;
mod silence;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_channel::Receiver;

use crate::room::{MESSAGE_ID_LIMIT, MemberId};
use crate::wire::FRAME_LIMIT;
use crate::wire::frame::{HistoryRequest, MembersRequest, Request, Say, write_frame};

pub use self::end::{End, Loss};
pub use self::event::Event;
pub use self::inbox::{JUNK_LIMIT, SERVER_FRAME_LIMIT};
pub use self::listener::{Listener, Printing, listen, write_lines, write_message};
pub use self::settings::{Resume, Settings};

use self::desk::Desk;
use self::life::Life;
use self::outbox::{Outbox, Own};

/// The most events that wait for the listener; with more to tell, the client
/// stops to read.
pub const EVENTS: usize = 256;

/// The most questions that wait to be sent.
pub const REQUESTS: usize = 64;

/// The most messages that wait until they are known to be said.
pub const OUTBOX_MESSAGES: usize = 256;

/// The most bytes of them, ids and texts together.
pub const OUTBOX_BYTES: usize = 1 << 20;

/// The most times the system can be looking for the host at once: a search that
/// nobody waits for any more cannot be stopped.
const SEARCHES: usize = 4;

/// Why something was not queued. It was not sent, and the connection goes on if
/// it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// As much waits as may: [`OUTBOX_MESSAGES`] or [`OUTBOX_BYTES`] for messages,
    /// [`REQUESTS`] for questions.
    #[error("Too much waits to be sent; wait a moment and send it again.")]
    Full,
    /// The connection was lost, and is being restored. Only questions are not
    /// queued then: after [`Event::Returned`] the answer may be another.
    #[error("The connection is being restored; try again in a moment.")]
    Away,
    /// The stay is over, or this side is leaving.
    #[error("You are not in the room any more; join again to send it.")]
    Over,
    /// The text does not fit into a frame of [`FRAME_LIMIT`] bytes, or an id that
    /// is not of the client's own making is empty or longer than
    /// [`MESSAGE_ID_LIMIT`] bytes.
    #[error("This message is too long; send it in several parts.")]
    TooLong,
}

/// A hand on a stay in a room; never blocks. All its clones are hands on the same
/// stay, and when the last one is dropped this side leaves the room.
#[derive(Clone, Debug)]
pub struct Client {
    hand: Arc<Hand>,
    ids: Arc<Ids>,
}

/// Leaves when it is dropped.
#[derive(Debug)]
struct Hand(Arc<Desk>);

impl Drop for Hand {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Client {
    /// Joins a room: begins to, and returns a hand on the stay and what will be
    /// heard of it.
    ///
    /// Whether it came to be is the first event. When `Client` or the receiver is
    /// dropped, this side leaves, or gives up to connect.
    #[must_use = "without its events and the hand on it, a stay ends"]
    pub fn connect(mut settings: Settings) -> (Self, Receiver<Event>) {
        let (events, events_queue) = async_channel::bounded(EVENTS);
        let mut outbox = Outbox::default();
        for (id, text) in std::mem::take(&mut settings.unsent) {
            let own = Own { id, text };
            if fits(&own) {
                outbox.push_old(own);
            } else {
                outbox.give_up(own);
            }
        }
        let desk = Arc::new(Desk::new(outbox));
        let ids = Ids::default();
        let life = Life {
            settings,
            desk: Arc::clone(&desk),
            events: events.clone(),
            seed: ids.random.hash_one(0),
        };
        let (last_word, closing) = (events.clone(), Arc::clone(&desk));
        let thread = std::thread::Builder::new()
            .name("client".to_owned())
            .spawn(move || {
                let end = run(life).unwrap_or_else(|error| not_begun(&error));
                // However long the listener takes to come to it.
                for own in closing.close() {
                    let _ = events.send_blocking(Event::unsent(own));
                }
                let _ = events.send_blocking(Event::Ended(end));
            });
        if let Err(error) = thread {
            desk.leave();
            let _ = last_word.try_send(Event::Ended(not_begun(&error)));
        }
        let client = Self {
            hand: Arc::new(Hand(desk)),
            ids: Arc::new(ids),
        };
        (client, events_queue)
    }

    /// Says something, as soon as this side is in the room and what was said
    /// before is sent. Returns the id by which its echo, an
    /// [error](Event::Error) about it, or that it is [given up](Event::Unsent), is
    /// known.
    ///
    /// # Errors
    /// If it cannot be queued; it will not be sent then.
    pub fn say(&self, text: &str) -> Result<String, NotQueued> {
        let id = self.ids.next();
        self.say_as(&id, text)?;
        Ok(id)
    }

    /// Says something again under the `id` that it had: what was
    /// [given up](Event::Unsent). A server that knows the id as said by the same
    /// member does not say it a second time, but tells [`Event::Said`]. Does
    /// nothing if it waits to be sent already.
    ///
    /// # Errors
    /// If it cannot be queued; it will not be sent then.
    pub fn say_as(&self, id: &str, text: &str) -> Result<(), NotQueued> {
        let (id, text) = (id.to_owned(), text.to_owned());
        let own = Own { id, text };
        if !fits(&own) {
            return Err(NotQueued::TooLong);
        }
        self.hand.0.say(own)
    }

    /// Asks for up to `limit` members with an id after `after`, or from the first
    /// on. The answer is an [`Event::Members`]; none comes if the connection is
    /// lost before it.
    ///
    /// # Errors
    /// If it cannot be queued.
    pub fn ask_members(&self, after: Option<MemberId>, limit: u64) -> Result<(), NotQueued> {
        let (after, limit) = (after.map(MemberId::get), Some(limit));
        self.ask(&Request::Members(MembersRequest { after, limit }))
    }

    /// Asks for up to `limit` messages before the one with the `seq` `before`, or
    /// for the newest. The answer is an [`Event::Page`]; none comes if the
    /// connection is lost before it.
    ///
    /// # Errors
    /// If it cannot be queued.
    pub fn ask_history(&self, before: Option<u64>, limit: u64) -> Result<(), NotQueued> {
        let limit = Some(limit);
        self.ask(&Request::History(HistoryRequest { before, limit }))
    }

    /// Tries to come back at once, if the connection was lost and this side waits
    /// to try again; else does nothing. For a person who does not want to wait,
    /// and for a program that knows the network to have returned.
    pub fn retry_now(&self) {
        self.hand.0.hurry();
    }

    /// When this side tries to come back next, while the connection is lost and it
    /// waits to try; `None` while it is connected, and while it tries.
    #[must_use]
    pub fn next_try(&self) -> Option<Instant> {
        self.hand.0.next_try()
    }

    /// Leaves: sends what is queued, says goodbye and, when the server has
    /// answered or [`Settings::leave_within`] is over, ends. Ends at once if there
    /// is no connection; to the others in the room, a member whose connection was
    /// lost then stays away until the server's patience is over.
    pub fn leave(&self) {
        self.hand.0.leave();
    }

    fn ask(&self, request: &Request<'_>) -> Result<(), NotQueued> {
        let mut line = Vec::new();
        write_frame(request, &mut line);
        self.hand.0.ask(line)
    }
}

/// Whether a message can be sent. A frame that is too long would end the
/// connection.
fn fits(own: &Own) -> bool {
    let mut line = Vec::new();
    let say = Say {
        id: Some(own.id.as_str().into()),
        text: own.text.as_str().into(),
    };
    write_frame(&Request::Say(say), &mut line);
    // The line break does not count.
    line.len() <= FRAME_LIMIT + 1 && (1..=MESSAGE_ID_LIMIT).contains(&own.id.len())
}

/// Runs a client on this thread, until its end.
fn run(life: Life) -> io::Result<End> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(SEARCHES)
        .build()?;
    let end = runtime.block_on(life.run());
    // The system may still look for the host; nobody waits for it.
    runtime.shutdown_background();
    Ok(end)
}

fn not_begun(error: &io::Error) -> End {
    End::NotBegun(error.to_string())
}

/// Ids for messages: no one else can guess one, and none returns in another run
/// of the program.
#[derive(Debug, Default)]
struct Ids {
    /// The standard library's way to random numbers that cannot fail.
    random: RandomState,
    last: AtomicU64,
}

impl Ids {
    fn next(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        // Every member is sent it: it is short.
        format!("{:016x}", self.random.hash_one(number))
    }
}
