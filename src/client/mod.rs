//! The client: one session in a room, over as many connections as it takes.
//!
//! [`Client::connect`] returns at once; a thread of the client's own does the rest. It
//! reports typed [`Event`]s over a bounded channel, for async and for blocking code:
//! first [`Event::Secured`] and [`Event::Welcomed`], last [`Event::Ended`], and then the
//! channel closes. A listener that takes them slowly slows down only its own connection.
//! [`listen`] passes them to a [`Listener`].
//!
//! # Coming back
//!
//! Once the client was in the room, a lost connection does not end its session. The
//! client reports [`Event::Interrupted`] and tries to come back, sooner at first and then
//! less and less often; at once when the computer's network changes, when the computer
//! wakes from sleep, and when [`Client::retry_now`] asks for it. When it succeeds, it
//! reports [`Event::Returned`], and then all messages that it missed. A service that
//! stops counts as a lost connection too. A room that closed, is full or rejects the
//! client ends the session.
//!
//! The client keeps its unconfirmed messages, also while the connection is lost, and
//! sends them again under the same ids and in the same order: nothing is missing and
//! nothing appears twice. If nobody can know whether the server accepted a message, the
//! client does not send it again but reports it as [`Event::Unsent`]. When the session
//! ends, it does so for every message that waits. The client keeps to the rate that the
//! server allows, and sends again what came too fast all the same.
//!
//! # Trust
//!
//! The client encrypts with TLS, unless [`Settings::encryption`] says otherwise. Only a
//! server of which nothing is known, and that does not speak TLS, is asked again without;
//! [`Event::Secured`] says so.
//!
//! A server is known by the pin of its certificate. The client expects the pin in the
//! settings, that of its session, or the one that it remembers for the name of a host or a
//! public address ([`KnownRooms`]); another server is told nothing
//! ([`End::OtherIdentity`]). Without an expectation, the client asks for the name of the
//! room first: that of a known server is another identity too. A key is never sent: the
//! client proves that it knows it, and the server has to prove the same
//! ([`End::NotProven`]). [`Settings::resume`] and [`Settings::unsent`] go only to the
//! server that they come from, so they need its pin, or a server that is known at that
//! address; otherwise the client joins as a new member, and reports the messages as
//! [`Event::Unsent`].
//!
//! To accept another identity, connect again with the pin that was found: on the welcome,
//! the client forgets the other one for that room and that host.
//!
//! # Listening
//!
//! The receiver of the events is an async channel of [`EVENTS`] places: a program with a
//! main loop of its own (that of a desktop app, for example) takes them in a task of that loop, and
//! nothing blocks it. A program without one gives [`listen`] an object that listens: its
//! [`Listener::message`] gets each message, its [`Listener::closed`] the end. One that
//! defines neither, such as [`Printing`], prints them.
//!
//! # Tracing
//!
//! The client tells the subscriber of the program, if there is one (crate `tracing`), that
//! it is connecting, connected, interrupted, returned and ended. Neither texts nor names
//! nor secrets are in there.
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
mod context;
mod end;
mod event;
#[cfg(all(any(test, feature = "fuzzing"), feature = "cli"))]
pub(crate) mod fuzzing;
mod greeting;
mod inbox;
mod known_rooms;
mod link;
mod listener;
mod outbox;
mod rate_limit;
mod resume_state;
mod send_queue;
mod settings;
mod silence;
mod supervisor;
#[cfg(test)]
mod tests;
mod tls;
mod trust;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_channel::Receiver;

use crate::protocol::FRAME_LIMIT;
use crate::protocol::native::frame::{
    Erase, HistoryRequest, InviteRequest, Kick, MakeHost, MembersRequest, Mute, Request, Say, Slow,
    write_frame,
};
use crate::room::{MESSAGE_ID_LIMIT, MemberId};

pub use self::connection::NOTICE_KNOWN_ROOMS;
pub use self::end::{End, Loss};
pub use self::event::{Event, Security, Trust};
pub use self::inbox::{JUNK_LIMIT, SERVER_FRAME_LIMIT};
pub use self::known_rooms::{KNOWN_NAMES, KNOWN_SERVERS, KnownRooms, KnownRoomsError, KnownServer};
pub use self::listener::{Listener, Printing, listen, write_lines, write_message};
pub use self::settings::{Encryption, Resume, Settings};

use self::context::Context;
use self::outbox::{Outbox, Own};
use self::send_queue::SendQueue;
use self::supervisor::Supervisor;
use self::tls::Tls;
use self::trust::TrustStore;

/// The most events that wait for the listener; with more, the client stops reading.
pub const EVENTS: usize = 256;

/// The most requests that wait to be sent.
pub const REQUESTS: usize = 64;

/// The most unconfirmed messages.
pub const OUTBOX_MESSAGES: usize = 256;

/// The most bytes of them, ids and texts together.
pub const OUTBOX_BYTES: usize = 1 << 20;

/// The most look-ups of the host at once: nobody can stop a look-up that is no longer
/// needed.
const SEARCHES: usize = 4;

/// Why the client did not queue a message or a request. It was not sent, and the
/// connection goes on if it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// The queue is full: [`OUTBOX_MESSAGES`] or [`OUTBOX_BYTES`] for messages,
    /// [`REQUESTS`] for requests.
    #[error("Too much waits to be sent; wait a moment and send it again.")]
    Full,
    /// The connection is lost, and the client is restoring it. Only requests are not
    /// queued then: after [`Event::Returned`] the answer may be another one.
    #[error("The connection is being restored; try again in a moment.")]
    Away,
    /// The session is over, or the client is leaving.
    #[error("You are not in the room any more; join again to send it.")]
    Over,
    /// The text does not fit into a frame of [`FRAME_LIMIT`] bytes, or an id that
    /// is not of the client's own making is empty or longer than
    /// [`MESSAGE_ID_LIMIT`] bytes.
    #[error("This message is too long; send it in several parts.")]
    TooLong,
}

/// A handle to a session in a room; never blocks. All its clones belong to the same
/// session. When the last one is dropped, the client leaves the room.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
    ids: Arc<Ids>,
}

/// Leaves when it is dropped.
#[derive(Debug)]
struct Handle(Arc<SendQueue>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Client {
    /// Begins to join a room, and returns a handle to the session and the receiver of its
    /// events.
    ///
    /// The first event says whether the client got in. When `Client` or the receiver is
    /// dropped, the client leaves, or gives up connecting.
    #[must_use = "without its events and the handle, the session ends"]
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
        let send_queue = Arc::new(SendQueue::new(outbox));
        let ids = Ids::default();
        let context = Context {
            settings,
            send_queue: Arc::clone(&send_queue),
            events: events.clone(),
        };
        let seed = ids.random.hash_one(0);
        let (last_word, closing) = (events.clone(), Arc::clone(&send_queue));
        let thread = std::thread::Builder::new()
            .name("client".to_owned())
            .spawn(move || {
                let end = run(context, seed).unwrap_or_else(|error| not_begun(&error));
                tracing::info!(why = end.kind(), "ended");
                // This waits however long the listener takes.
                for own in closing.close() {
                    let _ = events.send_blocking(Event::unsent(own));
                }
                let _ = events.send_blocking(Event::Ended(end));
            });
        if let Err(error) = thread {
            send_queue.leave();
            let _ = last_word.try_send(Event::Ended(not_begun(&error)));
        }
        let client = Self {
            handle: Arc::new(Handle(send_queue)),
            ids: Arc::new(ids),
        };
        (client, events_queue)
    }

    /// Sends a message, as soon as the client is in the room and has sent the earlier
    /// ones. Returns the message's id: its echo, an [error](Event::Error) about it, and
    /// [`Event::Unsent`] have the same id.
    ///
    /// # Errors
    /// If the client cannot queue the message; it will not send it then.
    pub fn say(&self, text: &str) -> Result<String, NotQueued> {
        let id = self.ids.next();
        self.say_as(&id, text)?;
        Ok(id)
    }

    /// Sends a message that was [given up](Event::Unsent) again, under the same `id`. If
    /// the server knows the id from the same member, it does not send the message to the
    /// room again, and the client reports [`Event::Said`]. Does nothing if the message
    /// waits to be sent already.
    ///
    /// # Errors
    /// If the client cannot queue the message; it will not send it then.
    pub fn say_as(&self, id: &str, text: &str) -> Result<(), NotQueued> {
        let (id, text) = (id.to_owned(), text.to_owned());
        let own = Own { id, text };
        if !fits(&own) {
            return Err(NotQueued::TooLong);
        }
        self.handle.0.say(own)
    }

    /// Requests up to `limit` members with an id greater than `after`, or the first ones.
    /// The answer is an [`Event::Members`]; none comes if the connection is lost before.
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn ask_members(&self, after: Option<MemberId>, limit: u64) -> Result<(), NotQueued> {
        let (after, limit) = (after.map(MemberId::get), Some(limit));
        self.ask(&Request::Members(MembersRequest { after, limit }))
    }

    /// Requests up to `limit` messages before the one with the `seq` `before`, or the
    /// newest. The answer is an [`Event::Page`]; none comes if the connection is lost
    /// before.
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn ask_history(&self, before: Option<u64>, limit: u64) -> Result<(), NotQueued> {
        let limit = Some(limit);
        self.ask(&Request::History(HistoryRequest { before, limit }))
    }

    /// Removes a member, and keeps its address out for `ban`. Only the host may do that,
    /// and this. The answer is an [`Event::Kicked`], or an [`Event::Error`].
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn kick(&self, id: MemberId, ban: Option<Duration>) -> Result<(), NotQueued> {
        let ban_s = ban.map(seconds);
        self.ask(&Request::Kick(Kick { id, ban_s }))
    }

    /// Rejects the messages of a member from now on for this long; zero lifts it. The
    /// answer is an [`Event::Muted`].
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn mute(&self, id: MemberId, time: Duration) -> Result<(), NotQueued> {
        let for_s = seconds(time);
        self.ask(&Request::Mute(Mute { id, for_s }))
    }

    /// Sets the time between two messages of each member; zero lifts it. The answer is an
    /// [`Event::Limits`], for everyone.
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn slow(&self, every: Duration) -> Result<(), NotQueued> {
        let every_s = seconds(every);
        self.ask(&Request::Slow(Slow { every_s }))
    }

    /// Erases the text of the message with this `seq`, which the user wrote or may erase
    /// as the host. The answer is an [`Event::Erased`], for everyone.
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn erase(&self, seq: u64) -> Result<(), NotQueued> {
        self.ask(&Request::Erase(Erase { seq }))
    }

    /// Makes a member the host, instead of the user. The answer is an [`Event::Host`], for
    /// everyone.
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn make_host(&self, id: MemberId) -> Result<(), NotQueued> {
        self.ask(&Request::Host(MakeHost { id }))
    }

    /// Requests an invitation; if it is to be a `new` one, earlier ones let nobody in any
    /// more. The answer is an [`Event::Invite`].
    ///
    /// # Errors
    /// If the client cannot queue the request.
    pub fn invite(&self, new: bool) -> Result<(), NotQueued> {
        self.ask(&Request::Invite(InviteRequest { new }))
    }

    /// Tries to come back at once, if the connection is lost and the client waits for its
    /// next try; otherwise does nothing. For a user who does not want to wait, and for a
    /// program that knows that the network has returned.
    pub fn retry_now(&self) {
        self.handle.0.hurry();
    }

    /// The time of the next try to come back, while the connection is lost and the client
    /// waits; `None` while it is connected, and while it tries.
    #[must_use]
    pub fn next_try(&self) -> Option<Instant> {
        self.handle.0.next_try()
    }

    /// Leaves: sends the queued messages, says goodbye and ends when the server has
    /// answered or [`Settings::leave_within`] is over. Ends at once if there is no
    /// connection. Then the others see a member whose connection was lost, who stays away
    /// until the grace time is over.
    pub fn leave(&self) {
        self.handle.0.leave();
    }

    fn ask(&self, request: &Request<'_>) -> Result<(), NotQueued> {
        let mut line = Vec::new();
        write_frame(request, &mut line);
        self.handle.0.ask(line)
    }
}

/// The time in whole seconds, rounded up: only zero is 0.
const fn seconds(time: Duration) -> u64 {
    let more = if time.subsec_nanos() > 0 { 1 } else { 0 };
    time.as_secs().saturating_add(more)
}

/// Whether the client can send the message. A frame that is too long would end the
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
fn run(context: Context, seed: u64) -> io::Result<End> {
    let supervisor = Supervisor {
        context,
        seed,
        tls: Tls::new()?,
        trusts: TrustStore::default(),
        trouble: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(SEARCHES)
        .build()?;
    let end = runtime.block_on(supervisor.run());
    // The system may still look the host up; nobody waits for it.
    runtime.shutdown_background();
    Ok(end)
}

fn not_begun(error: &io::Error) -> End {
    End::NotBegun(error.to_string())
}

/// Ids for messages: nobody else can guess one, and none comes again in another run of
/// the program.
#[derive(Debug, Default)]
struct Ids {
    /// The standard library's source of random numbers that cannot fail.
    random: RandomState,
    last: AtomicU64,
}

impl Ids {
    fn next(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        // Short, because the server sends it to every member.
        format!("{:016x}", self.random.hash_one(number))
    }
}
