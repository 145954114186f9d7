//! The names in use, and the numbers added to names that several members want.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{ConfusableKey, NAME_LIMIT, WantedName, clean_name};
use super::seed::{KeyedHash, Seed};

/// The number of tries in order. In a crowd that wants the same name, each member gets
/// `ada_1`, `ada_2`, … at the first try; more tries are needed only where members chose
/// such names themselves.
const TRIES_IN_ORDER: usize = 8;

/// The number of random tries afterwards. Each number is in use with a probability of 1
/// in 32 at most.
const TRIES_BY_CHANCE: usize = 16;

/// Random numbers come from a range of at least this size, and at least this many for
/// each name in use.
const CHANCES: (u32, u32) = (1_000, 64);

/// The number added to a name. A member gives it back when it leaves.
#[derive(Debug)]
pub(super) struct Number {
    /// The skeleton of the wanted name (see [`ConfusableKey::read`]).
    wanted: String,
    number: u32,
}

/// The names in use, compared by how they look.
#[derive(Debug)]
pub(super) struct Names {
    seen: Hashes,
    read: Hashes,
    numbers: BTreeMap<String, Numbers>,
    /// The key of the random numbers, so that nobody outside can foresee them.
    chance: KeyedHash,
    /// The number of random draws so far.
    draws: u64,
}

/// A set of texts, as 64 bits of a hash each. The key of the hash is secret. Two texts
/// with the same hash (once in 10¹⁵ members of a full room) only give a number to a name
/// that needs none.
#[derive(Debug)]
struct Hashes {
    of: KeyedHash,
    set: BTreeSet<u64>,
}

impl Hashes {
    const fn new(of: KeyedHash) -> Self {
        let set = BTreeSet::new();
        Self { of, set }
    }

    fn contain(&self, text: &str) -> bool {
        self.set.contains(&self.of.of(text.as_bytes()))
    }

    fn insert(&mut self, text: &str) {
        self.set.insert(self.of.of(text.as_bytes()));
    }

    fn remove(&mut self, text: &str) {
        self.set.remove(&self.of.of(text.as_bytes()));
    }
}

/// The numbers added to one name, so that a crowd with the same name costs no more than a
/// crowd with different ones.
#[derive(Debug, Default)]
struct Numbers {
    /// The last number tried in order.
    last: u32,
    /// The numbers that members gave back. A claim uses at least one of them if there is
    /// one, so there are never more than members had at the same time.
    free: BTreeSet<u32>,
    /// The number of them in use.
    used: u32,
}

impl Numbers {
    /// The next number to try.
    fn next(&mut self) -> u32 {
        self.free.pop_first().unwrap_or_else(|| {
            self.last = self.last.saturating_add(1);
            self.last
        })
    }
}

impl Names {
    /// No names; nobody who does not know the seed can foresee the numbers.
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seen: Hashes::new(seed.hash_for("names as seen")),
            read: Hashes::new(seed.hash_for("names as read")),
            numbers: BTreeMap::new(),
            chance: seed.hash_for("numbers of names"),
            draws: 0,
        }
    }

    /// Claims the wanted name, or that name with a number after it if it is in use.
    ///
    /// Members can have any names they choose, so the number of tries is small, and
    /// nobody can foresee them after the first [`TRIES_IN_ORDER`].
    pub(super) fn claim(&mut self, wanted: &WantedName) -> (String, Option<Box<Number>>) {
        if self.is_free(wanted.key()) {
            self.take(wanted.key());
            return (wanted.as_str().to_owned(), None);
        }
        let base = wanted.key().read.clone();
        let mut numbers = self.numbers.remove(&base).unwrap_or_default();
        let (number, name, key) = self.find(wanted.as_str(), &mut numbers);
        self.take(&key);
        numbers.used += 1;
        self.numbers.insert(base.clone(), numbers);
        let number = Number {
            wanted: base,
            number,
        };
        (name, Some(Box::new(number)))
    }

    /// A number that makes `name` free.
    fn find(&mut self, name: &str, numbers: &mut Numbers) -> (u32, String, ConfusableKey) {
        for _ in 0..TRIES_IN_ORDER {
            if let Some(found) = self.try_number(name, numbers.next()) {
                return found;
            }
        }
        let range = self.range();
        for _ in 0..TRIES_BY_CHANCE {
            self.draws += 1;
            let draw = self.chance.of(&self.draws.to_le_bytes()) % u64::from(range);
            let number = u32::try_from(draw).unwrap_or(0) + 1;
            if let Some(found) = self.try_number(name, number) {
                return found;
            }
        }
        // Reached once in 10²⁴ times.
        self.find_above(name, range)
    }

    /// A number above `range` that makes `name` free. Each name in use has one skeleton
    /// as it is seen and one as it is read; so among twice as many numbers, and one more,
    /// one is free.
    fn find_above(&self, name: &str, range: u32) -> (u32, String, ConfusableKey) {
        let most = u32::try_from(2 * self.seen.set.len() + 1).unwrap_or(u32::MAX);
        (range..=range.saturating_add(most))
            .skip(1)
            .find_map(|number| self.try_number(name, number))
            .unwrap_or_else(|| (0, name.to_owned(), ConfusableKey::of(name)))
    }

    /// The size of the range of random numbers.
    fn range(&self) -> u32 {
        let (least, each) = CHANCES;
        let names = u32::try_from(self.seen.set.len()).unwrap_or(u32::MAX);
        names.saturating_mul(each).clamp(least, u32::MAX / 2)
    }

    fn try_number(&self, name: &str, number: u32) -> Option<(u32, String, ConfusableKey)> {
        let name = numbered(name, number);
        let key = ConfusableKey::of(&name);
        self.is_free(&key).then_some((number, name, key))
    }

    fn is_free(&self, key: &ConfusableKey) -> bool {
        !self.seen.contain(&key.seen) && !self.read.contain(&key.read)
    }

    fn take(&mut self, key: &ConfusableKey) {
        self.seen.insert(&key.seen);
        self.read.insert(&key.read);
    }

    /// Frees a name, and the number added to it. This computes the skeletons of the name
    /// again: storing them would take more memory than the rest of a member.
    pub(super) fn release(&mut self, name: &str, number: Option<&Number>) {
        let key = ConfusableKey::of(name);
        self.seen.remove(&key.seen);
        self.read.remove(&key.read);
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

    /// Whether no name is in use.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.seen.set.is_empty() && self.read.set.is_empty()
    }
}

/// `name` with a number after it, cut so that it keeps to the limit.
fn numbered(name: &str, number: u32) -> String {
    let suffix = format!("_{number}");
    let kept: String = name.chars().take(NAME_LIMIT - suffix.len()).collect();
    // After the cut, it may end in half of a sequence.
    clean_name(&kept).unwrap_or_default() + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(names: &mut Names, wanted: &str) -> String {
        names.claim(&WantedName::of(wanted)).0
    }

    /// The numbers that `claim` would try without end, or for long, if it tried them in
    /// an order that can be foreseen: one by one, by doubling steps as it once did, and
    /// by powers of two and of ten.
    fn foreseen() -> BTreeSet<u32> {
        let one_by_one = 1..=3_000;
        let mut doubling = vec![1_u32];
        for misses in 0..4_200_u32 {
            let skip = 1_u32 << misses.saturating_sub(3).min(20);
            doubling.push(doubling[misses as usize].saturating_add(skip));
        }
        let powers = (0..32).map(|n| 1_u32 << n);
        let tens = (0..10).map(|n| 10_u32.pow(n));
        one_by_one
            .chain(doubling)
            .chain(powers)
            .chain(tens)
            .chain([u32::MAX - 1, u32::MAX])
            .collect()
    }

    #[test]
    fn names_chosen_to_be_in_the_way_cost_a_few_tries() {
        let mut names = Names::new(Seed::new([7; 16]));
        for number in foreseen() {
            claim(&mut names, &format!("ada_{number}"));
        }
        claim(&mut names, "ada");
        for _ in 0..200 {
            let mut numbers = Numbers::default();
            let before = names.draws;
            let (_, name, key) = names.find("ada", &mut numbers);
            assert!(names.is_free(&key), "{name}");
            let draws = names.draws - before;
            assert!(draws <= TRIES_BY_CHANCE as u64, "{draws} draws");
            assert!(numbers.last as usize <= TRIES_IN_ORDER);
        }
        let members: BTreeSet<String> = (0..200).map(|_| claim(&mut names, "ada")).collect();
        assert_eq!(members.len(), 200);
    }

    #[test]
    fn rooms_with_other_seeds_draw_other_numbers() {
        let drawn = |seed| {
            let mut names = Names::new(Seed::new([seed; 16]));
            for number in 0..=TRIES_IN_ORDER {
                claim(&mut names, &format!("ada_{number}"));
            }
            claim(&mut names, "ada");
            (0..4).map(|_| claim(&mut names, "ada")).collect::<Vec<_>>()
        };
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1), drawn(1));
    }

    #[test]
    fn where_chance_finds_nothing_the_next_free_number_is_found() {
        let mut names = Names::new(Seed::new([7; 16]));
        for number in 1_001..1_400 {
            claim(&mut names, &format!("ada_{number}"));
        }
        assert_eq!(names.find_above("ada", 1_000).0, 1_400);
        assert_eq!(names.find_above("ada", 1_400).0, 1_401);
    }

    #[test]
    fn numbers_given_back_and_then_chosen_cost_a_few_tries() {
        let mut names = Names::new(Seed::new([7; 16]));
        claim(&mut names, "ada");
        let crowd: Vec<_> = (0..1_000)
            .map(|_| names.claim(&WantedName::of("ada")))
            .collect();
        for (name, number) in crowd.iter().skip(1) {
            names.release(name, number.as_deref());
        }
        for (name, _) in crowd.iter().skip(1) {
            assert_eq!(claim(&mut names, name), *name);
        }
        let given_back = names.numbers.values().next().unwrap().free.len();
        claim(&mut names, "ada");
        let left = names.numbers.values().next().unwrap().free.len();
        assert_eq!(given_back - left, TRIES_IN_ORDER);
    }
}
