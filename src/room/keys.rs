//! The keys that a room goes by. They never cross the wire, and its log has none of them.

use super::key::RoomKey;

/// The keys of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The key by which members show that they were invited. A room that is not private
    /// keeps it, but does not ask for it.
    pub key: Option<RoomKey>,
    /// The key by which someone shows to be a host.
    pub host_key: Option<RoomKey>,
}

/// Replaces both keys. It changes nothing for members who are there; whoever comes from now
/// on needs the new ones.
#[derive(Clone, Debug)]
pub struct SetKeys {
    /// The new keys.
    pub keys: Keys,
}
