//! The order of a conversation, and the state of the user's own messages.
//!
//! First come the server's lines, in its order; below them the user's unconfirmed
//! messages, in the order of sending. The echo of a message moves it up into the server's
//! order.

use super::line::{Content, Delivery, Line, Message};

/// The most lines from the server that the app keeps for a reader at the end: as many
/// messages as a room in memory holds.
const KEPT: usize = 10_000;

/// The most lines that the app keeps for a reader further up, including older ones that
/// they requested. Beyond that, the app may drop even the lines that they look at.
const KEPT_FOR_READER: usize = 50_000;

/// This many more lines may come before the app drops the oldest, all at once.
const SLACK: usize = 1_000;

/// A conversation.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The lines from the server.
    told: Vec<Line>,
    /// The user's pending and unsent messages.
    unsent: Vec<Line>,
    next_key: u64,
    /// The `seq` of the newest message from the server.
    newest: u64,
    /// The position in `told` at which the current log begins: a `seq` before it belongs
    /// to another log.
    log_begin: usize,
}

/// The state of a conversation at some time.
#[derive(Debug)]
pub struct Mark {
    told: usize,
    /// The keys of the messages that were not confirmed then.
    unsent: Vec<u64>,
}

/// The change that a list which shows the conversation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The lines from here on may look different.
    pub from: usize,
    /// The position at which lines are removed and inserted.
    pub at: usize,
    /// The number of lines to remove.
    pub removed: usize,
    /// The number of lines to insert.
    pub added: usize,
}

impl Timeline {
    /// The number of lines.
    pub fn len(&self) -> usize {
        self.told.len() + self.unsent.len()
    }

    /// The line at a position, counted from the top.
    pub fn get(&self, place: usize) -> Option<&Line> {
        self.told
            .get(place)
            .or_else(|| self.unsent.get(place.checked_sub(self.told.len())?))
    }

    /// Adds a line from the server that is not a message.
    pub fn tell(&mut self, content: Content) {
        let key = self.key();
        self.told.push(Line { key, content });
    }

    /// The last addresses at which others can join.
    pub fn addresses(&self) -> Option<&Vec<String>> {
        self.told.iter().rev().find_map(|line| match &line.content {
            Content::Addresses(addresses) => Some(addresses),
            _ => None,
        })
    }

    /// Adds a message that the server sent with this `seq`; `id` is the sender's own id
    /// for it. Ignores a message that came before.
    pub fn hear(&mut self, seq: u64, id: Option<&str>, mut message: Message) {
        if seq <= self.newest {
            return;
        }
        self.newest = seq;
        message.delivery = Delivery::Confirmed(seq);
        let own = id
            .filter(|_| message.own)
            .and_then(|id| self.unconfirmed(id));
        let key = match own {
            Some(place) => self.unsent.remove(place).key,
            None => self.key(),
        };
        let content = Content::Message(message);
        self.told.push(Line { key, content });
    }

    /// The `seq` of the oldest message from the server.
    pub fn oldest(&self) -> Option<u64> {
        self.this_log().find_map(seq_of)
    }

    /// Whether there is a message, or the user has tried to send one.
    pub fn has_messages(&self) -> bool {
        let mut lines = self.told.iter().chain(&self.unsent);
        lines.any(|line| matches!(line.content, Content::Message(_)))
    }

    /// The lines of the current log.
    fn this_log(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.told.iter().skip(self.log_begin)
    }

    /// Whether there is room for this many more lines for a reader further up.
    pub fn has_room_for(&self, lines: u64) -> bool {
        self.told.len() as u64 + lines <= KEPT_FOR_READER as u64
    }

    /// Inserts older lines at the top, in their order.
    pub fn put_before(&mut self, contents: Vec<Content>) {
        let first_key = self.next_key + 1;
        let added = contents.len();
        self.next_key += added as u64;
        let lines = (first_key..).zip(contents);
        let lines = lines.map(|(key, content)| Line { key, content });
        if self.log_begin > 0 {
            self.log_begin += added;
        }
        self.told.splice(..0, lines);
    }

    /// Adds a message of the user that is not confirmed yet.
    pub fn say(&mut self, message: Message) {
        let key = self.key();
        let content = Content::Message(message);
        self.unsent.push(Line { key, content });
    }

    /// The server accepted the message with this id as the `seq`th. Does nothing if its
    /// echo has come.
    pub fn said(&mut self, id: &str, seq: u64) {
        let Some(place) = self.unconfirmed(id) else {
            return;
        };
        let mut line = self.unsent.remove(place);
        if self.this_log().rev().any(|line| seq_of(line) == Some(seq)) {
            return;
        }
        if let Content::Message(message) = &mut line.content {
            message.delivery = Delivery::Confirmed(seq);
        }
        self.told.push(line);
    }

    /// Whether the user's message with this id is pending.
    pub fn is_pending(&self, id: &str) -> bool {
        self.not_confirmed()
            .any(|message| matches!(&message.delivery, Delivery::Pending(it) if it == id))
    }

    /// The user's unconfirmed messages, in order.
    pub fn not_confirmed(&self) -> impl Iterator<Item = &Message> {
        self.unsent.iter().filter_map(|line| match &line.content {
            Content::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The message with this id was not sent, for this reason. Returns whether there is
    /// one that was not known to be unsent.
    pub fn give_up(&mut self, id: &str, why: &str) -> bool {
        let line = self.unconfirmed(id).and_then(|it| self.unsent.get_mut(it));
        let Some(Content::Message(message)) = line.map(|it| &mut it.content) else {
            return false;
        };
        let (id, why) = (id.to_owned(), why.to_owned());
        let before = std::mem::replace(&mut message.delivery, Delivery::Unsent { id, why });
        matches!(before, Delivery::Pending(_))
    }

    /// The session is over: no pending message will be confirmed.
    pub fn give_up_all(&mut self, why: &str) {
        let pending: Vec<String> = self
            .not_confirmed()
            .filter_map(|message| message.unconfirmed_id().map(str::to_owned))
            .filter(|id| self.is_pending(id))
            .collect();
        for id in pending {
            self.give_up(&id, why);
        }
    }

    /// The id and the text of an unsent message, by its key.
    pub fn unsent(&self, key: u64) -> Option<(String, String)> {
        let line = self.unsent.iter().find(|line| line.key == key)?;
        match &line.content {
            Content::Message(message) => match &message.delivery {
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
            let mut line = self.unsent.remove(place);
            if let Content::Message(message) = &mut line.content {
                message.delivery = Delivery::Pending(id);
            }
            self.unsent.push(line);
        }
    }

    /// Removes an unsent message.
    pub fn delete(&mut self, key: u64) {
        if let Some((id, _)) = self.unsent(key)
            && let Some(place) = self.unconfirmed(&id)
        {
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

    /// Drops the oldest lines if there are too many, and returns how many. A reader
    /// `further_up` keeps more of them.
    pub fn trim(&mut self, further_up: bool) -> usize {
        let kept = if further_up { KEPT_FOR_READER } else { KEPT };
        if self.told.len() < kept + SLACK {
            return 0;
        }
        let dropped = self.told.len() - kept;
        self.log_begin = self.log_begin.saturating_sub(dropped);
        self.told.drain(..dropped).count()
    }

    /// The current state.
    pub fn mark(&self) -> Mark {
        Mark {
            told: self.told.len(),
            unsent: self.unsent.iter().map(|line| line.key).collect(),
        }
    }

    /// The change since then: one change, however much happened.
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

    fn unconfirmed(&self, wanted: &str) -> Option<usize> {
        self.unsent.iter().position(|line| {
            matches!(&line.content, Content::Message(message)
                if message.unconfirmed_id() == Some(wanted))
        })
    }

    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

fn seq_of(line: &Line) -> Option<u64> {
    match &line.content {
        Content::Message(message) => message.seq(),
        _ => None,
    }
}

/// The one change that makes one list another: the number of items that stay at the
/// start, and the numbers of items to remove and to insert after them. Equal items at the
/// end stay.
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
