//! The transports and the protocols by which a peer can use a room. Any transport carries
//! any protocol.

use crate::room::Encoding;

/// How the bytes of a peer are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, without encryption.
    Plain,
}

/// What the bytes of a peer mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// JSON, one object a line.
    Native,
    /// The lines or chunks of a person with `nc`, or of the original program.
    Text,
}

impl Protocol {
    /// Its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Text => "text",
        }
    }

    /// The encoding of the log that its peers read.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Native => Encoding::Native,
            Self::Text => Encoding::Text,
        }
    }
}
