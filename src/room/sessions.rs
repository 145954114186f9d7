//! Coming back: a member outlives its connection for a while, and another
//! connection that shows the same session goes on in its place.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::event::{Event, MemberId, Why};
use super::said::{IdHash, SaidIds};
use super::{Coming, Entered, Room, SMALL_ROOM};

/// The longest that anybody is waited for.
const GRACE_LIMIT: Duration = Duration::from_hours(365 * 24);

/// What the room keeps of a session's token, the secret by which a client comes
/// back: enough to know it again, and not enough to tell it to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey(
    /// The SHA-256 of the token.
    pub [u8; 32],
);

impl SessionKey {
    /// The key of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Enough of it to find it by: two that begin the same way will not be met.
    fn start(&self) -> u64 {
        let (start, _) = self.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        u64::from_ne_bytes(*start)
    }
}

/// The right of one connection to act for a member. It is over when the
/// connection is lost, or when another one takes the member over; what is done
/// with it then does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The member.
    pub id: MemberId,
    /// Counts the leases of the member.
    turn: u64,
}

/// What became of a member that a connection gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// It left.
    Left {
        /// How many are left.
        count: usize,
    },
    /// It is away, and may come back.
    Away,
}

/// Why a connection was not given the place of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotResumed {
    /// The room does not know the session, or is closed.
    Unknown,
    /// A connection that was opened later has it, or had it last.
    Late,
}

/// A member that did not come back in time.
#[derive(Clone, Debug)]
pub struct Expired {
    /// Who it was.
    pub id: MemberId,
    /// Its name.
    pub name: Arc<str>,
    /// Why its connection ended.
    pub why: Why,
    /// How many are left.
    pub count: usize,
}

/// A member's side of its session.
#[derive(Debug)]
pub(super) struct Seat {
    /// Only a member with a session can come back.
    key: Option<SessionKey>,
    /// Of the lease that holds now, or is given next.
    turn: u64,
    /// When the connection was opened that has it, or had it last; none if that was
    /// the first one.
    opened: Option<Instant>,
    /// Since its connection was lost.
    absence: Option<Box<Absence>>,
    /// What it has said, if anything that has an id.
    said: Option<Box<SaidIds>>,
}

impl Seat {
    pub(super) fn new(key: Option<SessionKey>) -> Self {
        Self {
            key,
            turn: 0,
            opened: None,
            absence: None,
            said: None,
        }
    }

    pub(super) const fn is_away(&self) -> bool {
        self.absence.is_some()
    }

    pub(super) const fn lease(&self, id: MemberId) -> Lease {
        let turn = self.turn;
        Lease { id, turn }
    }

    pub(super) const fn honours(&self, lease: Lease) -> bool {
        self.turn == lease.turn
    }

    /// The `seq` of the message that it has said with this id.
    pub(super) fn said(&self, id: IdHash) -> Option<u64> {
        self.said.as_ref()?.find(id)
    }

    /// It says a message with this id.
    pub(super) fn say(&mut self, id: IdHash, seq: u64) {
        self.said.get_or_insert_default().add(id, seq);
    }
}

/// Someone is away.
#[derive(Clone, Copy, Debug)]
struct Absence {
    /// Until then it may come back.
    until: Instant,
    /// Why its connection ended.
    why: Why,
}

/// All sessions of a room.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By the first bytes of their keys; a member has the whole of its key.
    pub(super) members: HashMap<u64, MemberId>,
    /// Those who are away, and until when they may come back.
    away: BTreeSet<(Instant, MemberId)>,
    /// How often a connection took the place of another.
    takeovers: u64,
}

impl Sessions {
    /// Someone has come in.
    pub(super) fn begin(&mut self, key: Option<SessionKey>, id: MemberId) {
        self.members.extend(key.map(|key| (key.start(), id)));
    }

    /// Someone has left.
    pub(super) fn end(&mut self, id: MemberId, seat: &Seat) {
        if let Some(key) = &seat.key {
            self.members.remove(&key.start());
        }
        if let Some(absence) = &seat.absence {
            self.away.remove(&(absence.until, id));
        }
    }

    /// How many are away.
    pub(super) fn away(&self) -> usize {
        self.away.len()
    }
}

impl Room {
    /// Takes a member over for a new connection, which was `opened` then, and tells
    /// everyone if it was away.
    ///
    /// # Errors
    /// If there is nobody to take over, or a connection that was opened later has
    /// done so: the same client gave this one up since, and would lose its place by
    /// what it said long ago.
    pub fn resume(&mut self, session: &SessionKey, opened: Instant) -> Result<Entered, NotResumed> {
        let id = self.sessions.members.get(&session.start());
        let id = *id
            .filter(|_| self.closed.is_none())
            .ok_or(NotResumed::Unknown)?;
        let member = self.members.get_mut(id);
        let member = member
            .filter(|member| member.seat.key.as_ref() == Some(session))
            .ok_or(NotResumed::Unknown)?;
        if member.seat.opened.is_some_and(|last| opened < last) {
            return Err(NotResumed::Late);
        }
        member.seat.opened = Some(opened);
        let (name, host) = (Arc::clone(&member.name), member.host);
        let absence = member.seat.absence.take();
        if absence.is_none() {
            member.seat.turn += 1;
        }
        let lease = member.seat.lease(id);
        let coming = if let Some(absence) = absence {
            self.sessions.away.remove(&(absence.until, id));
            self.tell_whereabouts(&Event::Back { id, name: &name });
            Coming::Back
        } else {
            self.sessions.takeovers += 1;
            Coming::Instead
        };
        Ok(self.entered(lease, name, host, coming))
    }

    /// The connection of a member was lost: it is away from now on, and everyone
    /// is told. A member without a session leaves, and so does everyone where
    /// nobody is waited for. `None` if another connection has the member by now.
    pub fn lose(&mut self, lease: Lease, why: Why, now: Instant) -> Option<Parting> {
        let grace = self.rules.grace;
        let member = self.members.held_mut(lease)?;
        if member.seat.key.is_none() || grace.is_zero() || self.closed.is_some() {
            return self.leave(lease, why);
        }
        let (id, name) = (lease.id, Arc::clone(&member.name));
        self.wait_for(id, why, now);
        self.tell_whereabouts(&Event::Away { id, name: &name });
        Some(Parting::Away)
    }

    /// A member is away from now on.
    pub(super) fn wait_for(&mut self, id: MemberId, why: Why, now: Instant) {
        if let Some(member) = self.members.get_mut(id) {
            let until = now + self.rules.grace.min(GRACE_LIMIT);
            member.seat.absence = Some(Box::new(Absence { until, why }));
            member.seat.turn += 1;
            self.sessions.away.insert((until, id));
        }
    }

    /// When [`Room::expire`] is to be called next.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        let (until, _) = self.sessions.away.first()?;
        self.closed.is_none().then_some(*until)
    }

    /// Lets one member go that did not come back until `now`, and tells everyone;
    /// there may be more of them.
    pub fn expire(&mut self, now: Instant) -> Option<Expired> {
        if self.closed.is_some() {
            return None;
        }
        let &(until, id) = self.sessions.away.first()?;
        if until > now {
            return None;
        }
        let why = self.members.get_mut(id)?.seat.absence.as_ref()?.why;
        let name = self.let_go(id, why)?;
        let count = self.count();
        Some(Expired {
            id,
            name,
            why,
            count,
        })
    }

    /// How often a connection took the place of another. While this number stays,
    /// so do all leases.
    #[must_use]
    pub const fn takeovers(&self) -> u64 {
        self.sessions.takeovers
    }

    /// Whether a lease is not over.
    #[must_use]
    pub fn honours(&self, lease: Lease) -> bool {
        self.members.held(lease).is_some()
    }

    /// Tells who is away or back: by itself or, in a big room, by their number.
    fn tell_whereabouts(&mut self, event: &Event<'_>) {
        if self.members.count() > SMALL_ROOM {
            self.gathered.get_or_insert_default();
        } else {
            self.tell_gathered();
            self.append(event);
        }
    }
}
