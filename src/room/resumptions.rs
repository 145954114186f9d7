//! Resumptions: a member outlives its connection for the grace time, and another
//! connection that presents the same token acts for it from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Room;
use super::attachment::{Absence, Attachment, Lease, TokenHash};
use super::command::{Expire, Leave, Lose, Resume};
use super::entry::MemberId;
use super::event::{Event, Why};
use super::outcome::{Coming, Entered, Expired, NotResumed, Parting};
use super::rules::SMALL_ROOM;
use super::time::Time;

/// The longest grace time.
const GRACE_LIMIT: Duration = Duration::from_hours(365 * 24);

/// Who may come back to a room, and until when.
#[derive(Debug, Default)]
pub(super) struct Resumptions {
    /// Members by the first bytes of their hashes; the member holds the whole hash.
    pub(super) members: BTreeMap<u64, MemberId>,
    /// Absent members, ordered by deadline.
    away: BTreeSet<(Time, MemberId)>,
    /// How often a lease ended without its connection: another connection took the member
    /// over, or the member was removed.
    revocations: u64,
}

impl Resumptions {
    /// Registers the token of a new member.
    pub(super) fn begin(&mut self, token: Option<TokenHash>, id: MemberId) {
        self.members.extend(token.map(|token| (token.start(), id)));
    }

    /// Removes the token of a member who has left.
    pub(super) fn end(&mut self, id: MemberId, attachment: &Attachment) {
        if let Some(token) = &attachment.token {
            self.members.remove(&token.start());
        }
        if let Some(absence) = &attachment.absence {
            self.away.remove(&(absence.until, id));
        }
    }

    /// Counts a lease that ended without its connection.
    pub(super) const fn revoke(&mut self) {
        self.revocations += 1;
    }

    /// The number of absent members.
    pub(super) fn away(&self) -> usize {
        self.away.len()
    }
}

impl Room {
    pub(super) fn resume(&mut self, command: Resume) -> Result<Entered, NotResumed> {
        let Resume { token, opened } = command;
        let id = self.resumptions.members.get(&token.start());
        let id = *id
            .filter(|_| self.closed.is_none())
            .ok_or(NotResumed::Unknown)?;
        let member = self.members.get_mut(id);
        let member = member
            .filter(|member| member.attachment.token == Some(token))
            .ok_or(NotResumed::Unknown)?;
        if member.attachment.opened.is_some_and(|last| opened < last) {
            return Err(NotResumed::Late);
        }
        member.attachment.opened = Some(opened);
        let (name, host) = (Arc::clone(&member.name), member.host);
        let absence = member.attachment.absence.take();
        if absence.is_none() {
            member.attachment.generation += 1;
        }
        let lease = member.attachment.lease(id);
        let coming = if let Some(absence) = absence {
            self.resumptions.away.remove(&(absence.until, id));
            self.tell_whereabouts(&Event::Back { id, name: &name });
            Coming::Back
        } else {
            self.resumptions.revoke();
            Coming::Instead
        };
        Ok(self.entered(lease, name, host, coming))
    }

    pub(super) fn lose(&mut self, command: Lose) -> Option<Parting> {
        let Lose { lease, why, time } = command;
        let grace = self.rules.grace;
        let member = self.members.held_mut(lease)?;
        if member.attachment.token.is_none() || grace.is_zero() || self.closed.is_some() {
            return self.leave(Leave { lease, why });
        }
        let (id, name) = (lease.id, Arc::clone(&member.name));
        self.wait_for(id, why, time);
        self.tell_whereabouts(&Event::Away { id, name: &name });
        Some(Parting::Away)
    }

    /// Marks a member as away from now on.
    pub(super) fn wait_for(&mut self, id: MemberId, why: Why, time: Time) {
        if let Some(member) = self.members.get_mut(id) {
            let until = time + self.rules.grace.min(GRACE_LIMIT);
            member.attachment.absence = Some(Box::new(Absence { until, why }));
            member.attachment.generation += 1;
            self.resumptions.away.insert((until, id));
        }
    }

    /// When the next [`Expire`] is due, if anyone is away.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Time> {
        let (until, _) = self.resumptions.away.first()?;
        self.closed.is_none().then_some(*until)
    }

    pub(super) fn expire(&mut self, command: Expire) -> Option<Expired> {
        if self.closed.is_some() {
            return None;
        }
        let &(until, id) = self.resumptions.away.first()?;
        if until > command.time {
            return None;
        }
        let why = self.members.get_mut(id)?.attachment.absence.as_ref()?.why;
        let name = self.let_go(id, why)?;
        let count = self.count();
        Some(Expired {
            id,
            name,
            why,
            count,
        })
    }

    /// How often a lease ended without its connection: another connection took the member
    /// over, or the member was removed. While this number stays the same, every lease that
    /// was valid and not given up still is. Afterwards, [`Room::fate`] tells what became of
    /// one.
    #[must_use]
    pub const fn revocations(&self) -> u64 {
        self.resumptions.revocations
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
            self.announce_now();
            self.log.append(event);
        }
    }
}
