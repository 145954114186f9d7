//! The older messages that the client does not hold, and the requests for them.
//!
//! They come in pages, one at a time, when the reader nears the oldest message.

use crate::protocol::native::frame::Page;
use crate::room::Entry;

/// The state of the messages before those that the client holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// The client can request nothing.
    #[default]
    Closed,
    /// The client holds the oldest available message.
    Over,
    /// There may be older ones; if the client holds no message, they come before this `seq`.
    Open(u64),
    /// The client has requested those before this `seq`.
    Asked(u64),
}

/// The action for a reader who wants older messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing: a request is under way, or not possible.
    Nothing,
    /// Request the messages before this `seq`.
    Before(u64),
    /// Say that this is the beginning.
    Beginning,
}

/// The wanted messages of a page.
#[derive(Debug, Default)]
pub struct Older {
    /// Oldest first.
    pub entries: Vec<Entry<'static>>,
    /// Set if the client now holds the oldest available message.
    pub ends: Option<Beginning>,
}

/// The kind of the oldest available message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The first message of the room.
    First,
    /// The oldest message that the server still has.
    Held,
}

impl History {
    /// The state in a room whose next message will have this `seq`.
    pub fn before(next: u64) -> Self {
        if next > 1 {
            Self::Open(next)
        } else {
            Self::Over
        }
    }

    /// Returns the action for a reader at the top. `oldest` is the `seq` of the oldest
    /// message that the client holds.
    pub fn want(&mut self, oldest: Option<u64>) -> Want {
        let Self::Open(next) = *self else {
            return Want::Nothing;
        };
        let before = oldest.unwrap_or(next);
        if before <= 1 {
            *self = Self::Over;
            return Want::Beginning;
        }
        *self = Self::Asked(before);
        Want::Before(before)
    }

    /// A page came. `oldest` is the `seq` of the oldest message that the client holds.
    pub fn take(&mut self, page: Page<'static>, oldest: Option<u64>) -> Older {
        let Self::Asked(before) = *self else {
            return Older::default();
        };
        let before = oldest.map_or(before, |oldest| before.min(oldest));
        let mut entries = page.messages;
        entries.retain(|entry| entry.seq < before);
        let first = entries.first().map_or(before, |entry| entry.seq);
        // The second condition keeps a server from making the client request for ever.
        let ends = if page.more && first < before && first > 1 {
            *self = Self::Open(first);
            None
        } else {
            *self = Self::Over;
            Some(if first <= 1 {
                Beginning::First
            } else {
                Beginning::Held
            })
        };
        Older { entries, ends }
    }

    /// The client has dropped older messages.
    pub fn reopen(&mut self) {
        if *self == Self::Over {
            // The oldest message that the client holds tells where to begin.
            *self = Self::Open(1);
        }
    }

    /// The requested page will not come.
    pub fn forget(&mut self) {
        if let Self::Asked(before) = *self {
            *self = Self::Open(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Author, Body, MemberId};

    fn page(seqs: std::ops::Range<u64>, more: bool) -> Page<'static> {
        let entry = |seq| Entry {
            seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            author: Author::member(MemberId::MIN, "ada"),
            body: Body::Text {
                id: None,
                text: "hi".into(),
            },
        };
        Page {
            messages: seqs.map(entry).collect(),
            more,
        }
    }

    fn seqs(older: &Older) -> Vec<u64> {
        older.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn the_past_comes_page_by_page_down_to_its_first_message() {
        let mut history = History::before(10);
        assert_eq!(history.want(Some(8)), Want::Before(8));
        // While the client waits for a page, it requests nothing else.
        assert_eq!(history.want(Some(8)), Want::Nothing);
        let older = history.take(page(3..8, true), None);
        assert_eq!((seqs(&older), older.ends), (vec![3, 4, 5, 6, 7], None));
        assert_eq!(history.want(Some(3)), Want::Before(3));
        let older = history.take(page(1..3, false), None);
        assert_eq!(
            (seqs(&older), older.ends),
            (vec![1, 2], Some(Beginning::First))
        );
        assert_eq!(history.want(Some(1)), Want::Nothing);
    }

    #[test]
    fn a_log_that_was_cut_has_a_beginning_too() {
        let mut history = History::before(1_000);
        assert_eq!(history.want(None), Want::Before(1_000));
        let older = history.take(page(990..1_000, false), None);
        assert_eq!(older.ends, Some(Beginning::Held));
    }

    #[test]
    fn who_holds_all_of_it_need_not_ask() {
        assert_eq!(History::before(1).want(None), Want::Nothing);
        let mut history = History::before(5);
        assert_eq!(history.want(Some(1)), Want::Beginning);
        assert_eq!(history.want(Some(1)), Want::Nothing);
    }

    #[test]
    fn a_page_that_is_not_as_it_was_asked_for_does_no_harm() {
        assert!(seqs(&History::before(10).take(page(1..9, true), None)).is_empty());
        let mut history = History::before(10);
        history.want(Some(5));
        let older = history.take(page(4..9, true), None);
        assert_eq!(seqs(&older), [4]);
        // Messages that came by themselves meanwhile.
        history.want(Some(4));
        let older = history.take(page(1..4, true), Some(3));
        assert_eq!(seqs(&older), [1, 2]);
        let mut history = History::before(4);
        // An empty page that says there is more.
        history.want(Some(4));
        let older = history.take(page(7..9, true), None);
        assert_eq!((seqs(&older), older.ends), (vec![], Some(Beginning::Held)));
    }

    #[test]
    fn what_was_let_go_of_can_be_asked_for_again() {
        let mut history = History::before(10);
        history.want(Some(1));
        history.reopen();
        assert_eq!(history.want(Some(4)), Want::Before(4));
        let mut history = History::default();
        history.reopen();
        assert_eq!(history.want(Some(4)), Want::Nothing);
    }

    #[test]
    fn a_page_that_was_lost_is_asked_for_again() {
        let mut history = History::before(10);
        history.want(Some(8));
        history.forget();
        assert_eq!(history.want(Some(8)), Want::Before(8));
    }
}
