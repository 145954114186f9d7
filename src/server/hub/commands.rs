//! What connections ask of the room. Every change that a member causes goes through here.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::debug;

use crate::clock;
use crate::protocol::sniff::Protocol;
use crate::protocol::{NATIVE, TEXT};
use crate::room::{
    Coming, Draft, EncodingId, Enter, Entered, Lease, Leave, Lose, NotEntered, NotResumed, NotSaid,
    Page, Parting, Reached, Resume, Room, Rules, SMALL_ROOM, Said, Say, TokenHash, WantedName, Why,
};

use super::super::admission::Origin;
use super::super::event::Event;
use super::core::Hub;
use super::keys::Proven;
use super::soon::Soon;

/// A connection that wants to join, or to come back.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The name that it wants.
    pub name: Cow<'a, str>,
    pub protocol: Protocol,
    /// Whether its connection is encrypted.
    pub is_encrypted: bool,
    /// The key that it has proved, if it has.
    pub proven: Option<Proven>,
    /// Whether it wants to be the host.
    pub host: bool,
    /// The session of the member as which it wants to come back.
    pub resume: Option<TokenHash>,
    /// When its connection was opened.
    pub opened: Instant,
    /// The most members that it gets a list of.
    pub members: usize,
}

/// The state that a connection gets when it joins or resumes, all as of the moment at
/// which the room accepts it.
#[derive(Debug)]
pub struct Arrival {
    pub entered: Entered,
    /// The secret by which a new member can come back; `None` for a member that is back,
    /// or that cannot come back.
    pub token: Option<String>,
    /// The room's count of revocations at that moment. While this number stays the same,
    /// the lease is valid.
    pub revocations: u64,
    /// The point up to which the store must be written before the welcome may be sent, in
    /// a room with a store.
    pub held: Option<Reached>,
    /// The `seq` of the oldest message held, in memory or in the store.
    pub oldest_seq: u64,
    pub rules: Rules,
    /// The least time between two messages of a member; zero without slow mode.
    pub slow: Duration,
    /// The first members.
    pub members: Page,
}

/// The reason why a newcomer could not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLetIn {
    /// The room refused it.
    Room(NotEntered),
    /// The number of present and absent members from its address has reached its limit.
    Address,
    /// A later connection has resumed its session.
    Late,
    /// Its connection is not encrypted, and the room is private, takes encrypted
    /// connections only, or is to have it as its host.
    TlsNeeded,
    /// It has not proved the key that it needs.
    Unproven,
    /// Nobody may join from its address, or with its session, for so long.
    Banned(Duration),
    /// The kernel provides no random numbers: there is no membership without a secret.
    NoSecret,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Whence<'a> {
    pub address: SocketAddr,
    /// Its origin, as limits count it.
    pub origin: &'a Arc<Origin>,
}

/// How a connection gives its member up.
#[derive(Clone, Copy, Debug)]
pub enum GivingUp {
    /// The member leaves for good.
    Leave,
    /// It was lost at this time: the member may come back, if it has a session.
    Lose(Instant),
}

impl Wish<'_> {
    /// Whether it has proved the key that a newcomer needs: the host key to be the host, and
    /// one of the two to join a private room.
    fn is_proven(&self, private: bool) -> bool {
        match self.proven {
            Some(Proven::Host) => true,
            Some(Proven::Member) => !self.host,
            None => !self.host && !private,
        }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    fn to_owned(&self) -> Wish<'static> {
        Wish {
            name: Cow::Owned(self.name.clone().into_owned()),
            protocol: self.protocol,
            is_encrypted: self.is_encrypted,
            proven: self.proven,
            host: self.host,
            resume: self.resume,
            opened: self.opened,
            members: self.members,
        }
    }
}

/// The encoding of the log that the peers of a protocol read.
pub const fn encoding(protocol: Protocol) -> EncodingId {
    match protocol {
        Protocol::Native => NATIVE,
        Protocol::Text => TEXT,
    }
}

impl Hub {
    /// Gives a connection the member of its session or, if there is none, a new member,
    /// and notifies everyone.
    pub fn come(
        &self,
        wish: &Wish<'_>,
        from: Whence<'_>,
        now: Instant,
    ) -> Soon<Result<Arrival, NotLetIn>> {
        #[cfg(any(test, feature = "fuzzing"))]
        if self.ordering.is_on() {
            let (sender, ticket) = super::soon::Ticket::new();
            let (wish, address, origin) = (wish.to_owned(), from.address, Arc::clone(from.origin));
            self.ordering.add(move |hub: &Self| {
                let from = Whence {
                    address,
                    origin: &origin,
                };
                let protocol = wish.protocol;
                if let Err(Ok(arrival)) = sender.send(hub.let_in(&wish, from, now)) {
                    // Its connection has ended meanwhile.
                    let (lease, name) = (arrival.entered.lease, arrival.entered.name);
                    let how = GivingUp::Lose(Instant::now());
                    hub.give_up(lease, name, protocol, from, Why::Lost, how);
                }
            });
            return Soon::Later(ticket);
        }
        Soon::Now(self.let_in(wish, from, now))
    }

    /// A valid session replaces the proof of a key, if it came over an encrypted connection
    /// where one is needed.
    fn let_in(&self, wish: &Wish<'_>, from: Whence<'_>, now: Instant) -> Result<Arrival, NotLetIn> {
        let live = self.live();
        if !wish.is_encrypted && (live.private || live.tls_only || wish.host) {
            return Err(NotLetIn::TlsNeeded);
        }
        if let Some(token) = &wish.resume {
            match self.resume(token, wish, from) {
                Err(NotResumed::Unknown) => {}
                Err(NotResumed::Late) => return Err(NotLetIn::Late),
                Ok(arrival) => return Ok(arrival),
            }
        }
        // No ban holds for a host; whether it is one shows its proof.
        if !wish.host {
            let (ip, token) = (from.address.ip(), wish.resume.as_ref());
            if let Some(remaining) = self.banned(ip, token, now) {
                return Err(NotLetIn::Banned(remaining));
            }
        }
        if !wish.is_proven(live.private) {
            return Err(NotLetIn::Unproven);
        }
        self.enter(wish, from)
    }

    /// Adds a newcomer to the room, and notifies everyone.
    fn enter(&self, wish: &Wish<'_>, from: Whence<'_>) -> Result<Arrival, NotLetIn> {
        let token = match wish.protocol {
            Protocol::Native => Some(self.new_token().map_err(|_| NotLetIn::NoSecret)?),
            Protocol::Text => None,
        };
        let (wanted, hash) = (
            WantedName::of(&wish.name),
            token.as_deref().map(TokenHash::of),
        );
        let host = wish.proven == Some(Proven::Host);
        if !host && !self.admission.may_enter(from.origin, &self.live()) {
            return Err(NotLetIn::Address);
        }
        let mut room = self.room();
        let entered = room.apply(Enter {
            wanted,
            encoding: encoding(wish.protocol),
            host,
            token: hash,
        });
        let entered = entered.map_err(NotLetIn::Room)?;
        self.admission.add_present(entered.lease.id, from.origin);
        let gathered = room.has_gathered();
        let arrival = self.arrival(entered, token, &room, wish.members);
        drop(room);
        self.tell_change(gathered);
        self.report(Event::Joined {
            name: Arc::clone(&arrival.entered.name),
            address: from.address,
            protocol: wish.protocol,
            count: arrival.entered.count,
        });
        Ok(arrival)
    }

    /// Gives a connection the member of this session, and notifies everyone if that member
    /// was away.
    fn resume(
        &self,
        token: &TokenHash,
        wish: &Wish<'_>,
        from: Whence<'_>,
    ) -> Result<Arrival, NotResumed> {
        let mut room = self.room();
        let entered = room.apply(Resume {
            token: *token,
            opened: self.time(wish.opened),
        })?;
        // In a big room the replaced connection is woken later, with the next batch:
        // waking everyone for each takeover would cost too much.
        let gathered = room.has_gathered() || entered.count > SMALL_ROOM;
        if entered.coming == Coming::Back {
            self.admission.remove_away(entered.lease.id);
        }
        self.admission.add_present(entered.lease.id, from.origin);
        let arrival = self.arrival(entered, None, &room, wish.members);
        drop(room);
        if arrival.entered.coming == Coming::Instead {
            debug!(id = %arrival.entered.lease.id, address = %from.address, "took a member over");
            self.tell_takeover(gathered);
        } else {
            self.tell_change(gathered);
            self.report(Event::Back {
                name: Arc::clone(&arrival.entered.name),
                address: from.address,
                protocol: wish.protocol,
            });
        }
        Ok(arrival)
    }

    fn arrival(
        &self,
        entered: Entered,
        token: Option<String>,
        room: &Room,
        members: usize,
    ) -> Arrival {
        Arrival {
            token,
            revocations: room.revocations(),
            held: room.is_recorded().then(|| room.reached()),
            oldest_seq: self.oldest_seq(room),
            rules: *room.rules(),
            slow: room.slow(),
            members: room.list(None, members),
            entered,
        }
    }

    /// Sends a message to the room. After a message that was accepted at once, the caller
    /// [notifies](Self::tell_news) everyone: once for all that it sends together.
    pub fn say(&self, lease: Lease, draft: Draft<'_>, now: Instant) -> Soon<Result<Said, NotSaid>> {
        let say = Say {
            lease,
            draft,
            at: clock::now(),
            time: self.time(now),
        };
        #[cfg(any(test, feature = "fuzzing"))]
        if self.ordering.is_on() {
            let (sender, ticket) = super::soon::Ticket::new();
            let say = say.into_owned();
            self.ordering.add(move |hub: &Self| {
                let said = hub.room().apply(say);
                hub.tell_news();
                // Without its connection, nobody is told.
                let _ = sender.send(said);
            });
            return Soon::Later(ticket);
        }
        Soon::Now(self.room().apply(say))
    }

    /// Ends a lease: the member leaves, or is away. Returns whether a member or a
    /// connection that may have been the last one has gone.
    pub fn give_up(
        &self,
        lease: Lease,
        name: Arc<str>,
        protocol: Protocol,
        from: Whence<'_>,
        why: Why,
        how: GivingUp,
    ) -> bool {
        let Whence { address, origin } = from;
        let mut room = self.room();
        let parting = match how {
            GivingUp::Leave => room.apply(Leave { lease, why }),
            GivingUp::Lose(now) => room.apply(Lose {
                lease,
                why,
                time: self.time(now),
            }),
        };
        // If another connection took the member over, that was reported then.
        let Some(parting) = parting else {
            return false;
        };
        if room.closed().is_some() {
            // Everyone leaves now, so nobody needs a notice.
            return false;
        }
        let gathered = room.has_gathered();
        if parting == Parting::Away {
            self.admission.add_away(lease.id, address, origin);
        } else {
            self.admission.remove_present(lease.id);
        }
        drop(room);
        if parting == Parting::Away {
            self.tell_absence();
        }
        self.tell_change(gathered);
        self.report(match parting {
            Parting::Away => Event::Away {
                name,
                address,
                protocol,
            },
            Parting::Left { count } => Event::Left {
                name,
                address,
                protocol,
                why,
                count,
            },
        });
        true
    }

    /// From now on the outcomes of commands come later, when
    /// [`apply_next`](Self::apply_next) applies them.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn delay_outcomes(&self) {
        self.ordering.turn_on();
    }

    /// Applies the oldest command that waits; returns whether there was one.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn apply_next(&self) -> bool {
        let next = self.ordering.next();
        next.map(|command| command(self)).is_some()
    }
}
