//! The order of a conversation, and what becomes of the user's own messages.
//!
//! First stands what the server told, in its order; below it what the user said
//! and the server has not confirmed, in the order in which it was said. The echo
//! of a message moves it up into the server's order.

use super::line::{Content, Delivery, Line, Message};

/// The most lines of what the server told that are kept for who is at the end: as many
/// messages as a room in memory holds itself.
const KEPT: usize = 10_000;

/// The most lines that are kept for who reads further up, older ones that they asked
/// for among them. Beyond, even what they look at may have to go.
const KEPT_FOR_READER: usize = 50_000;

/// So many more are let come before the oldest go: they go together.
const SLACK: usize = 1_000;

/// A conversation.
#[derive(Debug, Default)]
pub struct Timeline {
    /// What the server told.
    told: Vec<Line>,
    /// The user's messages that are pending or were refused.
    unsent: Vec<Line>,
    next_key: u64,
    /// The `seq` of the newest message that was told.
    newest: u64,
}

/// A conversation as it stood at some time.
#[derive(Debug)]
pub struct Mark {
    told: usize,
    /// The keys of what was not confirmed then.
    unsent: Vec<u64>,
}

/// What must be done to a list that shows a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The lines from here on may look different.
    pub from: usize,
    /// Where lines are taken out and put in.
    pub at: usize,
    /// How many are taken out.
    pub removed: usize,
    /// How many are put in.
    pub added: usize,
}

impl Timeline {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.told.len() + self.unsent.len()
    }

    /// The line at a place, counted from the top.
    pub fn get(&self, place: usize) -> Option<&Line> {
        self.told
            .get(place)
            .or_else(|| self.unsent.get(place.checked_sub(self.told.len())?))
    }

    /// Adds what the server told, other than messages.
    pub fn tell(&mut self, content: Content) {
        let key = self.key();
        self.told.push(Line { key, content });
    }

    /// Adds a message that the server told as its `seq`th; `id` is its sender's own id
    /// for it. One that was told before is not told twice.
    pub fn hear(&mut self, seq: u64, id: Option<&str>, mut message: Message) {
        if seq <= self.newest {
            return;
        }
        self.newest = seq;
        message.delivery = Delivery::Confirmed(seq);
        let own = id.filter(|_| message.own).and_then(|id| self.pending(id));
        let key = match own {
            Some(place) => self.unsent.remove(place).key,
            None => self.key(),
        };
        let content = Content::Message(message);
        self.told.push(Line { key, content });
    }

    /// The `seq` of the oldest message that the server told.
    pub fn oldest(&self) -> Option<u64> {
        self.told.iter().find_map(|line| match &line.content {
            Content::Message(message) => message.seq(),
            _ => None,
        })
    }

    /// Whether it may hold so many more lines for who reads further up.
    pub fn has_room_for(&self, lines: u64) -> bool {
        self.told.len() as u64 + lines <= KEPT_FOR_READER as u64
    }

    /// Puts in at the top, in their order, what stands before the oldest line.
    pub fn put_before(&mut self, contents: Vec<Content>) {
        let first_key = self.next_key + 1;
        self.next_key += contents.len() as u64;
        let lines = (first_key..).zip(contents);
        let lines = lines.map(|(key, content)| Line { key, content });
        self.told.splice(..0, lines);
    }

    /// Adds a message of the user's, which is not confirmed yet.
    pub fn say(&mut self, message: Message) {
        let key = self.key();
        let content = Content::Message(message);
        self.unsent.push(Line { key, content });
    }

    /// The message with this id was not said. Returns whether there is one.
    pub fn refuse(&mut self, id: &str, why: &str) -> bool {
        let line = self.pending(id).and_then(|it| self.unsent.get_mut(it));
        let Some(Content::Message(message)) = line.map(|it| &mut it.content) else {
            return false;
        };
        message.delivery = Delivery::Refused(why.to_owned());
        true
    }

    /// Nothing more will be heard: whatever is pending will not be confirmed.
    pub fn give_up(&mut self, why: &str) {
        for line in &mut self.unsent {
            if let Content::Message(message) = &mut line.content
                && matches!(message.delivery, Delivery::Pending(_))
            {
                message.delivery = Delivery::Refused(why.to_owned());
            }
        }
    }

    /// Takes a refused message out, and returns its text.
    pub fn take_refused(&mut self, key: u64) -> Option<String> {
        let place = self.unsent.iter().position(|line| {
            line.key == key
                && matches!(&line.content, Content::Message(message)
                    if matches!(message.delivery, Delivery::Refused(_)))
        })?;
        match self.unsent.remove(place).content {
            Content::Message(message) => Some(message.text),
            _ => None,
        }
    }

    /// Lets go of the oldest lines if there are too many, and tells of how many. Who
    /// reads `further_up` keeps more of them.
    pub fn trim(&mut self, further_up: bool) -> usize {
        let kept = if further_up { KEPT_FOR_READER } else { KEPT };
        if self.told.len() < kept + SLACK {
            return 0;
        }
        self.told.drain(..self.told.len() - kept).count()
    }

    /// How it stands now.
    pub fn mark(&self) -> Mark {
        Mark {
            told: self.told.len(),
            unsent: self.unsent.iter().map(|line| line.key).collect(),
        }
    }

    /// What has changed since: one change, however much happened.
    pub fn change_since(&self, mark: &Mark) -> Change {
        let from = mark.told;
        let new: Vec<u64> = (from..self.len())
            .filter_map(|place| self.get(place))
            .map(|line| line.key)
            .collect();
        let (before, removed, added) = difference(&mark.unsent, &new);
        Change {
            from,
            at: from + before,
            removed,
            added,
        }
    }

    fn pending(&self, wanted: &str) -> Option<usize> {
        self.unsent.iter().position(|line| {
            matches!(&line.content, Content::Message(Message {
                delivery: Delivery::Pending(id), ..
            }) if id == wanted)
        })
    }

    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

/// How one list becomes another by one change: how many stay at the start, and how
/// many after them are taken out and put in. What is the same at the end stays.
pub(super) fn difference<T: PartialEq>(old: &[T], new: &[T]) -> (usize, usize, usize) {
    let same = |(a, b): &(&T, &T)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[before..], &new[before..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let after = ends.take_while(same).count();
    (before, old.len() - after, new.len() - after)
}

#[cfg(test)]
mod tests;
