//! What a session remembers of unfinished input.

use std::mem;

use crate::protocol::FRAME_LIMIT;
use crate::protocol::lines::Lines;
use crate::protocol::text::Reader;

use crate::protocol::sniff::Protocol;

/// The unfinished input of a peer.
#[derive(Debug)]
pub enum Input {
    Native(Lines),
    Text(Box<Reader>),
}

impl Input {
    /// No input yet, of a peer that speaks this protocol.
    pub fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Native => Self::Native(Lines::new(FRAME_LIMIT)),
            Protocol::Text => Self::Text(Box::default()),
        }
    }

    /// Takes the input out while bytes are added to it. The caller puts it back.
    pub fn take(&mut self) -> Self {
        mem::replace(self, Self::Native(Lines::new(FRAME_LIMIT)))
    }

    /// The number of bytes held.
    pub const fn held_bytes(&self) -> usize {
        match self {
            Self::Native(lines) => lines.held_bytes(),
            Self::Text(reader) => reader.held_bytes(),
        }
    }
}
