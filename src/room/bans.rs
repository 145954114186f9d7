//! Bans: who may not join again, by address and by token, until a time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::attachment::TokenHash;
use super::network::Network;
use super::time::Time;

/// The most bans of a room. When it has so many, the one that ends first gives way to a new
/// one.
pub const BANS_LIMIT: usize = 256;

/// Keeps someone out until then: whoever comes from these addresses, or with this token. It
/// changes nothing for members who are there.
///
/// The room ignores a network with addresses of this computer itself. A ban with the same
/// network and token as an earlier one replaces that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The addresses.
    pub network: Option<Network>,
    /// The hash of the token of the member that was removed, if it had one.
    pub token: Option<TokenHash>,
    /// The name of that member, for the administrator.
    pub name: Option<Arc<str>>,
    /// The end, in the room's time and as the time of day for the store.
    pub until: (Time, Timestamp),
}

impl Ban {
    fn is_for_the_same(&self, other: &Self) -> bool {
        (self.network, self.token) == (other.network, other.token)
    }

    fn concerns(&self, ip: IpAddr, token: Option<&TokenHash>) -> bool {
        (token.is_some() && self.token.as_ref() == token)
            || self.network.is_some_and(|network| network.contains(ip))
    }
}

/// Lifts bans; the outcome is the lifted ones.
#[derive(Clone, Debug)]
pub struct Unban {
    /// Which bans.
    pub whom: Banned,
}

/// Whom a ban concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banned {
    /// Whoever comes from this address.
    Address(IpAddr),
    /// A member with this name when it was removed.
    Name(Arc<str>),
}

/// A ban would keep nobody out: it has no token, and no addresses or those of this computer
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the addresses of this computer itself cannot be banned")]
pub struct NotBanned;

/// The bans of a room, at most [`BANS_LIMIT`].
#[derive(Debug, Default)]
pub(super) struct Bans {
    list: Vec<Ban>,
}

impl Bans {
    /// Adds a ban, and returns it as it holds, and those that give way to it.
    ///
    /// # Errors
    /// If it would keep nobody out.
    pub(super) fn add(&mut self, mut ban: Ban) -> Result<(Ban, Vec<Ban>), NotBanned> {
        ban.network = ban.network.filter(|network| !network.has_loopback());
        if ban.network.is_none() && ban.token.is_none() {
            return Err(NotBanned);
        }
        let mut gone = self.lift(|other| other.is_for_the_same(&ban));
        while self.list.len() >= BANS_LIMIT {
            let ends = self.list.iter().map(|ban| ban.until.0);
            let Some((first, _)) = ends.enumerate().min_by_key(|(_, end)| *end) else {
                break;
            };
            gone.push(self.list.remove(first));
        }
        self.list.push(ban.clone());
        Ok((ban, gone))
    }

    /// Removes the bans of these, and returns them.
    pub(super) fn lift_for(&mut self, whom: Banned) -> Vec<Ban> {
        match whom {
            Banned::Address(ip) => self.lift(|ban| ban.concerns(ip, None)),
            Banned::Name(name) => self.lift(|ban| ban.name.as_ref() == Some(&name)),
        }
    }

    fn lift(&mut self, is_it: impl Fn(&Ban) -> bool) -> Vec<Ban> {
        self.list.extract_if(.., |ban| is_it(ban)).collect()
    }

    /// How long the bans hold for someone who comes from this address with this token.
    pub(super) fn hold(
        &self,
        ip: IpAddr,
        token: Option<&TokenHash>,
        time: Time,
    ) -> Option<Duration> {
        let bans = self.list.iter().filter(|ban| ban.concerns(ip, token));
        let end = bans.map(|ban| ban.until.0).max();
        end.filter(|end| *end > time).map(|end| end - time)
    }

    /// All of them, in the order in which they were made.
    pub(super) fn list(&self) -> &[Ban] {
        &self.list
    }
}
