//! What a server can do for an administrator.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::Pin;
use crate::protocol::invitation::Invitation;
use crate::room::Banned;
use crate::server::{Handle, HeldBan, Kicked, NotModerated, Stats, Target};

/// A server, for its administrator. A call may wait until its effect is on disk, ten
/// seconds at most; see [`Handle`].
pub trait Moderator: Send + Sync + 'static {
    /// The server's statistics. Does not wait for any work of the server.
    fn stats(&self) -> Stats;

    /// The pin of the server.
    fn pin(&self) -> Pin;

    /// Removes a member, and keeps its address out for the time of `ban`.
    fn kick(&self, whom: &Target, ban: Option<Duration>) -> Result<Kicked, NotModerated>;

    /// Accepts no messages from a member for this time; zero accepts them again. Returns
    /// the member's name.
    fn mute(&self, whom: &Target, time: Duration) -> Result<Arc<str>, NotModerated>;

    /// Lets each member send one message in this time; zero lifts the limit.
    fn slow(&self, every: Duration) -> Result<(), NotModerated>;

    /// Erases the text of a message.
    fn erase(&self, seq: u64) -> Result<(), NotModerated>;

    /// Makes a member a host, and returns its name.
    fn make_host(&self, whom: &Target) -> Result<Arc<str>, NotModerated>;

    /// The bans.
    fn bans(&self) -> Vec<HeldBan>;

    /// Lifts bans, and returns how many.
    fn unban(&self, whom: Banned) -> Result<usize, NotModerated>;

    /// The link to the room, or that for hosts: a secret. `None` if no address is known.
    fn invitation(&self, host: bool) -> Option<Invitation>;

    /// Replaces the key of the room.
    fn new_invitation(&self) -> Result<Invitation, NotModerated>;
}

impl Moderator for Handle {
    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn pin(&self) -> Pin {
        Self::pin(self)
    }

    fn kick(&self, whom: &Target, ban: Option<Duration>) -> Result<Kicked, NotModerated> {
        Self::kick(self, whom, ban)
    }

    fn mute(&self, whom: &Target, time: Duration) -> Result<Arc<str>, NotModerated> {
        Self::mute(self, whom, time)
    }

    fn slow(&self, every: Duration) -> Result<(), NotModerated> {
        Self::slow(self, every)
    }

    fn erase(&self, seq: u64) -> Result<(), NotModerated> {
        Self::erase(self, seq)
    }

    fn make_host(&self, whom: &Target) -> Result<Arc<str>, NotModerated> {
        Self::make_host(self, whom)
    }

    fn bans(&self) -> Vec<HeldBan> {
        Self::bans(self)
    }

    fn unban(&self, whom: Banned) -> Result<usize, NotModerated> {
        Self::unban(self, whom)
    }

    fn invitation(&self, host: bool) -> Option<Invitation> {
        Self::invitation(self, host)
    }

    fn new_invitation(&self) -> Result<Invitation, NotModerated> {
        Self::new_invitation(self)
    }
}
