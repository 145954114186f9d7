//! The outcomes of messages that a session awaits, in order.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use crate::room::{NotSaid, Said};

use super::super::hub::Ticket;

/// While a session awaits this many outcomes, it takes no input.
const LIMIT: usize = 64;

/// The messages of a session that have no outcome yet, oldest first. In memory every
/// outcome is there at once, so a session has none of these.
#[derive(Debug, Default)]
pub struct Awaited {
    messages: VecDeque<Message>,
    /// A request that is no message waits for all outcomes: its answer comes after them.
    pub is_waited_for: bool,
}

#[derive(Debug)]
struct Message {
    ticket: Ticket<Result<Said, NotSaid>>,
    /// The id that the sender gave to it.
    id: Option<Box<str>>,
}

/// The outcome of one message, and the id that its sender gave to it. `None` if there will
/// be none.
pub type Outcome = (Option<Result<Said, NotSaid>>, Option<Box<str>>);

impl Awaited {
    /// Adds a message.
    pub fn add(&mut self, ticket: Ticket<Result<Said, NotSaid>>, id: Option<&str>) {
        let id = id.map(Into::into);
        self.messages.push_back(Message { ticket, id });
    }

    /// Whether the session must take no input.
    pub fn is_full(&self) -> bool {
        self.is_waited_for || self.messages.len() >= LIMIT
    }

    /// Whether nothing is awaited.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Waits for the outcome of the oldest message.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        let Some(oldest) = self.messages.front_mut() else {
            return Poll::Pending;
        };
        oldest.ticket.poll(context).map(|outcome| {
            let id = self.messages.pop_front().and_then(|oldest| oldest.id);
            (outcome, id)
        })
    }
}
