//! What an administrator, or the program that embeds the server, does to a running room:
//! the same as a host, without being a member.
//!
//! In a room with a store, these calls wait until it is on disk, [`SAVE_TIME`] at most:
//! they are not for a thread that must not block.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::protocol::invitation::Invitation;
use crate::room::{Banned, Entry, Eraser, MemberId, Network, NotErased};

use super::hub::{Hub, Kicked, Moderator};
use super::not_moderated::NotModerated;
use super::running::Handle;

/// How long a call waits until its effect is on disk.
const SAVE_TIME: Duration = Duration::from_secs(10);

/// A member, as an administrator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By its id.
    Id(MemberId),
    /// By its name, compared as the room compares names: in any case, and by its looks.
    Name(String),
}

/// A ban that holds at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBan {
    /// The addresses from which nobody may join; `None` if the ban is only for the session
    /// of the member that was removed.
    pub network: Option<Network>,
    /// The name of that member.
    pub name: Option<Arc<str>>,
    /// For how long.
    pub remaining: Duration,
}

const ADMINISTRATOR: Moderator = Moderator::Administrator;

impl Handle {
    /// Removes a member for good. With `ban`, nobody may join from its address for that
    /// long, a year at most; members who are there stay.
    ///
    /// # Errors
    /// If there is no such member, or several.
    pub fn kick(&self, whom: &Target, ban: Option<Duration>) -> Result<Kicked, NotModerated> {
        let id = self.find(whom)?;
        let kicked = self.hub.kick(ADMINISTRATOR, id, ban, Instant::now())?;
        self.saved()?;
        Ok(kicked)
    }

    /// Rejects the messages of a member for this long, a year at most; zero lifts that.
    /// Returns its name.
    ///
    /// # Errors
    /// If there is no such member, or several, or if it is a host.
    pub fn mute(&self, whom: &Target, period: Duration) -> Result<Arc<str>, NotModerated> {
        let id = self.find(whom)?;
        let now = Instant::now();
        let (name, _) = self.hub.mute(ADMINISTRATOR, id, period, now)?;
        self.saved()?;
        Ok(name)
    }

    /// Sets the time between two messages of each member, an hour at most; zero lifts it.
    ///
    /// # Errors
    /// If it could not be saved in time.
    pub fn slow(&self, every: Duration) -> Result<(), NotModerated> {
        self.hub.slow(ADMINISTRATOR, every)?;
        self.saved()
    }

    /// Erases the text of a message.
    ///
    /// # Errors
    /// If there is no such message, or it was erased before.
    pub fn erase(&self, seq: u64) -> Result<(), NotModerated> {
        let erase = |stored| {
            let now = Instant::now();
            self.hub.erase(Eraser::Administrator, seq, stored, now)
        };
        let erased = match erase(None) {
            Err(NotErased::NotHeld) => erase(stored(&self.hub, seq)?),
            erased => erased,
        };
        erased.map_err(NotModerated::from)?;
        self.saved()
    }

    /// Makes a member a host, beside those there are. Returns its name.
    ///
    /// # Errors
    /// If there is no such member, or several, or if its program cannot host a room.
    pub fn make_host(&self, whom: &Target) -> Result<Arc<str>, NotModerated> {
        let id = self.find(whom)?;
        let name = self.hub.make_host(ADMINISTRATOR, id)?;
        self.saved()?;
        Ok(name)
    }

    /// The bans that hold at this moment, in the order in which they were made.
    #[must_use]
    pub fn bans(&self) -> Vec<HeldBan> {
        let bans = self.hub.bans(Instant::now()).into_iter();
        bans.map(|(ban, remaining)| HeldBan {
            network: ban.network,
            name: ban.name,
            remaining,
        })
        .collect()
    }

    /// Lifts bans. Returns how many.
    ///
    /// # Errors
    /// If it could not be saved in time.
    pub fn unban(&self, whom: Banned) -> Result<usize, NotModerated> {
        let count = self.hub.unban(whom);
        self.saved()?;
        Ok(count)
    }

    /// An invitation with another key: whoever is in stays, and earlier invitations are no
    /// longer valid. A secret, if the room is private.
    ///
    /// # Errors
    /// If the key comes from a file.
    pub fn new_invitation(&self) -> Result<Invitation, NotModerated> {
        let invitation = self.hub.invite(ADMINISTRATOR, true)?;
        self.saved()?;
        Ok(invitation)
    }

    fn find(&self, whom: &Target) -> Result<MemberId, NotModerated> {
        match whom {
            Target::Id(id) => Ok(*id),
            Target::Name(name) => {
                let found = self.hub.members_named(name);
                match &found[..] {
                    [] => Err(NotModerated::NoSuchMember),
                    [(id, _)] => Ok(*id),
                    _ => Err(NotModerated::Ambiguous(found)),
                }
            }
        }
    }

    /// Waits until everything so far is on disk, in a room with a store.
    fn saved(&self) -> Result<(), NotModerated> {
        let until = self.hub.room().reached();
        let deadline = Instant::now() + SAVE_TIME;
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let context = Context::from_waker(&waker);
        let mut news = self.hub.wakers.first().waiter();
        loop {
            news.see();
            let room = self.hub.room();
            let is_saved = !room.is_recorded() || room.may_tell(until);
            drop(room);
            if is_saved {
                return Ok(());
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(NotModerated::NotSaved);
            }
            if news.poll_notified(&context) == Poll::Pending {
                thread::park_timeout(rest);
            }
        }
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Reads a message from the store, on a thread of its own: the calling one may belong to an
/// event loop.
fn stored(hub: &Hub, seq: u64) -> Result<Option<Entry<'static>>, NotModerated> {
    let Some(history) = &hub.history else {
        return Ok(None);
    };
    let read = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| error.to_string())?;
        let messages = history.messages(seq, seq.saturating_add(1), 1);
        let messages = runtime.block_on(messages);
        messages.map_err(|error| error.to_string())
    };
    let messages = thread::scope(|scope| {
        let thread = thread::Builder::new().name("erasing".into());
        let reading = thread.spawn_scoped(scope, read);
        let reading = reading.map_err(|error| error.to_string())?;
        let read = reading.join();
        read.unwrap_or_else(|_| Err("the thread that reads has ended".to_owned()))
    });
    let messages = messages.map_err(NotModerated::Unread)?;
    Ok(messages.into_iter().find(|entry| entry.seq == seq))
}
