//! A room that outlives its server: the room records its events, and publishes each when
//! its record is on disk.

use std::sync::Arc;
use std::time::Duration;

use super::attachment::TokenHash;
use super::log::{Cursor, Encodings, Log};
use super::{Ban, Closing, Entry, Event, Keys, MemberId, Record, Room, Rules, Seed, Time, Why};

/// A member who was in a room when its server ended.
#[derive(Clone, Debug)]
pub struct Absent {
    /// Its id.
    pub id: MemberId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether this member hosts the room.
    pub host: bool,
    /// The hash of the token by which it can come back.
    pub token: TokenHash,
    /// Until when it is muted, if it is.
    pub muted: Option<Time>,
}

/// A group of records to store, which can then be published.
#[derive(Debug)]
pub struct Staged {
    /// The records, in order.
    pub records: Vec<Record>,
    /// The point up to which events can be published when these are stored.
    pub end: Reached,
}

/// A point in the sequence of a room's events, including those that have no entry in its
/// log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    cursor: Cursor,
    /// The number of records so far.
    records: u64,
}

/// Batch that are not stored yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    unstaged: Vec<Record>,
    /// The number of records so far.
    count: u64,
    /// The number of stored records.
    stored: u64,
}

impl Room {
    /// An empty room that continues with the lasting entry `seq`; members have had ids up
    /// to `last_member`.
    #[must_use]
    pub fn going_on(
        rules: Rules,
        encodings: Encodings,
        seed: Seed,
        seq: u64,
        last_member: u64,
    ) -> Self {
        let mut room = Self::new(rules, encodings, seed);
        room.log = Log::starting_at(seq, encodings, rules.retention);
        room.members.go_on_after(last_member);
        room
    }

    /// Adds a past entry to the log; its `seq` is the next one.
    pub fn recall(&mut self, entry: Entry<'_>) {
        self.log.append(&Event::Entry(entry));
    }

    /// Adds a member who was in the room when its server ended, with the ids of its
    /// messages and the `seq` of each, oldest first: it is away, and may come back. If
    /// the grace time is 0, does nothing and returns `false`.
    pub fn restore<'a>(
        &mut self,
        absent: &Absent,
        recent: impl Iterator<Item = (&'a str, u64)>,
        time: Time,
    ) -> bool {
        if self.rules.grace.is_zero() {
            return false;
        }
        // Whoever can come back does so in the encoding of the history.
        let encoding = self.log.encodings().history();
        let Some(member) = self.members.restore(absent, encoding) else {
            return false;
        };
        // A store may say that a host is muted; the room never does.
        member.mute(absent.muted.filter(|_| !absent.host));
        for (id, seq) in recent {
            member.activity_mut().recent.add(self.ids.hash(id), seq);
        }
        self.log.add_reader(encoding);
        self.resumptions.begin(Some(absent.token), absent.id);
        self.wait_for(absent.id, Why::Lost, time);
        self.ever_entered = true;
        true
    }

    /// Continues with these keys, this slow mode and these bans from before the server's
    /// restart.
    pub fn restore_moderation(
        &mut self,
        keys: Keys,
        slow: Duration,
        bans: impl IntoIterator<Item = Ban>,
    ) {
        self.keys = keys;
        self.slow = slow;
        for ban in bans {
            // One that keeps nobody out is not needed.
            let _ = self.apply(ban);
        }
    }

    /// From now on the room records everything, and publishes events when they are
    /// stored.
    pub fn start_recording(&mut self) {
        self.log.hold_back();
        self.batch = Some(Batch::default());
    }

    /// Whether the room publishes events only when they are stored.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.batch.is_some()
    }

    /// Removes a member from before the server's restart who did not come back.
    pub fn forget(&mut self, id: MemberId) {
        self.record(|| Record::Left { id });
    }

    pub(super) fn record(&mut self, record: impl FnOnce() -> Record) {
        if let Some(batch) = &mut self.batch
            && self.closed.is_none()
        {
            batch.unstaged.push(record());
            batch.count += 1;
        }
    }

    /// The events since the last call, if there are any. They can be
    /// [published](Room::publish) when they are stored, in the same order.
    pub fn stage(&mut self) -> Option<Staged> {
        let all = self.batch.as_mut()?;
        let records = std::mem::take(&mut all.unstaged);
        let end = self.log.stage();
        if end.is_none() && records.is_empty() {
            return None;
        }
        let end = Reached {
            cursor: end.unwrap_or(self.log.readable()),
            records: all.count,
        };
        Some(Staged { records, end })
    }

    /// Lets everyone read what was staged up to `end`.
    pub fn publish(&mut self, end: Reached) {
        self.log.publish(end.cursor);
        if let Some(batch) = &mut self.batch {
            batch.stored = end.records;
        }
    }

    /// The end of the events so far.
    #[must_use]
    pub fn reached(&self) -> Reached {
        Reached {
            cursor: self.log.head(),
            records: self.batch.as_ref().map_or(0, |it| it.count),
        }
    }

    /// Whether everything up to this point may be sent, because it is stored or the room
    /// has no store.
    #[must_use]
    pub fn may_tell(&self, reached: Reached) -> bool {
        let stored = self.batch.as_ref().map(|it| it.stored);
        !self.readable().is_before(reached.cursor)
            && stored.is_none_or(|stored| stored >= reached.records)
    }

    /// Notifies everyone that the room is closed because nothing can be stored any more,
    /// unless they know that it is closed. Nobody gets unpublished events.
    pub fn fail(&mut self, retry_ms: u64) {
        let is_told = self.over().is_some();
        self.batch = None;
        if is_told {
            return;
        }
        self.log.drop_staged();
        self.gathered = None;
        let closing = Closing::StoreFailed { retry_ms };
        self.log.append(&Event::Closed(closing));
        self.closed = Some(closing);
    }

    /// Sends an event that is not stored to everyone at once, even before events that
    /// wait to be published. Returns whether that was possible.
    pub fn slip_in(&mut self, event: &Event<'_>) -> bool {
        if self.batch.is_none() || self.closed.is_some() {
            return false;
        }
        self.log.slip_in(event)
    }

    /// The number of bytes that wait to be published.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.log.waiting()
    }

    /// The end of the readable part of the log: its head, unless entries wait to be
    /// published.
    #[must_use]
    pub const fn readable(&self) -> Cursor {
        self.log.readable()
    }

    /// The `seq` of the next lasting entry that becomes readable.
    #[must_use]
    pub const fn readable_seq(&self) -> u64 {
        self.log.readable_seq()
    }

    /// How the room was closed, once everyone can read that.
    #[must_use]
    pub fn over(&self) -> Option<Closing> {
        self.closed.filter(|_| self.readable() == self.head())
    }
}
