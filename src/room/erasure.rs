//! Erasing messages: an entry of its own says that a message was erased, and the text goes
//! from everything that the room holds.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Room;
use super::attachment::Lease;
use super::entry::{Author, Body, Entry};
use super::event::Event;
use super::record::Record;
use super::time::Time;

/// Erases a message, and notifies everyone. The outcome is the `seq` of the new entry.
///
/// Its sender may do that, a host, and the administrator. What waits to be stored cannot be
/// erased: nobody has seen it.
///
/// The text goes from memory at once. In a room with a store, it goes from the disk when
/// the new entry is stored.
#[derive(Clone, Debug)]
pub struct Erase {
    /// Who erases it.
    pub by: Eraser,
    /// The `seq` of the message.
    pub seq: u64,
    /// The message as the store has it, if the room has answered [`NotErased::NotHeld`].
    pub stored: Option<Entry<'static>>,
    /// The time of day, for the entry.
    pub at: Timestamp,
    /// The time, for the rate limit: an erasure counts as a message.
    pub time: Time,
}

/// Who erases a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eraser {
    /// A member.
    Member(Lease),
    /// The administrator of the server.
    Administrator,
}

/// The reason why a message was not erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    /// There is no such message, or nobody has seen it yet.
    #[error("no such message")]
    NoSuchMessage,
    /// The member is neither its sender nor a host.
    #[error("not a host")]
    NotHost,
    /// The log in memory no longer holds it. Look it up in the store, and try again with
    /// [`Erase::stored`]; without a store, there is no such message.
    #[error("not in memory")]
    NotHeld,
    /// It was erased before.
    #[error("erased before")]
    Already,
    /// The member erases too fast.
    #[error("too fast")]
    TooFast {
        /// The time to wait.
        retry: Duration,
    },
    /// The member has left, or another connection has taken it over.
    #[error("the lease is over")]
    LeaseOver,
    /// The room was closed.
    #[error("closed")]
    Closed,
}

impl Room {
    pub(super) fn erase(&mut self, command: Erase) -> Result<u64, NotErased> {
        let Erase {
            by,
            seq: of,
            stored,
            at,
            time,
        } = command;
        if self.closed.is_some() {
            return Err(NotErased::Closed);
        }
        let eraser = match by {
            Eraser::Administrator => None,
            Eraser::Member(lease) => {
                let member = self.members.held(lease).ok_or(NotErased::LeaseOver)?;
                Some((lease, Arc::clone(&member.name), member.host))
            }
        };
        if of == 0 || of >= self.log.readable_seq() {
            return Err(NotErased::NoSuchMessage);
        }
        let held = self.log.entry(of);
        let is_held = held.is_some();
        let stored = stored.filter(|entry| entry.seq == of);
        let message = held.or(stored).ok_or(NotErased::NotHeld)?;
        let id = match message.body {
            Body::Text { id, .. } => id,
            Body::Gone { .. } => return Err(NotErased::Already),
            Body::Erased { .. } => return Err(NotErased::NoSuchMessage),
        };
        if let Some((lease, _, is_host)) = eraser {
            if !is_host && message.author.id != Some(lease.id) {
                return Err(NotErased::NotHost);
            }
            let member = self.members.held_mut(lease).ok_or(NotErased::LeaseOver)?;
            member
                .meter
                .count(self.rules.rate_limit, time)
                .map_err(|retry| NotErased::TooFast { retry })?;
        }
        if is_held {
            self.log.replace(&Entry {
                seq: of,
                at: message.at,
                author: message.author.clone(),
                body: Body::Gone { id },
            });
        }
        let seq = self.log.next_seq();
        let author = match &eraser {
            Some((lease, name, _)) => Author::member(lease.id, Cow::Borrowed(&**name)),
            None => Author::administrator(),
        };
        let entry = Entry {
            seq,
            at,
            author,
            body: Body::Erased { of },
        };
        self.record(|| Record::Entry(entry.clone().into_owned()));
        self.log.append(&Event::Erased {
            entry,
            sender: &message.author.name,
        });
        Ok(seq)
    }
}
