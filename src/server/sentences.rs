//! Sentences for peers that are said in more than one place.

/// The answer to a connection over the limit of its address.
pub const TOO_MANY_CONNECTIONS: &str =
    "Too many connections come from your address. Try again later.";

/// The answer to a connection to a full room.
pub const ROOM_FULL: &str = "The room is full. Try again later.";

/// Asks a person for a name.
pub const NAME: &str = "What is your name?";
