//! The events that a client makes of bytes, for the [fuzz targets](crate::fuzzing).

use crate::protocol::address::Address;

use super::inbox::{Inbox, Incoming};
use super::{End, Event};

/// The events from these pieces of a server's output, and the end if there is one.
pub(crate) fn hear<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Option<End>) {
    let mut inbox = Inbox::new(Address::default());
    let (mut inputs, mut end) = (Vec::new(), None);
    for piece in pieces {
        if let Err(error) = inbox.take(piece, &mut inputs) {
            end = Some(error);
            break;
        }
    }
    let events = inputs.into_iter().filter_map(|input| match input {
        Incoming::Event(event) => Some(event),
        Incoming::Unknown { .. } | Incoming::About(_) | Incoming::Challenge(_) => None,
    });
    (events.collect(), end)
}
