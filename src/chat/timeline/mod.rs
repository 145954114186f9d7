//! The order of a conversation, and the state of the user's own messages.
//!
//! First come the server's lines, in its order; below them the user's unconfirmed
//! messages, in the order of sending. The echo of a message moves it up into the server's
//! order.

use std::collections::BTreeSet;
use std::ops::Range;

use super::line::{Delivery, Line, Message, NotSent, continues};

/// The most lines from the server that the client keeps for a reader at the end: as many
/// messages as a room in memory holds.
const LIMIT: usize = 10_000;

/// The most lines that the client keeps for a reader further up, including older ones that
/// they requested. Beyond that, the client may drop even the lines that they look at.
const LIMIT_FOR_READER: usize = 50_000;

/// This many more lines may come before the client drops the oldest, all at once.
const SLACK: usize = 1_000;

/// A conversation.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The lines from the server.
    told: Vec<Item>,
    /// The user's pending and unsent messages.
    unsent: Vec<Item>,
    next_key: u64,
    /// The `seq` of the newest message from the server.
    newest: u64,
    /// The position in `told` at which the current log begins: a `seq` before it belongs
    /// to another log.
    log_begin: usize,
    /// The reader is not at the end.
    further_up: bool,
    /// The oldest lines were dropped.
    cut: bool,
    followed: Followed,
}

/// A line and its key.
#[derive(Debug)]
struct Item {
    key: u64,
    line: Line,
}

/// What a list that follows the conversation knows of it, since the last
/// [`Timeline::take_changes`].
#[derive(Debug, Default)]
struct Followed {
    /// Something has changed.
    changed: bool,
    /// The number of lines to remove from the top of the list.
    dropped: usize,
    /// The number of lines that have come before those of the list.
    older: usize,
    /// The number of lines from the server that the list has, and keeps.
    told: usize,
    /// The keys of the messages that were not confirmed, below them in the list.
    unsent: Vec<u64>,
    /// The keys of messages in the list that look different: at most one for each event
    /// since then.
    touched: BTreeSet<u64>,
}

/// A line as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The key, which no other line has. It never changes, also when a message is
    /// confirmed.
    pub key: u64,
    /// The line.
    pub line: Line,
    /// Whether the line begins a group, and so shows the sender.
    pub heads: bool,
}

/// A change that a list which shows the conversation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Lines are replaced. A line that is removed and added has only moved.
    Splice {
        /// The position of the first one.
        at: usize,
        /// The number of lines to remove.
        removed: usize,
        /// The lines to insert there.
        added: Vec<Shown>,
    },
    /// A line may look different.
    Look {
        /// Its position.
        at: usize,
        /// The same line, as it looks now.
        shown: Shown,
    },
}

impl Timeline {
    /// The number of lines.
    fn len(&self) -> usize {
        self.told.len() + self.unsent.len()
    }

    /// The line at a position, counted from the top.
    fn get(&self, place: usize) -> Option<&Item> {
        self.told
            .get(place)
            .or_else(|| self.unsent.get(place.checked_sub(self.told.len())?))
    }

    /// Adds a line from the server that is not a message.
    pub fn tell(&mut self, line: Line) {
        self.followed.changed = true;
        let key = self.key();
        self.told.push(Item { key, line });
    }

    /// The last addresses at which others can join.
    pub fn addresses(&self) -> Option<&Vec<String>> {
        self.told.iter().rev().find_map(|item| match &item.line {
            Line::Addresses(addresses) => Some(addresses),
            _ => None,
        })
    }

    /// Adds a message that the server sent; `id` is the sender's own id for it. Ignores a
    /// message that came before.
    pub fn hear(&mut self, id: Option<&str>, message: Message) {
        let Some(seq) = message.seq().filter(|seq| *seq > self.newest) else {
            return;
        };
        self.followed.changed = true;
        self.newest = seq;
        let own = id
            .filter(|_| message.own)
            .and_then(|id| self.unconfirmed(id));
        let key = match own {
            Some(place) => self.unsent.remove(place).key,
            None => self.key(),
        };
        let line = Line::Message(message);
        self.told.push(Item { key, line });
    }

    /// The `seq` of the oldest message from the server.
    pub fn oldest(&self) -> Option<u64> {
        self.this_log().find_map(seq_of)
    }

    /// Whether there is a message, or the user has tried to send one.
    pub fn has_messages(&self) -> bool {
        let mut lines = self.told.iter().chain(&self.unsent);
        lines.any(|item| matches!(item.line, Line::Message(_)))
    }

    /// The lines of the current log.
    fn this_log(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.told.iter().skip(self.log_begin)
    }

    /// Whether there is room for this many more lines for a reader further up.
    pub fn has_room_for(&self, lines: u64) -> bool {
        self.told.len() as u64 + lines <= LIMIT_FOR_READER as u64
    }

    /// Inserts older lines at the top, in their order.
    pub fn put_before(&mut self, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        self.followed.changed = true;
        let first_key = self.next_key + 1;
        let added = lines.len();
        self.next_key += added as u64;
        self.followed.older += added;
        if self.log_begin > 0 {
            self.log_begin += added;
        }
        let items = (first_key..).zip(lines);
        let items = items.map(|(key, line)| Item { key, line });
        self.told.splice(..0, items);
    }

    /// Adds a message of the user that is not confirmed yet.
    pub fn say(&mut self, message: Message) {
        self.followed.changed = true;
        let key = self.key();
        let line = Line::Message(message);
        self.unsent.push(Item { key, line });
    }

    /// The server accepted the message with this id as the `seq`th. Does nothing if its
    /// echo has come.
    pub fn said(&mut self, id: &str, seq: u64) {
        let Some(place) = self.unconfirmed(id) else {
            return;
        };
        self.followed.changed = true;
        let mut item = self.unsent.remove(place);
        if self.this_log().rev().any(|item| seq_of(item) == Some(seq)) {
            return;
        }
        if let Line::Message(message) = &mut item.line {
            message.delivery = Delivery::Confirmed(seq);
        }
        self.told.push(item);
    }

    /// The text of the message with this `seq` was erased. Returns the name of its
    /// sender if the conversation has the message, with its text.
    pub fn erase(&mut self, seq: u64) -> Option<String> {
        let this_log = self.told.iter_mut().skip(self.log_begin).rev();
        let (key, message) = this_log
            .filter_map(|item| match &mut item.line {
                Line::Message(message) => Some((item.key, message)),
                _ => None,
            })
            .find(|(_, message)| message.seq() == Some(seq))?;
        if std::mem::replace(&mut message.erased, true) {
            return None;
        }
        message.text = String::new();
        let name = message.name.clone();
        self.followed.changed = true;
        self.followed.touched.insert(key);
        Some(name)
    }

    /// Whether the user's message with this id is pending.
    pub fn is_pending(&self, id: &str) -> bool {
        self.not_confirmed()
            .any(|message| matches!(&message.delivery, Delivery::Pending(it) if it == id))
    }

    /// The user's unconfirmed messages, in order.
    pub fn not_confirmed(&self) -> impl Iterator<Item = &Message> {
        self.unsent.iter().filter_map(|item| match &item.line {
            Line::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The message with this id was not sent, for this reason. Returns whether there is
    /// one that was not known to be unsent.
    pub fn give_up(&mut self, id: &str, why: &NotSent) -> bool {
        let item = self.unconfirmed(id).and_then(|it| self.unsent.get_mut(it));
        let Some(Line::Message(message)) = item.map(|it| &mut it.line) else {
            return false;
        };
        self.followed.changed = true;
        let (id, why) = (id.to_owned(), why.clone());
        let before = std::mem::replace(&mut message.delivery, Delivery::Unsent { id, why });
        matches!(before, Delivery::Pending(_))
    }

    /// The session is over: no pending message will be confirmed.
    pub fn give_up_all(&mut self) {
        let pending: Vec<String> = self
            .not_confirmed()
            .filter_map(|message| message.unconfirmed_id().map(str::to_owned))
            .filter(|id| self.is_pending(id))
            .collect();
        for id in pending {
            self.give_up(&id, &NotSent::Unknown);
        }
    }

    /// The id and the text of an unsent message, by its key.
    pub fn unsent(&self, key: u64) -> Option<(String, String)> {
        let item = self.unsent.iter().find(|item| item.key == key)?;
        match &item.line {
            Line::Message(message) => match &message.delivery {
                Delivery::Unsent { id, .. } => Some((id.clone(), message.text.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The user sends an unsent message again: it is pending, below all later lines.
    pub fn send_again(&mut self, key: u64) {
        if let Some((id, _)) = self.unsent(key)
            && let Some(place) = self.unconfirmed(&id)
        {
            self.followed.changed = true;
            let mut item = self.unsent.remove(place);
            if let Line::Message(message) = &mut item.line {
                message.delivery = Delivery::Pending(id);
            }
            self.unsent.push(item);
        }
    }

    /// Removes an unsent message.
    pub fn delete(&mut self, key: u64) {
        if let Some((id, _)) = self.unsent(key)
            && let Some(place) = self.unconfirmed(&id)
        {
            self.followed.changed = true;
            self.unsent.remove(place);
        }
    }

    /// The `seq` of the newest message from the server; 0 before the first one.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The messages up to the one with this `seq` will not come.
    pub fn miss(&mut self, seq: u64) {
        self.newest = self.newest.max(seq);
    }

    /// The next messages come from another log, which gives the same `seq`s again.
    pub fn begin_log(&mut self) {
        self.newest = 0;
        self.log_begin = self.told.len();
    }

    /// Sets whether the reader is not at the end: then the conversation keeps more lines.
    pub fn set_read_further_up(&mut self, further_up: bool) {
        if std::mem::replace(&mut self.further_up, further_up) != further_up && !further_up {
            self.trim();
        }
    }

    /// Drops the oldest lines, if there are too many.
    pub fn trim(&mut self) {
        let kept = if self.further_up {
            LIMIT_FOR_READER
        } else {
            LIMIT
        };
        if self.told.len() < kept + SLACK {
            return;
        }
        self.drop_oldest(self.told.len() - kept);
    }

    /// Drops this many of the oldest lines from the server.
    fn drop_oldest(&mut self, lines: usize) {
        let dropped = lines.min(self.told.len());
        self.log_begin = self.log_begin.saturating_sub(dropped);
        self.told.drain(..dropped);
        self.cut = true;
        let followed = &mut self.followed;
        followed.changed = true;
        // First those that the list never had, then those that it has.
        let of_older = dropped.min(followed.older);
        followed.older -= of_older;
        let of_told = (dropped - of_older).min(followed.told);
        followed.told -= of_told;
        followed.dropped += of_told;
    }

    /// Whether the oldest lines were dropped since the last call.
    pub fn was_cut(&mut self) -> bool {
        std::mem::take(&mut self.cut)
    }

    /// The changes since the last call, to be applied in their order: at most one at the
    /// top and one at the end, however much happened, and how the lines beside them look.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let before = &self.followed;
        if !before.changed {
            return Vec::new();
        }
        let mut changes = Vec::new();
        if before.older > 0 || before.dropped > 0 {
            let added = self.shown(0..before.older).collect();
            let (at, removed) = (0, before.dropped);
            changes.push(Change::Splice { at, removed, added });
            if before.told > 0 {
                // This line may continue a group now, or the group may be gone.
                changes.extend(self.looks(before.older..before.older + 1));
            }
        }
        let from = before.older + before.told;
        let keys: Vec<u64> = (from..self.len())
            .filter_map(|place| self.get(place))
            .map(|item| item.key)
            .collect();
        let (same, removed, added) = difference(&before.unsent, &keys);
        let at = from + same;
        if removed > 0 || added > 0 {
            let added = self.shown(at..at + added).collect();
            changes.push(Change::Splice { at, removed, added });
        }
        changes.extend(self.looks(from..at));
        changes.extend(self.looks(at + added..self.len()));
        changes.extend(self.touched_looks(before.older..from));
        self.followed = Followed {
            told: self.told.len(),
            unsent: self.unsent.iter().map(|item| item.key).collect(),
            ..Followed::default()
        };
        changes
    }

    /// The lines at these positions, as a list shows them.
    fn shown(&self, places: Range<usize>) -> impl Iterator<Item = Shown> {
        places.filter_map(|place| {
            let item = self.get(place)?;
            let before = place.checked_sub(1).and_then(|it| self.get(it));
            Some(Shown {
                key: item.key,
                line: item.line.clone(),
                heads: !continues(before.map(|it| &it.line), &item.line),
            })
        })
    }

    fn looks(&self, places: Range<usize>) -> impl Iterator<Item = Change> {
        let shown = self.shown(places.clone());
        places
            .zip(shown)
            .map(|(at, shown)| Change::Look { at, shown })
    }

    /// The lines at these positions that look different.
    fn touched_looks(&self, places: Range<usize>) -> impl Iterator<Item = Change> {
        let touched = &self.followed.touched;
        let places = if touched.is_empty() { 0..0 } else { places };
        places
            .filter(|place| self.get(*place).is_some_and(|it| touched.contains(&it.key)))
            .flat_map(|place| self.looks(place..place + 1))
    }

    fn unconfirmed(&self, wanted: &str) -> Option<usize> {
        self.unsent.iter().position(|item| {
            matches!(&item.line, Line::Message(message)
                if message.unconfirmed_id() == Some(wanted))
        })
    }

    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

fn seq_of(item: &Item) -> Option<u64> {
    match &item.line {
        Line::Message(message) => message.seq(),
        _ => None,
    }
}

/// The one change that makes one list another: the number of items that stay at the
/// start, and the numbers of items to remove and to insert after them. Equal items at the
/// end stay.
pub fn difference<T: PartialEq>(old: &[T], new: &[T]) -> (usize, usize, usize) {
    let same = |(a, b): &(&T, &T)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[before..], &new[before..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let after = ends.take_while(same).count();
    (before, old.len() - after, new.len() - after)
}

#[cfg(test)]
mod tests;
