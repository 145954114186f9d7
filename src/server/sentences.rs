//! Sentences for peers that are said in more than one place.

use std::time::Duration;

/// The answer to a connection over the limit of its address.
pub const TOO_MANY_CONNECTIONS: &str =
    "Too many connections come from your address. Try again later.";

/// The answer to a connection to a full room.
pub const ROOM_FULL: &str = "The room is full. Try again later.";

/// The answer to a peer of the text protocol that is not encrypted, in a private room.
pub const PRIVATE: &str = "This room is private. Use: ncat --ssl HOST PORT";

/// The answer to a peer of the text protocol that is not encrypted, where it has to be.
pub const ENCRYPTED: &str = "This room is encrypted. Use: ncat --ssl HOST PORT";

/// Asks a person for the room's key.
pub const KEY: &str = "This room is private. Send its key first.";

/// The answer to a wrong key, while another one may be sent.
pub const KEY_WRONG: &str = "This is not the room's key. Send it again.";

/// The answer to the last of several wrong keys.
pub const KEY_REFUSED: &str = "This is not the room's key. Ask for a new invitation.";

/// The answer to a peer that has sent no key in time.
pub const KEY_LATE: &str = "The room's key did not come in time.";

/// Asks a person for a name.
pub const NAME: &str = "What is your name?";

/// Tells a member that it was removed.
pub const REMOVED: &str = "A host has removed you from the room.";

/// The answer to someone who may not join for a while.
pub fn banned(remaining: Duration) -> String {
    let seconds = remaining.as_secs().saturating_add(1);
    let (count, unit) = match seconds {
        0..120 => (seconds, "seconds"),
        120..7_200 => (seconds.div_ceil(60), "minutes"),
        7_200..172_800 => (seconds.div_ceil(3_600), "hours"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    format!("A host has banned you from this room. Try again in {count} {unit}.")
}
