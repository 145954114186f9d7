//! Who is in the room, and the names that are taken.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::durable::Absent;
use super::event::MemberId;
use super::log::Encoding;
use super::name::{Looks, NAME_LIMIT, WantedName};
use super::rate::Meter;
use super::sessions::{Lease, Seat, SessionKey};

/// Someone in the room.
#[derive(Debug)]
pub struct Member {
    /// The name it got.
    pub name: Arc<str>,
    /// Whether the room is hosted by it.
    pub host: bool,
    /// The door it came in by.
    pub door: Encoding,
    pub(super) meter: Meter,
    pub(super) seat: Seat,
    number: Option<Box<Number>>,
}

impl Member {
    /// Whether its connection is lost, and it may come back.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        self.seat.is_away()
    }
}

/// Everyone in the room, in the order in which they came.
#[derive(Debug, Default)]
pub struct Members {
    /// Boxed, because the tree has about as many empty places as members.
    by_id: BTreeMap<MemberId, Box<Member>>,
    last_id: u64,
    names: Names,
    text_readers: usize,
}

impl Members {
    /// Takes a newcomer in, under the name it wants or the nearest free one.
    pub fn enter(
        &mut self,
        wanted: &str,
        door: Encoding,
        host: bool,
        session: Option<SessionKey>,
    ) -> (Lease, Arc<str>) {
        self.last_id += 1;
        // Counted up from 0 just before: never 0.
        let id = MemberId::new(self.last_id).unwrap_or(MemberId::MIN);
        self.take_in(id, wanted, door, host, session)
    }

    /// Gives no id up to this one to anyone who comes.
    pub fn go_on_after(&mut self, last_id: u64) {
        self.last_id = last_id;
    }

    /// Takes someone in who was here before, with its id and its name; `None` if
    /// that id is not one of those that were given.
    pub(super) fn restore(&mut self, absent: &Absent) -> Option<&mut Seat> {
        let &Absent {
            id, host, session, ..
        } = absent;
        if id.get() > self.last_id || self.by_id.contains_key(&id) {
            return None;
        }
        self.take_in(id, &absent.name, Encoding::Native, host, Some(session));
        self.by_id.get_mut(&id).map(|member| &mut member.seat)
    }

    fn take_in(
        &mut self,
        id: MemberId,
        wanted: &str,
        door: Encoding,
        host: bool,
        session: Option<SessionKey>,
    ) -> (Lease, Arc<str>) {
        let (name, number) = self.names.claim(&WantedName::of(wanted));
        let name: Arc<str> = name.into();
        self.text_readers += usize::from(door == Encoding::Text);
        let seat = Seat::new(session);
        let lease = seat.lease(id);
        let member = Member {
            name: Arc::clone(&name),
            host,
            door,
            meter: Meter::default(),
            seat,
            number,
        };
        self.by_id.insert(id, Box::new(member));
        (lease, name)
    }

    /// Lets a member go; its name is free then.
    pub fn leave(&mut self, id: MemberId) -> Option<Member> {
        let member = self.by_id.remove(&id)?;
        self.names.release(&member.name, member.number.as_deref());
        self.text_readers -= usize::from(member.door == Encoding::Text);
        Some(*member)
    }

    /// The member with this id.
    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.by_id.get_mut(&id).map(|member| &mut **member)
    }

    /// The member that a lease is for, unless it is over.
    pub(super) fn held(&self, lease: Lease) -> Option<&Member> {
        let member = self.by_id.get(&lease.id)?;
        member.seat.honours(lease).then_some(member)
    }

    /// The member that a lease is for, unless it is over.
    pub(super) fn held_mut(&mut self, lease: Lease) -> Option<&mut Member> {
        let member = self.by_id.get_mut(&lease.id)?;
        member.seat.honours(lease).then_some(member)
    }

    /// How many are in the room.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// How many came in by the text door.
    #[must_use]
    pub const fn text_readers(&self) -> usize {
        self.text_readers
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

/// The number put behind a name, which a member gives back when it leaves.
#[derive(Debug)]
struct Number {
    /// The name that was wanted, by how it reads.
    wanted: String,
    number: u32,
}

/// The names in use, compared by how they look.
#[derive(Debug, Default)]
struct Names {
    seen: Hashes,
    read: Hashes,
    numbers: HashMap<String, Numbers>,
}

/// A set of texts of which no more is kept than 64 bits of a hash each, with a key
/// that nobody knows: what takes two for one (once in 10¹⁵ members of a full room)
/// gives a number to a name that needs none.
#[derive(Debug, Default)]
struct Hashes {
    of: RandomState,
    set: HashSet<u64>,
}

impl Hashes {
    fn contain(&self, text: &str) -> bool {
        self.set.contains(&self.of.hash_one(text))
    }

    fn insert(&mut self, text: &str) {
        self.set.insert(self.of.hash_one(text));
    }

    fn remove(&mut self, text: &str) {
        self.set.remove(&self.of.hash_one(text));
    }
}

/// The numbers put behind one name. They make a crowd of the same name cost no
/// more than a crowd of different ones.
#[derive(Debug)]
struct Numbers {
    /// All from here on were never given.
    next: u32,
    /// Given back.
    free: BTreeSet<u32>,
    /// How many are in use.
    used: u32,
}

impl Names {
    /// Claims `name`, or `name_1`, `name_2`, … if it is in use.
    fn claim(&mut self, wanted: &WantedName) -> (String, Option<Box<Number>>) {
        let (name, looks) = (wanted.as_str(), wanted.looks());
        if self.is_free(looks) {
            self.take(looks);
            return (name.to_owned(), None);
        }
        let wanted = looks.read.clone();
        let mut misses = 0;
        loop {
            let numbers = self
                .numbers
                .entry(wanted.clone())
                .or_insert_with(|| Numbers {
                    next: 1,
                    free: BTreeSet::new(),
                    used: 0,
                });
            let number = numbers.free.pop_first().unwrap_or_else(|| {
                let number = numbers.next;
                // Where many chose such names themselves, it skips ever more.
                let skip = 1_u32 << u32::saturating_sub(misses, 3).min(20);
                numbers.next = number.saturating_add(skip);
                number
            });
            let name = numbered(name, number);
            let looks = Looks::of(&name);
            if self.is_free(&looks) {
                if let Some(numbers) = self.numbers.get_mut(&wanted) {
                    numbers.used += 1;
                }
                self.take(&looks);
                return (name, Some(Box::new(Number { wanted, number })));
            }
            // Someone chose this very name: go on to another number.
            misses += 1;
        }
    }

    fn is_free(&self, looks: &Looks) -> bool {
        !self.seen.contain(&looks.seen) && !self.read.contain(&looks.read)
    }

    fn take(&mut self, looks: &Looks) {
        self.seen.insert(&looks.seen);
        self.read.insert(&looks.read);
    }

    /// Frees a name, and the number put behind it. How the name looks is found
    /// out again: held for each member, it would take more than all else of it.
    fn release(&mut self, name: &str, number: Option<&Number>) {
        let looks = Looks::of(name);
        self.seen.remove(&looks.seen);
        self.read.remove(&looks.read);
        if let Some(Number { wanted, number }) = number
            && let Some(numbers) = self.numbers.get_mut(wanted)
        {
            numbers.used -= 1;
            numbers.free.insert(*number);
            if numbers.used == 0 {
                self.numbers.remove(wanted);
            }
        }
    }
}

/// `name` with a number behind it, cut so that it keeps to the limit.
fn numbered(name: &str, number: u32) -> String {
    let suffix = format!("_{number}");
    let kept: String = name.chars().take(NAME_LIMIT - suffix.len()).collect();
    kept.trim_end().to_owned() + &suffix
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn enter(members: &mut Members, wanted: &str) -> (MemberId, String) {
        let (lease, name) = members.enter(wanted, Encoding::Native, false, None);
        (lease.id, name.to_string())
    }

    #[test]
    fn a_name_in_use_gets_a_number() {
        let mut members = Members::default();
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
        let mut members = Members::default();
        enter(&mut members, "ada");
        let (one, _) = enter(&mut members, "ada");
        enter(&mut members, "ada");
        members.leave(one);
        assert_eq!(enter(&mut members, "ada").1, "ada_1");
        assert_eq!(enter(&mut members, "ada").1, "ada_3");
    }

    #[test]
    fn a_number_that_someone_chose_is_passed_over() {
        let mut members = Members::default();
        enter(&mut members, "ada_1");
        enter(&mut members, "ada");
        assert_eq!(enter(&mut members, "ada").1, "ada_2");
    }

    #[test]
    fn a_crowd_of_chosen_numbers_costs_no_search_through_all_of_them() {
        let mut members = Members::default();
        for n in 1..5_000 {
            enter(&mut members, &format!("ada_{n}"));
        }
        enter(&mut members, "ada");
        let (_, name) = enter(&mut members, "ada");
        let number: u32 = name.strip_prefix("ada_").unwrap().parse().unwrap();
        // Found by doubling steps, not one by one.
        assert!(number > 5_000, "{name}");
    }

    #[test]
    fn a_long_name_keeps_to_the_limit_with_its_number() {
        let mut members = Members::default();
        let long = "x".repeat(NAME_LIMIT);
        enter(&mut members, &long);
        let (_, name) = enter(&mut members, &long);
        assert_eq!(name, "x".repeat(NAME_LIMIT - 2) + "_1");
    }

    #[test]
    fn an_id_never_returns() {
        let mut members = Members::default();
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
            let mut members = Members::default();
            for (wanted, leave) in steps {
                let (id, _) = enter(&mut members, &wanted);
                if leave {
                    members.leave(id);
                }
                let looks: Vec<Looks> =
                    members.after(None).map(|(_, member)| Looks::of(&member.name)).collect();
                for (i, one) in looks.iter().enumerate() {
                    prop_assert!(looks[..i].iter().all(|other| !other.alike(one)));
                }
            }
            let ids: Vec<MemberId> = members.after(None).map(|(id, _)| id).collect();
            for id in ids {
                members.leave(id);
            }
            prop_assert!(members.names.numbers.is_empty());
            prop_assert!(members.names.seen.set.is_empty() && members.names.read.set.is_empty());
        }
    }
}
