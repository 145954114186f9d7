//! The log entries that are new to followers.

use std::io;

use crate::protocol::NATIVE;
use crate::room::{Cursor, Room, Slice, split};

use super::super::link::Link;

/// The log entries that are new to a follower.
#[derive(Default)]
pub struct News {
    /// The cursor of the followers that these entries are for.
    pub from: Option<Cursor>,
    /// The cursor after these entries.
    to: Option<Cursor>,
    slices: Vec<Slice>,
    bytes: usize,
    /// Whether more entries follow.
    pub more: bool,
    /// Whether these entries close the room.
    closes: bool,
}

/// How a write to a follower ended.
pub enum Wrote {
    /// All is written, up to this cursor.
    All(Cursor),
    /// The follower's task must continue; the same values as in
    /// [`GivenBack`](super::followers::GivenBack).
    Less(Cursor, io::Result<Vec<u8>>),
}

impl News {
    /// Finds the entries after `cursor`.
    pub fn read(&mut self, room: &mut Room, cursor: Cursor) {
        self.slices.clear();
        let mut to = cursor;
        let missed = room.read(&mut to, NATIVE, &mut self.slices);
        self.from = Some(cursor);
        // The follower's task handles a gap.
        self.to = missed.is_none().then_some(to);
        self.bytes = self.slices.iter().map(|slice| slice.bytes().len()).sum();
        self.more = room.is_behind(to);
        self.closes = room.over().is_some();
    }

    /// Writes the entries to a follower whose cursor is `cursor`.
    pub fn write(&self, link: &Link, cursor: Cursor) -> Wrote {
        let Some(to) = self.to else {
            return Wrote::Less(cursor, Ok(Vec::new()));
        };
        match link.write_slices(&self.slices) {
            Ok(count) if count == self.bytes && !self.closes && !link.is_behind() => Wrote::All(to),
            Ok(count) => {
                let (cursor, rest) = split(&self.slices, count).unwrap_or((to, Vec::new()));
                Wrote::Less(cursor, Ok(rest))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Wrote::Less(cursor, Ok(Vec::new()))
            }
            Err(error) => Wrote::Less(cursor, Err(error)),
        }
    }
}
