//! What a server can do for an administrator.

use std::net::IpAddr;
use std::time::Duration;

use crate::server::Stats;

use super::command::Who;

/// A server, for its administrator. A call may wait until its effect is on disk.
pub trait Moderator: Send + Sync + 'static {
    /// The server's statistics. Does not wait for any work of the server.
    fn stats(&self) -> Stats;

    /// Removes a member, and keeps its address out for the time of `ban`.
    ///
    /// # Errors
    /// If nobody has this name or number, or the room is closing.
    fn kick(&self, who: &Who, ban: Option<Duration>) -> Result<Kicked, Refused>;

    /// Accepts no messages from a member for this time; zero accepts them again. Returns
    /// the member's name.
    ///
    /// # Errors
    /// As for [`kick`](Self::kick).
    fn mute(&self, who: &Who, time: Duration) -> Result<String, Refused>;

    /// Lets each member send one message in this time; zero lifts the limit.
    ///
    /// # Errors
    /// If the room is closing.
    fn slow(&self, every: Duration) -> Result<(), Refused>;

    /// Erases the text of a message.
    ///
    /// # Errors
    /// If there is no such message, or the room is closing.
    fn erase(&self, seq: u64) -> Result<(), Refused>;

    /// Makes a member a host, and returns its name.
    ///
    /// # Errors
    /// As for [`kick`](Self::kick).
    fn make_host(&self, who: &Who) -> Result<String, Refused>;

    /// The addresses that are kept out.
    fn bans(&self) -> Vec<Ban>;

    /// Lets an address in again. Returns whether it was kept out.
    ///
    /// # Errors
    /// If the room is closing.
    fn unban(&self, address: IpAddr) -> Result<bool, Refused>;

    /// The link to the room, or that for hosts: a secret.
    ///
    /// # Errors
    /// If the room has none.
    fn invitation(&self, host: bool) -> Result<String, Refused>;

    /// Replaces the key of the room.
    ///
    /// # Errors
    /// If the key comes from a file, the room is not private, or is closing.
    fn renew_invitation(&self) -> Result<(), Refused>;
}

/// A member who was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kicked {
    /// The number that the member had.
    pub id: u64,
    /// The name that the member had.
    pub name: String,
    /// How many other members have the same address.
    pub shared: usize,
}

/// An address that is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The address, or the first one of its network.
    pub network: IpAddr,
    /// The number of bits that the addresses of the network have in common.
    pub prefix: u8,
    /// For how long.
    pub rest: Duration,
}

/// Why a server did not do what a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason for programs, a code of the protocol.
    pub code: &'static str,
    /// The reason in a sentence for people.
    pub text: String,
}
