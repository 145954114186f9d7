//! The room: who is in it and what was said, as pure state.
//!
//! Nothing in here does I/O or reads a clock; time comes in as an argument. What
//! happens is appended to a log, encoded by functions that the
//! [wire](crate::wire) hands in ([`Encoders`]), and readers follow with a
//! [`Cursor`].

mod event;
mod log;
mod members;
mod name;
mod rate;
mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use self::event::{Closing, Event, Gathered, MemberId, Why};
pub use self::log::{Cursor, Encoding, Gap, Retention, Slice};
pub use self::members::Member;
pub use self::name::{
    DEFAULT_NAME, Looks, NAME_LIMIT, ROOM_NAME_LIMIT, SERVER_NAME, clean_name, clean_room_name,
    name_or_default,
};
pub use self::rate::{Meter, Pace};
pub use self::text::{LINES_LIMIT, TEXT_LIMIT, TEXT_LIMIT_BYTES, clean_text, fits};

use self::log::Log;
use self::members::Members;
use self::text::is_blank;

/// Up to this many members each join and leave is told by itself; above, they
/// are gathered.
pub const SMALL_ROOM: usize = 100;

/// How long joins and leaves of a big room are gathered before they are told.
pub const GATHER_TIME: Duration = Duration::from_millis(250);

/// The most bytes of the id that a sender gives to its message.
pub const MESSAGE_ID_LIMIT: usize = 64;

/// How events are written for each door. A function appends exactly one entry:
/// it may be empty for the text door, and is one line for the native one.
#[derive(Clone, Copy, Debug)]
pub struct Encoders {
    /// For the native door.
    pub native: fn(&Event<'_>, &mut Vec<u8>),
    /// For the text door.
    pub text: fn(&Event<'_>, &mut Vec<u8>),
}

/// What a room holds its members to.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The most members at a time.
    pub max_members: usize,
    /// How fast each may speak.
    pub pace: Pace,
    /// How much of the past is held.
    pub retention: Retention,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_members: 10_000,
            pace: Pace::default(),
            retention: Retention::default(),
        }
    }
}

/// Why someone was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEntered {
    /// As many as may be are in the room.
    #[error("the room is full")]
    Full,
    /// The room was closed.
    #[error("the room is closed")]
    Closed(Closing),
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// Its sender speaks too fast.
    #[error("too fast")]
    TooFast {
        /// How long everything of this sender will be refused.
        retry: Duration,
    },
    /// It has more than [`TEXT_LIMIT`] characters or [`LINES_LIMIT`] lines.
    #[error("too long")]
    TooLong,
    /// Nothing is left of it.
    #[error("empty")]
    Empty,
    /// Its id is empty or longer than [`MESSAGE_ID_LIMIT`] bytes.
    #[error("unusable id")]
    BadId,
    /// The room was closed, or the sender left.
    #[error("closed")]
    Closed,
}

/// A newcomer's start.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its id.
    pub id: MemberId,
    /// The name it got.
    pub name: Arc<str>,
    /// Where it begins to read: behind its own join.
    pub cursor: Cursor,
    /// The `seq` of the next message.
    pub next_seq: u64,
    /// How many are in the room, the newcomer included.
    pub count: usize,
}

/// A room.
#[derive(Debug)]
pub struct Room {
    rules: Rules,
    encoders: Encoders,
    members: Members,
    log: Log,
    gathered: Option<Gathered>,
    ever_entered: bool,
    closed: Option<Closing>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(rules: Rules, encoders: Encoders) -> Self {
        Self {
            rules,
            encoders,
            members: Members::default(),
            log: Log::new(rules.retention),
            gathered: None,
            ever_entered: false,
            closed: None,
        }
    }

    /// The rules of the room.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes someone in, and tells everyone who was there before.
    ///
    /// # Errors
    /// If the room is full or closed.
    pub fn enter(
        &mut self,
        wanted: &str,
        door: Encoding,
        host: bool,
    ) -> Result<Entered, NotEntered> {
        if let Some(closing) = self.closed {
            return Err(NotEntered::Closed(closing));
        }
        // The host is let in always: without it there is nobody to close the room.
        if self.members.count() >= self.rules.max_members && !host {
            return Err(NotEntered::Full);
        }
        let (id, name) = self.members.enter(wanted, door, host);
        self.ever_entered = true;
        let count = self.members.count();
        if count > SMALL_ROOM {
            self.gathered
                .get_or_insert_default()
                .join(Arc::clone(&name));
        } else {
            self.tell_gathered();
            self.append(&Event::Joined {
                id,
                name: &name,
                host,
                count,
            });
        }
        let cursor = self.log.head();
        Ok(Entered {
            id,
            name,
            cursor,
            next_seq: self.log.next_seq(),
            count,
        })
    }

    /// Lets a member go, and tells everyone who stays. Nothing happens if it is
    /// gone already. Returns how many are left.
    pub fn leave(&mut self, id: MemberId, why: Why) -> usize {
        if let Some(member) = self.members.leave(id)
            && self.closed.is_none()
        {
            let count = self.members.count();
            if count >= SMALL_ROOM {
                self.gathered.get_or_insert_default().leave(member.name);
            } else {
                self.tell_gathered();
                self.append(&Event::Left {
                    id,
                    name: &member.name,
                    why,
                    count,
                });
            }
        }
        self.members.count()
    }

    /// Takes a message, and returns its `seq`.
    ///
    /// # Errors
    /// If it cannot be taken. Only a message that is neither empty nor too long
    /// counts towards the sender's pace.
    pub fn say(
        &mut self,
        from: MemberId,
        message_id: Option<&str>,
        text: &str,
        now: Instant,
        at: Timestamp,
    ) -> Result<u64, NotSaid> {
        if self.closed.is_some() {
            return Err(NotSaid::Closed);
        }
        let member = self.members.get_mut(from).ok_or(NotSaid::Closed)?;
        if message_id.is_some_and(|id| id.is_empty() || id.len() > MESSAGE_ID_LIMIT) {
            return Err(NotSaid::BadId);
        }
        let text = clean_text(text);
        if is_blank(&text) {
            return Err(NotSaid::Empty);
        }
        if !fits(&text) {
            return Err(NotSaid::TooLong);
        }
        member
            .meter
            .count(self.rules.pace, now)
            .map_err(|retry| NotSaid::TooFast { retry })?;
        let name = Arc::clone(&member.name);
        let seq = self.log.next_seq();
        self.append(&Event::Message {
            seq,
            at,
            from,
            name: &name,
            id: message_id,
            text: &text,
        });
        Ok(seq)
    }

    /// Tells everyone that the room is closed; nothing is taken afterwards. The
    /// first closing counts.
    pub fn close(&mut self, closing: Closing) {
        if self.closed.is_none() {
            self.tell_gathered();
            self.append(&Event::Closed(closing));
            self.closed = Some(closing);
        }
    }

    /// How the room was closed, if it was.
    #[must_use]
    pub const fn closed(&self) -> Option<Closing> {
        self.closed
    }

    /// Whether everyone who ever was here has left.
    #[must_use]
    pub fn is_deserted(&self) -> bool {
        self.ever_entered && self.members.count() == 0
    }

    /// Whether joins or leaves wait to be told: [`Room::tell_gathered`] must be
    /// called within [`GATHER_TIME`].
    #[must_use]
    pub const fn has_gathered(&self) -> bool {
        self.gathered.is_some()
    }

    /// Tells the joins and leaves that were gathered.
    pub fn tell_gathered(&mut self) {
        if let Some(mut gathered) = self.gathered.take() {
            gathered.count = self.members.count();
            self.append(&Event::Presence(&gathered));
        }
    }

    /// Who is in the room, in the order in which they came: all, or those with an
    /// id after `after`.
    pub fn members(&self, after: Option<MemberId>) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.after(after)
    }

    /// How many are in the room.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.count()
    }

    /// The `seq` that the next message gets.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.log.next_seq()
    }

    /// The `seq` of the oldest message held, or of the next one if none is.
    #[must_use]
    pub fn oldest_seq(&self) -> u64 {
        self.log.oldest_seq()
    }

    /// The end of the log.
    #[must_use]
    pub const fn head(&self) -> Cursor {
        self.log.head()
    }

    /// Whether there is something to read at `cursor`.
    #[must_use]
    pub fn is_behind(&self, cursor: Cursor) -> bool {
        cursor != self.log.head()
    }

    /// Reads the log: gives what there is at `cursor` to `into` and moves the
    /// cursor behind it, at most some hundred kilobytes at once.
    ///
    /// A cursor that fell out of the log is moved to the oldest entry held, and
    /// what it missed is returned; nothing is read then.
    pub fn read(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        into: &mut Vec<Slice>,
    ) -> Option<Gap> {
        self.log.read(cursor, encoding, into)
    }

    /// Messages of the past for the native door, from `seq` on and below `end`:
    /// each in a slice of its own, at most `bytes` bytes but one at least if
    /// there is one, and the `seq` after the last one.
    pub fn messages(&mut self, seq: u64, end: u64, bytes: usize) -> (Vec<Slice>, u64) {
        self.log.messages(seq, end, bytes)
    }

    fn append(&mut self, event: &Event<'_>) {
        let from = match event {
            Event::Message { from, .. } => Some(*from),
            _ => None,
        };
        let Encoders { native, text } = self.encoders;
        // Those of the text door are given no past: with none of them in the
        // room nobody will ever read this entry in their encoding.
        let text =
            (self.members.text_readers() > 0).then_some(|out: &mut Vec<u8>| text(event, out));
        self.log.append(from, |out| native(event, out), text);
    }
}
