//! The room: its members and entries, as pure state.
//!
//! A room is a state machine. Everything that changes it is a [`Command`]: plain data
//! with the time and all other chance in it. Nothing in here does I/O, reads a clock or
//! draws random numbers; the secrets of a room follow from its [`Seed`]. So rooms with the
//! same seed that apply the same commands are the same.
//!
//! The room appends events to a log, encoded by functions that the
//! [protocols](crate::protocol) provide ([`Encodings`]), and readers follow with a
//! [`Cursor`].

mod access;
mod activity;
mod attachment;
mod bans;
mod character;
#[cfg(test)]
mod codec;
mod command;
mod draft;
mod durable;
mod entry;
mod erasure;
mod event;
mod key;
mod keys;
mod log;
mod members;
#[cfg(test)]
mod model;
mod moderation;
mod name;
mod names;
mod network;
mod outcome;
mod rate;
mod recent_ids;
mod record;
#[cfg(test)]
mod replay;
mod resumptions;
mod rules;
mod seed;
#[cfg(test)]
mod testing;
mod text;
mod time;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

pub use self::attachment::{Lease, TokenHash};
pub use self::bans::{BANS_LIMIT, Ban, Banned, NotBanned, Unban};
pub use self::command::{
    Announce, Change, Close, Command, Enter, Expire, Leave, Lose, Outcome, Resume, Say, SetRules,
};
pub use self::draft::Draft;
pub use self::durable::{Absent, Reached, Staged};
pub use self::entry::{Author, Body, Entry, MemberId};
pub use self::erasure::{Erase, Eraser, NotErased};
pub use self::event::{Closing, Event, PresenceBatch, Why};
pub use self::key::{KEY_BYTES, NotAKey, RoomKey};
pub use self::keys::{Keys, SetKeys};
pub use self::log::{
    Cursor, Decoder, Encoder, EncodingId, Encodings, Gap, Retention, Slice, split,
};
pub use self::members::{Listed, Member, Page};
pub use self::moderation::{
    Fate, MakeHost, Mute, NoSuchMember, NotMadeHost, NotMuted, Remove, Removed, Slow,
};
pub use self::name::{
    ConfusableKey, DEFAULT_NAME, NAME_LIMIT, ROOM_NAME_LIMIT, SERVER_NAME, WantedName, clean_name,
    clean_room_name, name_or_default,
};
pub use self::network::Network;
pub use self::outcome::{Coming, Entered, Expired, NotEntered, NotResumed, NotSaid, Parting, Said};
pub use self::rate::{Meter, RateLimit};
pub use self::recent_ids::RECENT_IDS;
pub use self::record::Record;
pub use self::rules::{GATHER_TIME, GRACE, MESSAGE_ID_LIMIT, Rules, SMALL_ROOM};
pub use self::seed::Seed;
pub use self::text::{LINES_LIMIT, TEXT_LIMIT, TEXT_LIMIT_BYTES, clean_text, fits};
pub use self::time::Time;

use self::bans::Bans;
use self::durable::Batch;
use self::log::Log;
use self::members::Members;
use self::moderation::Revoked;
use self::recent_ids::IdHasher;
use self::resumptions::Resumptions;

/// A room.
#[derive(Debug)]
pub struct Room {
    rules: Rules,
    members: Members,
    resumptions: Resumptions,
    revoked: Revoked,
    bans: Bans,
    keys: Keys,
    /// The least time between two messages of a member who is no host.
    slow: Duration,
    ids: IdHasher,
    log: Log,
    /// The number of messages since it was opened.
    said: u64,
    /// The records that are not stored yet, in a room with a store.
    batch: Option<Batch>,
    gathered: Option<PresenceBatch>,
    ever_entered: bool,
    closed: Option<Closing>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(rules: Rules, encodings: Encodings, seed: Seed) -> Self {
        Self {
            rules,
            members: Members::new(seed),
            resumptions: Resumptions::default(),
            revoked: Revoked::default(),
            bans: Bans::default(),
            keys: Keys::default(),
            slow: Duration::ZERO,
            ids: IdHasher::new(seed),
            log: Log::new(encodings, rules.retention),
            said: 0,
            batch: None,
            gathered: None,
            ever_entered: false,
            closed: None,
        }
    }

    /// Applies a command, and returns its outcome for whoever gave it; everyone else
    /// learns of it from the log. Only this changes what members share; reading the log,
    /// staging and publishing leave it as it is.
    pub fn apply<C: Change>(&mut self, command: C) -> C::Outcome {
        command.change(self)
    }

    /// The rules of the room.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    const fn set_rules(&mut self, command: SetRules) {
        self.rules = Rules {
            retention: self.rules.retention,
            ..command.rules
        };
    }

    fn enter(&mut self, command: Enter) -> Result<Entered, NotEntered> {
        let Enter {
            wanted,
            encoding,
            host,
            token,
        } = command;
        if let Some(closing) = self.closed {
            return Err(NotEntered::Closed(closing));
        }
        // The host can always join: without it nobody can close the room.
        if self.members.count() >= self.rules.max_members && !host {
            return Err(NotEntered::Full);
        }
        let (lease, name) = self.members.enter(&wanted, encoding, host, token);
        let id = lease.id;
        self.log.add_reader(encoding);
        self.resumptions.begin(token, id);
        self.ever_entered = true;
        self.record(|| Record::Entered {
            id,
            name: Arc::clone(&name),
            host,
            token,
        });
        let count = self.members.count();
        if count > SMALL_ROOM {
            self.gathered
                .get_or_insert_default()
                .join(Arc::clone(&name));
        } else {
            self.announce_now();
            self.log.append(&Event::Joined {
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

    fn leave(&mut self, command: Leave) -> Option<Parting> {
        let Leave { lease, why } = command;
        self.members.held(lease)?;
        self.let_go(lease.id, why)?;
        let count = self.members.count();
        Some(Parting::Left { count })
    }

    /// Removes a member, and returns its name.
    fn let_go(&mut self, id: MemberId, why: Why) -> Option<Arc<str>> {
        let member = self.members.leave(id)?;
        self.log.remove_reader(member.encoding);
        self.resumptions.end(id, &member.attachment);
        self.record(|| Record::Left { id });
        if self.closed.is_none() {
            let count = self.members.count();
            // A big room learns at once, too, that someone was removed.
            if count >= SMALL_ROOM && why != Why::Removed {
                let name = Arc::clone(&member.name);
                self.gathered.get_or_insert_default().leave(name);
            } else {
                self.announce_now();
                self.log.append(&Event::Left {
                    id,
                    name: &member.name,
                    why,
                    count,
                });
            }
        }
        Some(member.name)
    }

    fn say(&mut self, command: Say<'_>) -> Result<Said, NotSaid> {
        let Say {
            lease,
            draft,
            at,
            time,
        } = command;
        if self.closed.is_some() {
            return Err(NotSaid::Closed);
        }
        let member = self.members.held_mut(lease).ok_or(NotSaid::LeaseOver)?;
        let message_id = draft.id()?;
        let id_hash = message_id.map(|id| self.ids.hash(id));
        if let Some(seq) = id_hash.and_then(|id| member.said(id)) {
            return Ok(Said::Before(seq));
        }
        let text = draft.text()?;
        if let Some(retry) = member.muted_for(time) {
            return Err(NotSaid::Muted { retry });
        }
        let spoke = member.activity().and_then(|it| it.spoke);
        if !self.slow.is_zero()
            && !member.host
            && let Some(next) = spoke.map(|last| last + self.slow)
            && time < next
        {
            let retry = next - time;
            return Err(NotSaid::TooFast { retry });
        }
        let seq = self.log.next_seq();
        let activity = member.activity_mut();
        activity
            .meter
            .count(self.rules.rate_limit, time)
            .map_err(|retry| NotSaid::TooFast { retry })?;
        activity.spoke = activity.spoke.max(Some(time));
        if let Some(id) = id_hash {
            activity.recent.add(id, seq);
        }
        let name = Arc::clone(&member.name);
        let entry = Entry {
            seq,
            at,
            author: Author::member(lease.id, &*name),
            body: Body::Text {
                id: message_id.map(Cow::Borrowed),
                text: Cow::Borrowed(text),
            },
        };
        self.record(|| Record::Entry(entry.clone().into_owned()));
        self.log.append(&Event::Entry(entry));
        self.said += 1;
        Ok(Said::New(seq))
    }

    fn close(&mut self, command: Close) {
        let closing = command.closing;
        if self.closed.is_none() {
            self.announce_now();
            if closing == Closing::ForGood {
                self.record(|| Record::Closed);
            }
            self.log.append(&Event::Closed(closing));
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

    /// Whether joins and leaves wait to be announced: the caller must
    /// [announce](Announce) them within [`GATHER_TIME`].
    #[must_use]
    pub const fn has_gathered(&self) -> bool {
        self.gathered.is_some()
    }

    fn announce(&mut self, _: Announce) {
        self.announce_now();
    }

    /// Announces the collected joins and leaves.
    fn announce_now(&mut self) {
        if let Some(mut gathered) = self.gathered.take() {
            gathered.count = self.members.count();
            gathered.away = self.resumptions.away();
            self.log.append(&Event::Presence(&gathered));
        }
    }

    /// The member with this id.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(id)
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
        self.resumptions.away()
    }

    /// The number of members in the room, including absent ones.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.count()
    }

    /// The number of messages that were accepted since the room was opened.
    #[must_use]
    pub const fn said(&self) -> u64 {
        self.said
    }

    /// The `seq` of the next lasting entry.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.log.next_seq()
    }

    /// The `seq` of the oldest lasting entry held, or of the next one if there is none.
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
        encoding: EncodingId,
        into: &mut Vec<Slice>,
    ) -> Option<Gap> {
        self.log.read(cursor, encoding, into)
    }

    /// Past entries, from `seq` on and below `end`, in the encoding of the history: each in
    /// a slice of its own, at most `bytes` bytes but at least one if there is one, and the
    /// `seq` after the last one.
    pub fn lasting(&mut self, seq: u64, end: u64, bytes: usize) -> (Vec<Slice>, u64) {
        self.log.lasting(seq, end, bytes)
    }
}
