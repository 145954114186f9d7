//! The members of the room, and the names in use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::activity::Activity;
use super::attachment::{Attachment, Lease, TokenHash};
use super::durable::Absent;
use super::entry::MemberId;
use super::log::EncodingId;
use super::name::WantedName;
use super::names::{Names, Number};
use super::recent_ids::IdHash;
use super::seed::Seed;
use super::time::Time;

/// A member of the room.
#[derive(Debug)]
pub struct Member {
    /// The name that the room gave it.
    pub name: Arc<str>,
    /// Whether this member hosts the room.
    pub host: bool,
    /// The encoding in which it reads.
    pub encoding: EncodingId,
    pub(super) attachment: Attachment,
    activity: Option<Box<Activity>>,
    number: Option<Box<Number>>,
}

impl Member {
    /// Whether the member has lost its connection and may come back.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        self.attachment.is_away()
    }

    /// What it did that counts, if it did anything.
    pub(super) fn activity(&self) -> Option<&Activity> {
        self.activity.as_deref()
    }

    /// The same, to add to it.
    pub(super) fn activity_mut(&mut self) -> &mut Activity {
        self.activity.get_or_insert_default()
    }

    /// The `seq` of its message with this id.
    pub(super) fn said(&self, id: IdHash) -> Option<u64> {
        self.activity()?.recent.find(id)
    }

    /// For how long the room takes no messages from it, because a host has muted it.
    #[must_use]
    pub fn muted_for(&self, time: Time) -> Option<Duration> {
        let until = self.activity()?.muted?;
        (time < until).then(|| until - time)
    }

    /// The room takes no messages from it until then; `None` lifts that.
    pub(super) fn mute(&mut self, until: Option<Time>) {
        if until.is_some() || self.activity.is_some() {
            self.activity_mut().muted = until;
        }
    }
}

/// A member as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: MemberId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether this member hosts the room.
    pub host: bool,
    /// Whether its connection is lost, and it may come back.
    pub away: bool,
}

/// Some of the members, copied so that nobody has to hold the room's lock to use them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The number of members in the room.
    pub count: usize,
    /// The members, by id.
    pub list: Vec<Listed>,
    /// Whether there are more after the last of them.
    pub more: bool,
}

/// All members of the room, in the order in which they joined.
#[derive(Debug)]
pub struct Members {
    /// Boxed, because the tree has about as many empty slots as members.
    by_id: BTreeMap<MemberId, Box<Member>>,
    last_id: u64,
    names: Names,
}

impl Members {
    /// No members.
    pub fn new(seed: Seed) -> Self {
        Self {
            by_id: BTreeMap::new(),
            last_id: 0,
            names: Names::new(seed),
        }
    }

    /// Adds a new member, under the wanted name or that name with a number.
    pub fn enter(
        &mut self,
        wanted: &WantedName,
        encoding: EncodingId,
        host: bool,
        token: Option<TokenHash>,
    ) -> (Lease, Arc<str>) {
        self.last_id += 1;
        // Counted up from 0 just before: never 0.
        let id = MemberId::new(self.last_id).unwrap_or(MemberId::MIN);
        self.take_in(id, wanted, encoding, host, token)
    }

    /// Makes ids of new members start after this one.
    pub fn go_on_after(&mut self, last_id: u64) {
        self.last_id = last_id;
    }

    /// Adds a member from before a restart, with its id and its name. `None` if the room
    /// never gave out that id, or it is in use.
    pub(super) fn restore(&mut self, absent: &Absent, encoding: EncodingId) -> Option<&mut Member> {
        let &Absent {
            id, host, token, ..
        } = absent;
        if id.get() > self.last_id || self.by_id.contains_key(&id) {
            return None;
        }
        self.take_in(
            id,
            &WantedName::of(&absent.name),
            encoding,
            host,
            Some(token),
        );
        self.get_mut(id)
    }

    fn take_in(
        &mut self,
        id: MemberId,
        wanted: &WantedName,
        encoding: EncodingId,
        host: bool,
        token: Option<TokenHash>,
    ) -> (Lease, Arc<str>) {
        let (name, number) = self.names.claim(wanted);
        let name: Arc<str> = name.into();
        let attachment = Attachment::new(token);
        let lease = attachment.lease(id);
        let member = Member {
            name: Arc::clone(&name),
            host,
            encoding,
            attachment,
            activity: None,
            number,
        };
        self.by_id.insert(id, Box::new(member));
        (lease, name)
    }

    /// Removes a member, and frees its name.
    pub fn leave(&mut self, id: MemberId) -> Option<Member> {
        let member = self.by_id.remove(&id)?;
        self.names.release(&member.name, member.number.as_deref());
        Some(*member)
    }

    /// The member with this id.
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id).map(|member| &**member)
    }

    /// The member with this id.
    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.by_id.get_mut(&id).map(|member| &mut **member)
    }

    /// The member of a lease, if the lease is valid.
    pub(super) fn held(&self, lease: Lease) -> Option<&Member> {
        let member = self.by_id.get(&lease.id)?;
        member.attachment.honours(lease).then_some(member)
    }

    /// The member of a lease, if the lease is valid.
    pub(super) fn held_mut(&mut self, lease: Lease) -> Option<&mut Member> {
        let member = self.by_id.get_mut(&lease.id)?;
        member.attachment.honours(lease).then_some(member)
    }

    /// The number of members, including those who are away.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// The first `limit` members with ids after `after`.
    pub fn list(&self, after: Option<MemberId>, limit: usize) -> Page {
        let mut members = self.after(after);
        let listed = members.by_ref().take(limit).map(|(id, member)| Listed {
            id,
            name: Arc::clone(&member.name),
            host: member.host,
            away: member.is_away(),
        });
        Page {
            count: self.count(),
            list: listed.collect(),
            more: members.next().is_some(),
        }
    }

    /// The members with ids after `after`, in order.
    pub fn after(&self, after: Option<MemberId>) -> impl Iterator<Item = (MemberId, &Member)> {
        let from = after.map_or(0, MemberId::get).saturating_add(1);
        let from = MemberId::new(from).unwrap_or(MemberId::MAX);
        self.by_id
            .range(from..)
            .map(|(id, member)| (*id, &**member))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::name::{ConfusableKey, NAME_LIMIT};
    use super::*;

    fn enter(members: &mut Members, wanted: &str) -> (MemberId, String) {
        let (lease, name) = members.enter(&WantedName::of(wanted), EncodingId::new(0), false, None);
        (lease.id, name.to_string())
    }

    #[test]
    fn a_name_in_use_gets_a_number() {
        let mut members = Members::new(Seed::new([7; 16]));
        let (ada, name) = enter(&mut members, "ada");
        assert_eq!(name, "ada");
        assert_eq!(enter(&mut members, "ada").1, "ada_1");
        assert_eq!(enter(&mut members, "ADA").1, "ADA_2");
        assert_eq!(enter(&mut members, "\u{430}da").1, "\u{430}da_3");
        members.leave(ada);
        assert_eq!(enter(&mut members, "Ada").1, "Ada");
    }

    #[test]
    fn a_number_given_back_is_given_again() {
        let mut members = Members::new(Seed::new([7; 16]));
        enter(&mut members, "ada");
        let (one, _) = enter(&mut members, "ada");
        enter(&mut members, "ada");
        members.leave(one);
        assert_eq!(enter(&mut members, "ada").1, "ada_1");
        assert_eq!(enter(&mut members, "ada").1, "ada_3");
    }

    #[test]
    fn a_number_that_someone_chose_is_passed_over() {
        let mut members = Members::new(Seed::new([7; 16]));
        enter(&mut members, "ada_1");
        enter(&mut members, "ada");
        assert_eq!(enter(&mut members, "ada").1, "ada_2");
    }

    #[test]
    fn a_long_name_keeps_to_the_limit_with_its_number() {
        let mut members = Members::new(Seed::new([7; 16]));
        let long = "x".repeat(NAME_LIMIT);
        enter(&mut members, &long);
        let (_, name) = enter(&mut members, &long);
        assert_eq!(name, "x".repeat(NAME_LIMIT - 2) + "_1");
    }

    #[test]
    fn an_id_never_returns() {
        let mut members = Members::new(Seed::new([7; 16]));
        let (first, _) = enter(&mut members, "ada");
        members.leave(first);
        let (second, _) = enter(&mut members, "ada");
        assert!(second > first);
        assert_eq!(members.after(None).count(), 1);
        assert_eq!(members.after(Some(second)).count(), 0);
    }

    proptest! {
        #[test]
        fn no_two_members_look_alike(
            steps in proptest::collection::vec(("[aAlI1_а]{0,3}", any::<bool>()), 1..60),
        ) {
            let mut members = Members::new(Seed::new([7; 16]));
            for (wanted, leave) in steps {
                let (id, _) = enter(&mut members, &wanted);
                if leave {
                    members.leave(id);
                }
                let keys: Vec<ConfusableKey> =
                    members.after(None).map(|(_, member)| ConfusableKey::of(&member.name)).collect();
                for (i, one) in keys.iter().enumerate() {
                    prop_assert!(keys[..i].iter().all(|other| !other.alike(one)));
                }
            }
            let ids: Vec<MemberId> = members.after(None).map(|(id, _)| id).collect();
            for id in ids {
                members.leave(id);
            }
            prop_assert!(members.names.is_empty());
        }
    }
}
