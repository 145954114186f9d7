//! The encodings in which a room keeps its events for the protocols.

use crate::room::{EncodingId, Encodings};

use super::{native, text};

/// The frames of the native protocol. History is answered from them.
pub const NATIVE: EncodingId = EncodingId::new(0);

/// The lines of the text protocol.
pub const TEXT: EncodingId = EncodingId::new(1);

/// All encodings.
pub const ENCODINGS: Encodings =
    Encodings::new(NATIVE, native::encode, native::decode).with(TEXT, text::encode);
