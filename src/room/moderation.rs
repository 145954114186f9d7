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
        member.mute(until.map(|(time, _)| time));
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
        let was_muted = member.activity().is_some_and(|it| it.muted.is_some());
        member.mute(None);
        let name = Arc::clone(&member.name);
        // A host that hands the role to itself keeps it.
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

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Talk, at};
    use super::super::{Leave, Lose, NotSaid, RateLimit, Resume, SMALL_ROOM, Said};
    use super::*;

    #[test]
    fn slow_mode_lets_each_member_speak_once_in_a_while_and_hosts_at_any_time() {
        let mut talk = Talk::new();
        let (host, ada, bob) = (talk.host("host"), talk.join("ada"), talk.join("bob"));
        assert_eq!(talk.say(ada, 0), Ok(Said::New(1)));
        talk.room.apply(Slow {
            every: Duration::from_secs(10),
        });
        // It counts from the last message, even if that was before.
        let wait = |millis| {
            Err(NotSaid::TooFast {
                retry: Duration::from_millis(millis),
            })
        };
        assert_eq!(talk.say(ada, 9_999), wait(1));
        assert_eq!(talk.say(ada, 10_000), Ok(Said::New(2)));
        assert_eq!(talk.say(ada, 10_001), wait(9_999));
        assert_eq!(talk.say(bob, 10_001), Ok(Said::New(3)));
        for seq in 4..8 {
            assert_eq!(talk.say(host, 10_002), Ok(Said::New(seq)));
        }
        // After a long silence there is one message, too, and not one for each ten seconds.
        assert_eq!(talk.say(ada, 99_000), Ok(Said::New(8)));
        assert_eq!(talk.say(ada, 99_000), wait(10_000));
        // A rejected message does not count, and coming back changes nothing.
        assert_eq!(talk.say(ada, 108_999), wait(1));
        let ada = talk.come_back(ada);
        assert_eq!(talk.say(ada, 108_999), wait(1));
        talk.room.apply(Slow {
            every: Duration::ZERO,
        });
        assert_eq!(talk.say(ada, 108_999), Ok(Said::New(9)));
    }

    #[test]
    fn a_muted_member_is_told_for_how_long_and_may_repeat_itself() {
        let mut talk = Talk::new();
        let (host, ada) = (talk.host("host"), talk.join("ada"));
        assert_eq!(talk.say_as(ada, "a", 0), Ok(Said::New(1)));
        let mute = |id, until: Option<u64>| Mute {
            id,
            until: until.map(|until| (at(until), Timestamp::UNIX_EPOCH)),
        };
        let muted = talk.room.apply(mute(ada.id, Some(5_000)));
        assert_eq!(muted.as_deref(), Ok("ada"));
        let wait = |millis| {
            Err(NotSaid::Muted {
                retry: Duration::from_millis(millis),
            })
        };
        assert_eq!(talk.say(ada, 1_000), wait(4_000));
        let ada = talk.come_back(ada);
        assert_eq!(talk.say(ada, 4_999), wait(1));
        // The room has this one already.
        assert_eq!(talk.say_as(ada, "a", 4_999), Ok(Said::Before(1)));
        assert_eq!(talk.say(ada, 5_000), Ok(Said::New(2)));
        talk.room.apply(mute(ada.id, Some(9_000))).unwrap();
        talk.room.apply(mute(ada.id, None)).unwrap();
        assert_eq!(talk.say(ada, 5_000), Ok(Said::New(3)));
        let of_host = talk.room.apply(mute(host.id, Some(9_000)));
        assert_eq!(of_host, Err(NotMuted::Host));
        // A new host can speak.
        talk.room.apply(mute(ada.id, Some(9_000))).unwrap();
        let to = ada.id;
        talk.room.apply(MakeHost { from: None, to }).unwrap();
        assert_eq!(talk.say(ada, 5_000), Ok(Said::New(4)));
    }

    #[test]
    fn a_removed_member_cannot_come_back_and_its_connection_learns_why() {
        let mut talk = Talk::new();
        let (ada, bob) = (talk.join("ada"), talk.join("bob"));
        let before = talk.room.revocations();
        let removed = talk.room.apply(Remove { id: ada.id }).unwrap();
        assert_eq!((&*removed.name, removed.count), ("ada", 1));
        assert_eq!(removed.token, Some(testing::token("ada")));
        assert!(!removed.away && talk.room.revocations() > before);
        assert_eq!(talk.room.fate(ada), Fate::Removed);
        assert!(talk.say(ada, 0) == Err(NotSaid::LeaseOver));
        let resume = Resume {
            token: testing::token("ada"),
            opened: at(1),
        };
        assert!(talk.room.apply(resume).is_err());
        assert_eq!(talk.room.apply(Remove { id: ada.id }), Err(NoSuchMember));
        // One that is away has no connection that could learn anything.
        let (why, time) = (Why::Lost, at(0));
        let lease = bob;
        talk.room.apply(Lose { lease, why, time });
        let before = talk.room.revocations();
        assert!(talk.room.apply(Remove { id: bob.id }).unwrap().away);
        assert_eq!(talk.room.revocations(), before);
        assert!(talk.room.is_deserted() && talk.room.next_expiry().is_none());
    }

    #[test]
    fn a_connection_that_was_taken_over_before_the_removal_is_told_of_that() {
        let mut talk = Talk::new();
        let first = talk.join("ada");
        let second = talk.take_over(first);
        talk.room.apply(Remove { id: first.id }).unwrap();
        assert_eq!(talk.room.fate(first), Fate::TakenOver);
        assert_eq!(talk.room.fate(second), Fate::Removed);
        // A member who left by itself was not removed.
        let lease = talk.join("bob");
        let why = Why::Quit;
        talk.room.apply(Leave { lease, why });
        assert_eq!(talk.room.fate(lease), Fate::TakenOver);
    }

    #[test]
    fn the_room_remembers_a_bounded_number_of_removals() {
        let mut talk = Talk::new();
        let leases: Vec<Lease> = (0..=REMEMBERED).map(|_| talk.join("ada")).collect();
        for lease in &leases {
            talk.room.apply(Remove { id: lease.id }).unwrap();
        }
        assert_eq!(talk.room.fate(leases[0]), Fate::TakenOver);
        assert_eq!(talk.room.fate(leases[1]), Fate::Removed);
        assert_eq!(talk.room.revoked.leases.len(), REMEMBERED);
    }

    #[test]
    fn a_big_room_learns_at_once_who_was_removed() {
        let mut talk = Talk::new();
        let leases: Vec<Lease> = (0..SMALL_ROOM + 5).map(|_| talk.join("ada")).collect();
        talk.read();
        let why = Why::Quit;
        talk.room.apply(Leave {
            lease: leases[0],
            why,
        });
        assert_eq!(talk.read(), "");
        talk.room.apply(Remove { id: leases[1].id }).unwrap();
        let told = talk.read();
        let (first, second) = told.split_once('\n').unwrap();
        assert!(first.starts_with("Presence"), "{told}");
        assert!(
            second.contains("ada_1") && second.contains("Removed"),
            "{told}"
        );
    }

    #[test]
    fn only_a_host_hands_its_role_over_and_gives_it_up_with_that() {
        let mut talk = Talk::new();
        let (host, ada, bob) = (talk.host("host"), talk.join("ada"), talk.join("bob"));
        let give = |talk: &mut Talk, from, to: Lease| talk.room.apply(MakeHost { from, to: to.id });
        assert_eq!(give(&mut talk, Some(ada), bob), Err(NotMadeHost::NotHost));
        assert_eq!(give(&mut talk, Some(host), ada).as_deref(), Ok("ada"));
        assert!(talk.room.is_host(ada) && !talk.room.is_host(host));
        assert_eq!(give(&mut talk, Some(host), bob), Err(NotMadeHost::NotHost));
        // From the administrator, nobody gives anything up.
        assert!(give(&mut talk, None, bob).is_ok() && talk.room.is_host(ada));
        // To oneself.
        assert!(give(&mut talk, Some(ada), ada).is_ok() && talk.room.is_host(ada));
        let old = ada;
        let ada = talk.take_over(ada);
        assert_eq!(give(&mut talk, Some(old), bob), Err(NotMadeHost::LeaseOver));
        assert!(talk.room.is_host(ada) && !talk.room.is_host(old));
        talk.room.apply(Remove { id: bob.id }).unwrap();
        assert_eq!(give(&mut talk, None, bob), Err(NotMadeHost::NoSuchMember));
        let listed = talk.room.list(None, 9).list;
        let hosts: Vec<bool> = listed.iter().map(|it| it.host).collect();
        assert_eq!(hosts, [false, true]);
    }

    #[test]
    fn a_closed_room_takes_no_moderation() {
        let mut talk = Talk::new();
        let ada = talk.host("ada");
        talk.close();
        talk.read();
        let id = ada.id;
        assert_eq!(talk.room.apply(Remove { id }), Err(NoSuchMember));
        let until = None;
        let muted = talk.room.apply(Mute { id, until });
        assert_eq!(muted, Err(NotMuted::NoSuchMember));
        let made = talk.room.apply(MakeHost { from: None, to: id });
        assert_eq!(made, Err(NotMadeHost::NoSuchMember));
        talk.room.apply(Slow {
            every: Duration::from_secs(1),
        });
        assert_eq!(
            (talk.room.slow(), talk.read()),
            (Duration::ZERO, String::new())
        );
    }

    #[test]
    fn everyone_is_told_the_limits_that_hold_together() {
        let mut talk = Talk::new();
        talk.room.rules.rate_limit = RateLimit::per_second(3);
        talk.read();
        talk.room.apply(Slow {
            every: Duration::from_secs(4),
        });
        let told = talk.read();
        assert!(
            told.contains("per_second: 3") && told.contains("every: 4s"),
            "{told}"
        );
    }
}
