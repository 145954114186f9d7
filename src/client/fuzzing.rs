//! The events that a client makes of bytes, for the [fuzz targets](crate::fuzzing).

use crate::protocol::address::Address;

use super::inbox::Inbox;
use super::{End, Event};

/// The events from these pieces of a server's output, and the end if there is one.
pub(crate) fn hear<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Option<End>) {
    let mut inbox = Inbox::new(Address::default());
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(end) = inbox.take(piece, &mut events) {
            return (events, Some(end));
        }
    }
    (events, None)
}
