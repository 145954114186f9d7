//! Moderation: members are removed, muted and slowed down, and the role of the host is
//! handed over. The room does not ask who wants that; whoever applies these commands has
//! checked it ([`Room::is_host`]), under the same lock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Room;
use super::attachment::{Lease, TokenHash};
use super::entry::MemberId;
use super::event::{Event, Why};
use super::record::Record;
use super::time::Time;

/// Removes a member for good, host or not, and notifies everyone who stays. Its lease ends,
/// and its token is forgotten: it can only join anew.
#[derive(Clone, Copy, Debug)]
pub struct Remove {
    /// The member.
    pub id: MemberId,
}

/// Mutes a member until then, or lifts that with `None`. A muted member reads on and can
/// come back, but the room takes no messages from it.
///
/// Hosts cannot be muted: a host would only lift it, and nobody should silence the host by
/// mistake.
#[derive(Clone, Copy, Debug)]
pub struct Mute {
    /// The member.
    pub id: MemberId,
    /// The end, in the room's time and as the time of day for the store.
    pub until: Option<(Time, Timestamp)>,
}

/// Sets the least time between two messages of a member, and notifies everyone. Zero lifts
/// it. Hosts are exempt.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// The time.
    pub every: Duration,
}

/// Makes a member a host, lifts its mute, and notifies everyone.
#[derive(Clone, Copy, Debug)]
pub struct MakeHost {
    /// The host who hands the role over, and no longer has it; `None` if nobody gives it
    /// up.
    pub from: Option<Lease>,
    /// The new host.
    pub to: MemberId,
}

/// No member has this id, or the room is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such member")]
pub struct NoSuchMember;

/// A member that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: Arc<str>,
    /// The hash of the token by which it could have come back, if it had one.
    pub token: Option<TokenHash>,
    /// Whether it was away.
    pub away: bool,
    /// The number of members that remain.
    pub count: usize,
}

/// The reason why a member could not be muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMuted {
    /// No member has this id, or the room is closed.
    #[error("no such member")]
    NoSuchMember,
    /// The member is a host.
    #[error("the member is a host")]
    Host,
}

/// The reason why a member could not become a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMadeHost {
    /// No member has this id, or the room is closed.
    #[error("no such member")]
    NoSuchMember,
    /// The member who wants to hand the role over does not have it.
    #[error("not a host")]
    NotHost,
    /// The member who wants to hand the role over has left, or another connection has
    /// taken it over.
    #[error("the lease is over")]
    LeaseOver,
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is valid.
    Valid,
    /// Its connection gave it up, or another connection has taken the member over.
    TakenOver,
    /// The member was removed.
    Removed,
}

/// How many leases of removed members the room remembers, so that their connections learn
/// why they end. Each looks within moments; one that did not would be told of a takeover.
const REMEMBERED: usize = 1_024;

/// The leases of members who were removed while they had a connection: the last
/// [`REMEMBERED`].
#[derive(Debug, Default)]
pub(super) struct Revoked {
    leases: std::collections::VecDeque<Lease>,
}

impl Revoked {
    fn add(&mut self, lease: Lease) {
        if self.leases.len() == REMEMBERED {
            self.leases.pop_front();
        }
        self.leases.push_back(lease);
    }
}

impl Room {
    pub(super) fn remove(&mut self, command: Remove) -> Result<Removed, NoSuchMember> {
        let id = command.id;
        if self.closed.is_some() {
            return Err(NoSuchMember);
        }
        let member = self.members.get_mut(id).ok_or(NoSuchMember)?;
        let (token, away) = (member.attachment.token, member.is_away());
        let lease = member.attachment.lease(id);
        let name = self.let_go(id, Why::Removed).ok_or(NoSuchMember)?;
        if !away {
            self.revoked.add(lease);
            self.resumptions.revoke();
        }
        let count = self.members.count();
        Ok(Removed {
            name,
            token,
            away,
            count,
        })
    }

    pub(super) fn mute(&mut self, command: Mute) -> Result<Arc<str>, NotMuted> {
        let Mute { id, until } = command;
        if self.closed.is_some() {
            return Err(NotMuted::NoSuchMember);
        }
        let member = self.members.get_mut(id).ok_or(NotMuted::NoSuchMember)?;
        if member.host && until.is_some() {
            return Err(NotMuted::Host);
        }
        member.muted = until.map(|(time, _)| time);
        let name = Arc::clone(&member.name);
        self.record(|| Record::Muted {
            id,
            until: until.map(|(_, at)| at),
        });
        Ok(name)
    }

    pub(super) fn slow_down(&mut self, command: Slow) {
        if self.closed.is_some() {
            return;
        }
        self.slow = command.every;
        self.record(|| Record::Slow {
            every: command.every,
        });
        self.announce_now();
        self.log.append(&Event::Limits {
            rate_limit: self.rules.rate_limit,
            every: command.every,
        });
    }

    pub(super) fn make_host(&mut self, command: MakeHost) -> Result<Arc<str>, NotMadeHost> {
        let MakeHost { from, to } = command;
        if self.closed.is_some() {
            return Err(NotMadeHost::NoSuchMember);
        }
        if let Some(lease) = from {
            let giver = self.members.held(lease).ok_or(NotMadeHost::LeaseOver)?;
            if !giver.host {
                return Err(NotMadeHost::NotHost);
            }
        }
        let member = self.members.get_mut(to).ok_or(NotMadeHost::NoSuchMember)?;
        member.host = true;
        let was_muted = member.muted.take().is_some();
        let name = Arc::clone(&member.name);
        // Who hands the role to itself keeps it.
        let from = from.map(|lease| lease.id).filter(|from| *from != to);
        if let Some(giver) = from.and_then(|from| self.members.get_mut(from)) {
            giver.host = false;
        }
        self.record(|| Record::Host { from, to });
        if was_muted {
            self.record(|| Record::Muted {
                id: to,
                until: None,
            });
        }
        self.announce_now();
        self.log.append(&Event::Host {
            id: to,
            name: &name,
            from,
        });
        Ok(name)
    }

    /// The least time between two messages of a member who is no host; zero without slow
    /// mode.
    #[must_use]
    pub const fn slow(&self) -> Duration {
        self.slow
    }

    /// Whether a lease is valid, and its member a host.
    #[must_use]
    pub fn is_host(&self, lease: Lease) -> bool {
        self.members.held(lease).is_some_and(|member| member.host)
    }

    /// What became of a lease.
    #[must_use]
    pub fn fate(&self, lease: Lease) -> Fate {
        if self.honours(lease) {
            Fate::Valid
        } else if self.revoked.leases.contains(&lease) {
            Fate::Removed
        } else {
            Fate::TakenOver
        }
    }
}
