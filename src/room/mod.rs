//! The room: its members and messages, as pure state.
//!
//! Nothing in here does I/O or reads a clock; the time is an argument. The room appends
//! events to a log, encoded by functions that the [wire](crate::protocol) provides
//! ([`Encoders`]), and readers follow with a [`Cursor`].

mod character;
mod draft;
mod durable;
mod entry;
mod event;
mod log;
mod members;
#[cfg(test)]
mod model;
mod name;
mod names;
mod rate;
mod record;
mod said;
mod sessions;
mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use self::draft::Draft;
pub use self::durable::{Absent, Reached, Staged};
pub use self::entry::{Author, Body, Entry};
pub use self::event::{Closing, Event, Gathered, MemberId, Why};
pub use self::log::{Cursor, Encoding, Gap, Retention, Slice, split};
pub use self::members::{Listed, Member, Page};
pub use self::name::{
    DEFAULT_NAME, Looks, NAME_LIMIT, ROOM_NAME_LIMIT, SERVER_NAME, WantedName, clean_name,
    clean_room_name, name_or_default,
};
pub use self::rate::{Meter, Pace};
pub use self::record::Record;
pub use self::said::SAID_LIMIT;
pub use self::sessions::{Expired, Lease, NotResumed, Parting, SessionKey};
pub use self::text::{LINES_LIMIT, TEXT_LIMIT, TEXT_LIMIT_BYTES, clean_text, fits};

use self::durable::Records;
use self::log::Log;
use self::members::Members;
use self::said::IdHasher;
use self::sessions::Sessions;

/// Up to this many members, the room announces each join and leave separately; above, it
/// collects them.
pub const SMALL_ROOM: usize = 100;

/// The time for which a big room collects joins and leaves before it announces them.
pub const GATHER_TIME: Duration = Duration::from_millis(250);

/// The most bytes of the id that a sender gives to its message.
pub const MESSAGE_ID_LIMIT: usize = 64;

/// The default time that a member whose connection was lost has to come back (see
/// [`Rules::grace`]).
pub const GRACE: Duration = Duration::from_mins(1);

/// The encoding of events for each door. A function appends exactly one entry: for the
/// text door it may be empty, for the native one it is one line.
#[derive(Clone, Copy, Debug)]
pub struct Encoders {
    /// For the native door.
    pub native: fn(&Event<'_>, &mut Vec<u8>),
    /// For the text door.
    pub text: fn(&Event<'_>, &mut Vec<u8>),
}

/// The rules of a room for its members.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The most members at a time.
    pub max_members: usize,
    /// The rate limit of messages for each member.
    pub pace: Pace,
    /// The limits of the history in memory.
    pub retention: Retention,
    /// The time that a member whose connection was lost has to come back; with zero, it
    /// leaves at once.
    pub grace: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_members: 10_000,
            pace: Pace::default(),
            retention: Retention::default(),
            grace: GRACE,
        }
    }
}

/// The reason why someone could not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEntered {
    /// The number of members has reached its limit.
    #[error("the room is full")]
    Full,
    /// The room was closed.
    #[error("the room is closed")]
    Closed(Closing),
}

/// The reason why the room rejected a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// Its sender sends too fast.
    #[error("too fast")]
    TooFast {
        /// The time for which the room will reject all messages of this sender.
        retry: Duration,
    },
    /// It has more than [`TEXT_LIMIT`] characters or [`LINES_LIMIT`] lines.
    #[error("too long")]
    TooLong,
    /// It has no visible characters.
    #[error("empty")]
    Empty,
    /// Its id is empty or longer than [`MESSAGE_ID_LIMIT`] bytes.
    #[error("unusable id")]
    BadId,
    /// The room was closed.
    #[error("closed")]
    Closed,
    /// The sender has left, or another connection has taken the member over.
    #[error("the lease is over")]
    LeaseOver,
}

/// The result for an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The room sent it, with this `seq`.
    New(u64),
    /// Its sender has already sent it, with the same id and this `seq`; the room does not
    /// send it again.
    Before(u64),
}

/// The starting state of a connection that has joined or resumed.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its right to act for the member, and the member's id.
    pub lease: Lease,
    /// The member's name.
    pub name: Arc<str>,
    /// Whether this member hosts the room.
    pub host: bool,
    /// How it joined.
    pub coming: Coming,
    /// The cursor where it begins to read: after its own join or return.
    pub cursor: Cursor,
    /// The `seq` of the next message.
    pub next_seq: u64,
    /// The number of members in the room, including itself.
    pub count: usize,
}

/// How a connection joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coming {
    /// As a new member.
    New,
    /// As a member that was away.
    Back,
    /// By taking a member over from another connection, whose lease is over.
    Instead,
}

/// A room.
#[derive(Debug)]
pub struct Room {
    rules: Rules,
    encoders: Encoders,
    members: Members,
    sessions: Sessions,
    ids: IdHasher,
    log: Log,
    /// The records that are not stored yet, in a room with a store.
    records: Option<Records>,
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
            sessions: Sessions::default(),
            ids: IdHasher::default(),
            log: Log::new(rules.retention),
            records: None,
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

    /// Applies other rules from now on; the limits of the history in memory stay as they
    /// are.
    pub const fn set_rules(&mut self, rules: Rules) {
        self.rules = Rules {
            retention: self.rules.retention,
            ..rules
        };
    }

    /// Adds a new member, and notifies everyone who was there before. With a session, the
    /// member can come back.
    ///
    /// # Errors
    /// If the room is full or closed.
    pub fn enter(
        &mut self,
        wanted: &WantedName,
        door: Encoding,
        host: bool,
        session: Option<SessionKey>,
    ) -> Result<Entered, NotEntered> {
        if let Some(closing) = self.closed {
            return Err(NotEntered::Closed(closing));
        }
        // The host can always join: without it nobody can close the room.
        if self.members.count() >= self.rules.max_members && !host {
            return Err(NotEntered::Full);
        }
        let (lease, name) = self.members.enter(wanted, door, host, session);
        let id = lease.id;
        self.sessions.begin(session, id);
        self.ever_entered = true;
        self.note(|| Record::Entered {
            id,
            name: Arc::clone(&name),
            host,
            session,
        });
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
        Ok(self.entered(lease, name, host, Coming::New))
    }

    fn entered(&self, lease: Lease, name: Arc<str>, host: bool, coming: Coming) -> Entered {
        Entered {
            lease,
            name,
            host,
            coming,
            cursor: self.log.head(),
            next_seq: self.log.next_seq(),
            count: self.members.count(),
        }
    }

    /// Removes a member for good, and notifies everyone who stays. `None` if it has
    /// already left, or another connection has taken it over.
    pub fn leave(&mut self, lease: Lease, why: Why) -> Option<Parting> {
        self.members.held(lease)?;
        self.let_go(lease.id, why)?;
        let count = self.members.count();
        Some(Parting::Left { count })
    }

    /// Removes a member, and returns its name.
    fn let_go(&mut self, id: MemberId, why: Why) -> Option<Arc<str>> {
        let member = self.members.leave(id)?;
        self.sessions.end(id, &member.seat);
        self.note(|| Record::Left { id });
        if self.closed.is_none() {
            let count = self.members.count();
            if count >= SMALL_ROOM {
                let name = Arc::clone(&member.name);
                self.gathered.get_or_insert_default().leave(name);
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
        Some(member.name)
    }

    /// Accepts a message, unless its sender has already sent it.
    ///
    /// # Errors
    /// If the room rejects it. Only a message that is neither empty nor too long counts
    /// towards the sender's rate.
    pub fn say(
        &mut self,
        from: Lease,
        draft: &Draft<'_>,
        now: Instant,
        at: Timestamp,
    ) -> Result<Said, NotSaid> {
        if self.closed.is_some() {
            return Err(NotSaid::Closed);
        }
        let member = self.members.held_mut(from).ok_or(NotSaid::LeaseOver)?;
        let message_id = draft.id()?;
        let id_hash = message_id.map(|id| self.ids.hash(id));
        if let Some(seq) = id_hash.and_then(|id| member.seat.said(id)) {
            return Ok(Said::Before(seq));
        }
        let text = draft.text()?;
        member
            .meter
            .count(self.rules.pace, now)
            .map_err(|retry| NotSaid::TooFast { retry })?;
        let name = Arc::clone(&member.name);
        let seq = self.log.next_seq();
        if let Some(id) = id_hash {
            member.seat.say(id, seq);
        }
        self.note(|| Record::Message {
            seq,
            at,
            from: from.id,
            name: Arc::clone(&name),
            id: message_id.map(Into::into),
            text: text.into(),
        });
        self.append(&Event::Message {
            seq,
            at,
            from: from.id,
            name: &name,
            id: message_id,
            text,
        });
        Ok(Said::New(seq))
    }

    /// Notifies everyone that the room is closed; it accepts nothing afterwards. Only the
    /// first call has an effect.
    pub fn close(&mut self, closing: Closing) {
        if self.closed.is_none() {
            self.tell_gathered();
            if closing == Closing::ForGood {
                self.note(|| Record::Closed);
            }
            self.append(&Event::Closed(closing));
            self.closed = Some(closing);
        }
    }

    /// How the room was closed, if it was.
    #[must_use]
    pub const fn closed(&self) -> Option<Closing> {
        self.closed
    }

    /// Whether everyone who ever joined has left; an absent member has not.
    #[must_use]
    pub fn is_deserted(&self) -> bool {
        self.ever_entered && self.members.count() == 0
    }

    /// Whether joins and leaves wait to be announced: the caller must call
    /// [`Room::tell_gathered`] within [`GATHER_TIME`].
    #[must_use]
    pub const fn has_gathered(&self) -> bool {
        self.gathered.is_some()
    }

    /// Announces the collected joins and leaves.
    pub fn tell_gathered(&mut self) {
        if let Some(mut gathered) = self.gathered.take() {
            gathered.count = self.members.count();
            gathered.away = self.sessions.away();
            self.append(&Event::Presence(&gathered));
        }
    }

    /// The members, in the order in which they joined: all, or those with an id after
    /// `after`.
    pub fn members(&self, after: Option<MemberId>) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.after(after)
    }

    /// The first `limit` members with an id after `after`, in the order in which they
    /// joined.
    #[must_use]
    pub fn list(&self, after: Option<MemberId>, limit: usize) -> Page {
        self.members.list(after, limit)
    }

    /// The number of absent members.
    #[must_use]
    pub fn away(&self) -> usize {
        self.sessions.away()
    }

    /// The number of members in the room, including absent ones.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.count()
    }

    /// The `seq` of the next message.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.log.next_seq()
    }

    /// The `seq` of the oldest message held, or of the next one if there is none.
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
    pub const fn is_behind(&self, cursor: Cursor) -> bool {
        cursor.is_before(self.log.readable())
    }

    /// Reads the log: adds the entries at `cursor` to `into` and moves the cursor past
    /// them, at most some hundred kilobytes at once.
    ///
    /// If the cursor has fallen out of the log, this moves it to the oldest entry held,
    /// reads nothing, and returns the gap.
    pub fn read(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        into: &mut Vec<Slice>,
    ) -> Option<Gap> {
        self.log.read(cursor, encoding, into)
    }

    /// Past messages for the native door, from `seq` on and below `end`: each in a slice
    /// of its own, at most `bytes` bytes but at least one if there is one, and the `seq`
    /// after the last one.
    pub fn messages(&mut self, seq: u64, end: u64, bytes: usize) -> (Vec<Slice>, u64) {
        self.log.messages(seq, end, bytes)
    }

    fn append(&mut self, event: &Event<'_>) {
        let from = match event {
            Event::Message { from, .. } => Some(*from),
            _ => None,
        };
        let Encoders { native, text } = self.encoders;
        // The text door gets no past messages: with no member of it in the room, nobody
        // will ever read this entry in that encoding.
        let text =
            (self.members.text_readers() > 0).then_some(|out: &mut Vec<u8>| text(event, out));
        self.log.append(from, |out| native(event, out), text);
    }
}
