//! Resuming a session: a member outlives its connection for the grace time, and another
//! connection that presents the same session acts for it from then on.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::event::{Event, MemberId, Why};
use super::said::{IdHash, SaidIds};
use super::{Coming, Entered, Room, SMALL_ROOM};

/// The longest grace time.
const GRACE_LIMIT: Duration = Duration::from_hours(365 * 24);

/// The hash of a session's token, the secret by which a client comes back. It is enough
/// to recognize the token, but does not reveal it.
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

    /// The first 64 bits, as an index: two keys do not begin the same way in practice.
    fn start(&self) -> u64 {
        let (start, _) = self.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        u64::from_ne_bytes(*start)
    }
}

/// The right of one connection to act for a member. It ends when the connection is
/// lost, or when another connection takes the member over. After that, any use of it has
/// no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The member.
    pub id: MemberId,
    /// Counts the leases of the member.
    turn: u64,
}

/// The state of a member after its connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The member left.
    Left {
        /// The number of members that remain.
        count: usize,
    },
    /// The member is away, and may come back.
    Away,
}

/// The reason why a connection could not resume a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotResumed {
    /// The room does not know the session, or is closed.
    Unknown,
    /// A connection that was opened later has the member, or had it last.
    Late,
}

/// A member that did not come back in time.
#[derive(Clone, Debug)]
pub struct Expired {
    /// The member's id.
    pub id: MemberId,
    /// Its name.
    pub name: Arc<str>,
    /// The reason why its connection ended.
    pub why: Why,
    /// The number of members that remain.
    pub count: usize,
}

/// The session of one member, as the member holds it.
#[derive(Debug)]
pub(super) struct Seat {
    /// The key of the session. A member without one cannot come back.
    key: Option<SessionKey>,
    /// The number of the valid lease, or of the next one if the member is away.
    turn: u64,
    /// When the member's current or last connection was opened; `None` for its first.
    opened: Option<Instant>,
    /// Set while the member is away.
    absence: Option<Box<Absence>>,
    /// The message ids that the member has used, if any.
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

    /// The `seq` of the member's message with this id.
    pub(super) fn said(&self, id: IdHash) -> Option<u64> {
        self.said.as_ref()?.find(id)
    }

    /// Remembers that the member sent a message with this id.
    pub(super) fn say(&mut self, id: IdHash, seq: u64) {
        self.said.get_or_insert_default().add(id, seq);
    }
}

/// The absence of a member.
#[derive(Clone, Copy, Debug)]
struct Absence {
    /// The deadline for coming back.
    until: Instant,
    /// The reason why the connection ended.
    why: Why,
}

/// All sessions of a room.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Members by the first bytes of their keys; the member holds the whole key.
    pub(super) members: HashMap<u64, MemberId>,
    /// Absent members, ordered by deadline.
    away: BTreeSet<(Instant, MemberId)>,
    /// How often a connection took a member over from another.
    takeovers: u64,
}

impl Sessions {
    /// Registers the session of a new member.
    pub(super) fn begin(&mut self, key: Option<SessionKey>, id: MemberId) {
        self.members.extend(key.map(|key| (key.start(), id)));
    }

    /// Removes the session of a member who has left.
    pub(super) fn end(&mut self, id: MemberId, seat: &Seat) {
        if let Some(key) = &seat.key {
            self.members.remove(&key.start());
        }
        if let Some(absence) = &seat.absence {
            self.away.remove(&(absence.until, id));
        }
    }

    /// The number of absent members.
    pub(super) fn away(&self) -> usize {
        self.away.len()
    }
}

impl Room {
    /// Gives a member to a new connection, which was `opened` at that time, and
    /// notifies everyone if the member was away.
    ///
    /// # Errors
    /// If no member has this session or the room is closed, or if a connection that was
    /// opened later has already resumed it. In the last case the client has given this
    /// connection up since, and its old `hello` must not end the newer connection.
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

    /// Ends a lost connection's lease: the member is away from now on, and everyone
    /// learns of it. A member without a session leaves instead, and so does every member
    /// if the grace time is 0 or the room is closed. Returns `None` if the lease is over.
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

    /// Marks a member as away from now on.
    pub(super) fn wait_for(&mut self, id: MemberId, why: Why, now: Instant) {
        if let Some(member) = self.members.get_mut(id) {
            let until = now + self.rules.grace.min(GRACE_LIMIT);
            member.seat.absence = Some(Box::new(Absence { until, why }));
            member.seat.turn += 1;
            self.sessions.away.insert((until, id));
        }
    }

    /// The time of the next call of [`Room::expire`], if anyone is away.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        let (until, _) = self.sessions.away.first()?;
        self.closed.is_none().then_some(*until)
    }

    /// Removes one member whose deadline is over at `now`, and notifies everyone. Call
    /// it again until it returns `None`.
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

    /// How often a connection took a member over from another. While this number stays the
    /// same, no takeover has ended a lease.
    #[must_use]
    pub const fn takeovers(&self) -> u64 {
        self.sessions.takeovers
    }

    /// Whether a lease is still valid.
    #[must_use]
    pub fn honours(&self, lease: Lease) -> bool {
        self.members.held(lease).is_some()
    }

    /// Notifies everyone that a member is away or back; in a big room, only of the number
    /// of absent members.
    fn tell_whereabouts(&mut self, event: &Event<'_>) {
        if self.members.count() > SMALL_ROOM {
            self.gathered.get_or_insert_default();
        } else {
            self.tell_gathered();
            self.append(event);
        }
    }
}
