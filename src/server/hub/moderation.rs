//! What hosts and administrators do to a room: they remove and mute members, slow everyone
//! down, erase messages, hand the role of the host over, and invite.
//!
//! The hub decides who may, under the same lock under which the room does it:
//!
//! - Every host may do everything; hosts are equal, and one can remove another. Whoever
//!   knows the host key can come back as a host: no ban holds for a host.
//! - A member may erase its own messages, and nothing else.
//! - Nobody removes itself: leaving is for that.
//! - Whoever hands the role over no longer has it. A peer of the text protocol cannot get
//!   it: it has no way to use it.
//! - A host that is away keeps the role for as long as it may come back. A room can be
//!   without a host; the next one who proves the host key is one.
//! - An administrator may do what a host may, and gives no role up.
//! - A ban holds for an address as the limits count it, and for the session of the member
//!   that was removed. Members who are there with the same address stay, and can come back
//!   with their own sessions; newcomers from there cannot join.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock;
use crate::protocol::TEXT;
use crate::protocol::invitation::Invitation;
use crate::room::{
    self, Ban, Banned, ConfusableKey, Entry, Erase, Eraser, Lease, MakeHost, MemberId, Mute,
    NoSuchMember, NotErased, NotMadeHost, NotMuted, Remove, Room, RoomKey, SetKeys, Slow, Time,
    Unban,
};

use super::super::event::{By, Event};
use super::super::not_moderated::NotModerated;
use super::core::Hub;
use super::keys::{Keys, random_key};

/// The longest ban, and the longest mute.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// The longest time between two messages of a member.
const SLOWEST: Duration = Duration::from_hours(1);

/// How many members a search by name copies at once: the room is locked only meanwhile.
const SEARCH_PAGE: usize = 256;

/// Who moderates.
#[derive(Clone, Copy, Debug)]
pub enum Moderator {
    /// A member, who has to be a host.
    Member(Lease),
    /// An administrator of the server.
    Administrator,
}

/// A member that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kicked {
    /// Its name.
    pub name: Arc<str>,
    /// For how long nobody may join from its address; `None` if there is no such ban.
    pub ban: Option<Duration>,
    /// How many other members have the same address.
    pub shared: usize,
}

/// Who moderates, for the administrator's log.
///
/// # Errors
/// If it may not.
fn by(room: &Room, moderator: Moderator) -> Result<By, NotModerated> {
    let lease = match moderator {
        Moderator::Administrator => return Ok(By::Administrator),
        Moderator::Member(lease) => lease,
    };
    if !room.honours(lease) {
        return Err(NotModerated::LeaseOver);
    }
    if !room.is_host(lease) {
        return Err(NotModerated::NotHost);
    }
    let member = room.member(lease.id).ok_or(NotModerated::LeaseOver)?;
    Ok(By::Member(Arc::clone(&member.name)))
}

/// The end of a period that begins now, in the room's time and as the time of day.
fn end_of(period: Duration, now: Time) -> (Time, Timestamp) {
    let at = clock::now();
    let end = at.checked_add(period).unwrap_or(Timestamp::MAX);
    (now + period, end)
}

impl Hub {
    /// Removes a member for good; with `ban`, nobody may join from its address for that
    /// long, at most [`LONGEST`]. Its connection is told.
    pub fn kick(
        &self,
        moderator: Moderator,
        id: MemberId,
        ban: Option<Duration>,
        now: Instant,
    ) -> Result<Kicked, NotModerated> {
        let ban = ban.filter(|it| !it.is_zero()).map(|it| it.min(LONGEST));
        let mut room = self.room();
        let by = by(&room, moderator)?;
        if matches!(moderator, Moderator::Member(lease) if lease.id == id) {
            return Err(NotModerated::Oneself);
        }
        let removed = room.apply(Remove { id });
        let removed = removed.map_err(|NoSuchMember| NotModerated::NoSuchMember)?;
        let origin = self.admission.remove(id);
        // Nobody is kept out for coming from this computer itself.
        let network = origin.as_ref().map(|origin| origin.network());
        let network = network.filter(|it| !it.address().is_loopback());
        let until = ban.map(|ban| end_of(ban, self.time(now)));
        let is_banned = until.is_some_and(|until| {
            let ban = Ban {
                network,
                token: removed.token,
                name: Some(Arc::clone(&removed.name)),
                until,
            };
            room.apply(ban).is_ok() && network.is_some()
        });
        let gathered = room.has_gathered();
        self.update_bans(&room);
        drop(room);
        self.tell_change(gathered);
        // The connection of the removed one does not wait for others, nor for the store.
        self.tell_takeover(false);
        self.look_for_the_last();
        let ban = ban.filter(|_| is_banned);
        self.report(Event::Removed {
            name: Arc::clone(&removed.name),
            by,
            ban,
            count: removed.count,
        });
        Ok(Kicked {
            name: removed.name,
            ban,
            shared: origin.map_or(0, |origin| self.admission.members_from(&origin)),
        })
    }

    /// Rejects the messages of a member for a while, at most [`LONGEST`]; zero lifts that.
    /// Returns its name, and for how long.
    pub fn mute(
        &self,
        moderator: Moderator,
        id: MemberId,
        period: Duration,
        now: Instant,
    ) -> Result<(Arc<str>, Duration), NotModerated> {
        let period = period.min(LONGEST);
        let until = (!period.is_zero()).then(|| end_of(period, self.time(now)));
        let mut room = self.room();
        let by = by(&room, moderator)?;
        let name = room.apply(Mute { id, until }).map_err(|why| match why {
            NotMuted::NoSuchMember => NotModerated::NoSuchMember,
            NotMuted::Host => NotModerated::IsHost,
        })?;
        drop(room);
        if until.is_none() {
            // Its connection tells it.
            self.wakers.recall(&[id]);
        }
        self.tell_news();
        self.report(Event::Muted {
            name: Arc::clone(&name),
            by,
            period,
        });
        Ok((name, period))
    }

    /// Sets the time between two messages of each member, at most [`SLOWEST`]; zero lifts
    /// it.
    pub fn slow(&self, moderator: Moderator, every: Duration) -> Result<(), NotModerated> {
        let every = every.min(SLOWEST);
        let mut room = self.room();
        let by = by(&room, moderator)?;
        room.apply(Slow { every });
        drop(room);
        self.tell_news();
        self.report(Event::Slow { every, by });
        Ok(())
    }

    /// Erases the text of a message; `stored` is the message as the store has it, if the
    /// room does not hold it any more.
    pub fn erase(
        &self,
        eraser: Eraser,
        seq: u64,
        stored: Option<Entry<'static>>,
        now: Instant,
    ) -> Result<u64, NotErased> {
        let mut room = self.room();
        let by = match &eraser {
            Eraser::Administrator => By::Administrator,
            Eraser::Member(lease) => {
                let member = room.member(lease.id).ok_or(NotErased::LeaseOver)?;
                By::Member(Arc::clone(&member.name))
            }
        };
        let outcome = room.apply(Erase {
            by: eraser,
            seq,
            stored,
            at: clock::now(),
            time: self.time(now),
        });
        drop(room);
        let entry = match outcome {
            // There is nowhere else to look.
            Err(NotErased::NotHeld) if !self.is_durable() => Err(NotErased::NoSuchMessage),
            other => other,
        }?;
        self.tell_news();
        self.report(Event::Erased { seq, by });
        Ok(entry)
    }

    /// Makes a member a host. A host that does this hands its role over.
    pub fn make_host(&self, moderator: Moderator, id: MemberId) -> Result<Arc<str>, NotModerated> {
        let mut room = self.room();
        let by = by(&room, moderator)?;
        let member = room.member(id).ok_or(NotModerated::NoSuchMember)?;
        if member.encoding == TEXT {
            return Err(NotModerated::CannotHost);
        }
        let from = match moderator {
            Moderator::Member(lease) => Some(lease),
            Moderator::Administrator => None,
        };
        let name = room.apply(MakeHost { from, to: id });
        let name = name.map_err(|why| match why {
            NotMadeHost::NoSuchMember => NotModerated::NoSuchMember,
            NotMadeHost::NotHost => NotModerated::NotHost,
            NotMadeHost::LeaseOver => NotModerated::LeaseOver,
        })?;
        drop(room);
        self.tell_news();
        self.report(Event::HostChanged {
            name: Arc::clone(&name),
            by,
        });
        Ok(name)
    }

    /// An invitation for others; with `new` after the room's key was replaced: whoever is
    /// in stays, and earlier invitations are no longer valid.
    pub fn invite(&self, moderator: Moderator, new: bool) -> Result<Invitation, NotModerated> {
        let room = self.room();
        let by = by(&room, moderator)?;
        drop(room);
        if new {
            self.replace_key(by)?;
        }
        self.invitation(false).ok_or(NotModerated::NoAddress)
    }

    fn replace_key(&self, by: By) -> Result<(), NotModerated> {
        if self.live().key_is_fixed {
            return Err(NotModerated::KeyIsFixed);
        }
        let key = random_key().map_err(|_| NotModerated::NoSecret)?;
        self.set_key(&key, by);
        Ok(())
    }

    /// Replaces the key of the room with this one, unless that is its key.
    pub(super) fn set_key(&self, key: &RoomKey, by: By) {
        let mut room = self.room();
        // Under the lock: the last one to change the room is the last one to change this.
        let old = self.keys();
        if old.key == *key {
            return;
        }
        let keys = Keys {
            key: key.clone(),
            host_key: old.host_key.clone(),
        };
        room.apply(SetKeys {
            keys: keys.of_room(),
        });
        self.keys.store(Arc::new(keys));
        drop(room);
        self.tell_news();
        self.report(Event::KeyReplaced { by });
    }

    /// Lifts bans; returns how many.
    pub fn unban(&self, whom: Banned) -> usize {
        let mut room = self.room();
        let lifted = room.apply(Unban { whom });
        self.update_bans(&room);
        drop(room);
        self.tell_news();
        let count = lifted.len();
        for ban in lifted {
            self.report(Event::Unbanned {
                network: ban.network,
                name: ban.name,
            });
        }
        count
    }

    /// The bans that hold at this moment, and for how long each still does.
    pub fn bans(&self, now: Instant) -> Vec<(Ban, Duration)> {
        let time = self.time(now);
        let bans = self.room().bans().to_vec();
        let held = bans.into_iter().filter(|ban| ban.until.0 > time);
        held.map(|ban| {
            let remaining = ban.until.0 - time;
            (ban, remaining)
        })
        .collect()
    }

    /// Notes the ends of the bans, so that they can be counted without the room's lock.
    pub(super) fn update_bans(&self, room: &Room) {
        let ends = room.bans().iter().map(|ban| ban.until.0).collect();
        self.ban_ends.store(Arc::new(ends));
    }

    /// The number of bans that hold at this moment. Waits for no lock.
    pub(super) fn count_bans(&self, now: Instant) -> usize {
        let time = self.time(now);
        let ends = self.ban_ends.load();
        ends.iter().filter(|end| **end > time).count()
    }

    /// For how long nobody may join from this address, or with this session.
    pub(super) fn banned(
        &self,
        ip: IpAddr,
        token: Option<&room::TokenHash>,
        now: Instant,
    ) -> Option<Duration> {
        self.room().is_banned(ip, token, self.time(now))
    }

    /// The members whose name a person could mistake for this one, as the room compares
    /// names. Names are compared without the room's lock.
    pub fn members_named(&self, name: &str) -> Vec<(MemberId, Arc<str>)> {
        let wanted = ConfusableKey::of(name);
        let (mut found, mut exact, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = self.room().list(after, SEARCH_PAGE);
            after = page.list.last().map(|it| it.id);
            for member in page.list {
                if *member.name == *name {
                    exact.push((member.id, member.name));
                } else if ConfusableKey::of(&member.name).alike(&wanted) {
                    found.push((member.id, member.name));
                }
            }
            if !page.more {
                break;
            }
        }
        if exact.is_empty() { found } else { exact }
    }
}

impl From<NotErased> for NotModerated {
    fn from(why: NotErased) -> Self {
        match why {
            NotErased::NotHost => Self::NotSender,
            NotErased::Already => Self::Erased,
            NotErased::LeaseOver | NotErased::TooFast { .. } => Self::LeaseOver,
            NotErased::NoSuchMessage | NotErased::NotHeld | NotErased::Closed => {
                Self::NoSuchMessage
            }
        }
    }
}
