//! One connection as the room knows it: before it joins, in the room, and after it left.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tracing::debug;

use crate::protocol::sniff::Protocol;
use crate::room::{Draft, Gap, Lease, NotSaid, Said, Why};

use super::super::admission::{Origin, Permit};
use super::super::event::{Event, Refusal};
use super::commands::{Arrival, GivingUp, NotLetIn, Whence, Wish};
use super::core::Hub;
use super::soon::{Soon, Ticket};

/// A connection that the server counts. Dropping it counts as a lost connection.
#[derive(Debug)]
pub struct Guest {
    hub: Arc<Hub>,
    permit: Permit,
    address: SocketAddr,
    stage: Stage,
    /// Whether its connection is encrypted.
    is_encrypted: bool,
    /// Whether it currently does not accept the data that waits for it.
    slow: bool,
}

/// The stage of a guest.
#[derive(Debug)]
enum Stage {
    /// It has not asked to join.
    Door,
    /// It asked to join, and has no answer yet.
    Joining(Box<Joining>),
    /// It has a member.
    Room(Lease, Arc<str>, Protocol),
    /// It has none any more.
    Outside,
}

#[derive(Debug)]
struct Joining {
    ticket: Ticket<Result<Arrival, NotLetIn>>,
    protocol: Protocol,
}

impl Guest {
    /// A new connection to the room of this hub.
    const fn new(hub: Arc<Hub>, address: SocketAddr, permit: Permit) -> Self {
        Self {
            hub,
            permit,
            address,
            stage: Stage::Door,
            is_encrypted: false,
            slow: false,
        }
    }

    /// A new connection from this address, which the hub admits.
    ///
    /// # Errors
    /// If there are too many, altogether or from its address.
    pub fn arriving(hub: &Arc<Hub>, address: SocketAddr, now: Instant) -> Result<Self, Refusal> {
        let from = hub.surroundings.subscriber(address.ip());
        let permit = hub.admission.admit(from, &hub.live(), now)?;
        debug!(%address, "connection accepted");
        Ok(Self::new(Arc::clone(hub), address, permit))
    }

    /// The hub of the room.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The address of the connection.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Records that the connection is encrypted, before it joins.
    pub const fn set_encrypted(&mut self) {
        self.is_encrypted = true;
    }

    /// Whether the connection is encrypted.
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether a key, or a proof of one, may be looked at: not too many from the guest's
    /// address were wrong lately.
    pub fn may_try_key(&self, now: Instant) -> bool {
        self.origin().may_try_key(now)
    }

    /// Counts a wrong key, or a wrong proof of one, and reports it to the administrator.
    pub fn had_wrong_key(&self, now: Instant) {
        self.origin().count_wrong_key(now);
        self.hub.counters.count_refusal(Refusal::KeyWrong);
        let address = self.address;
        self.hub.report(Event::WrongKey { address });
    }

    /// The origin of the connection, as limits count it.
    fn origin(&self) -> &Origin {
        self.permit.origin()
    }

    fn whence(&self) -> Whence<'_> {
        Whence {
            address: self.address,
            origin: self.permit.origin(),
        }
    }

    /// Asks to join, or to come back. If the outcome is not there at once,
    /// [`poll_come`](Self::poll_come) waits for it.
    pub fn come(&mut self, wish: &Wish<'_>, now: Instant) -> Poll<Result<Arrival, NotLetIn>> {
        let protocol = wish.protocol;
        match self.hub.come(wish, self.whence(), now) {
            Soon::Now(outcome) => {
                self.came(&outcome, protocol);
                Poll::Ready(outcome)
            }
            Soon::Later(ticket) => {
                self.stage = Stage::Joining(Box::new(Joining { ticket, protocol }));
                Poll::Pending
            }
        }
    }

    /// Waits for the outcome of asking to join; `None` if there will be none.
    pub fn poll_come(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Arrival, NotLetIn>>> {
        let Stage::Joining(joining) = &mut self.stage else {
            return Poll::Ready(None);
        };
        let outcome = ready!(joining.ticket.poll(context));
        let protocol = joining.protocol;
        self.stage = Stage::Door;
        if let Some(outcome) = &outcome {
            self.came(outcome, protocol);
        }
        Poll::Ready(outcome)
    }

    fn came(&mut self, outcome: &Result<Arrival, NotLetIn>, protocol: Protocol) {
        if let Ok(arrival) = outcome {
            let entered = &arrival.entered;
            self.stage = Stage::Room(entered.lease, Arc::clone(&entered.name), protocol);
            self.hub.admission.leave_door();
            self.count_tls(true);
        }
    }

    /// Counts one more member with an encrypted connection, if it has one, or one less.
    fn count_tls(&self, more: bool) {
        if self.is_encrypted {
            self.hub.counters.count_tls(more);
        }
    }

    /// Sends a message to the room, unless the room or the guest's address does not allow
    /// it.
    pub fn say(
        &self,
        from: Lease,
        id: Option<&str>,
        text: &str,
        now: Instant,
    ) -> Soon<Result<Said, NotSaid>> {
        let draft = Draft::new(id, text);
        let per_second = self.hub.live().text_per_address;
        if per_second > 0 {
            // Until `retry` is over, the address is refused everything: of two messages, a
            // later one is never accepted before an earlier one.
            let counted = self.origin().count_text(draft.bytes(), per_second, now);
            if let Err(retry) = counted {
                return Soon::Now(Err(NotSaid::TooFast { retry }));
            }
        }
        self.hub.say(from, draft, now)
    }

    /// Records whether the connection currently does not accept the data that waits for
    /// it.
    pub fn set_slow(&mut self, slow: bool) {
        if slow != self.slow {
            self.slow = slow;
            self.hub.counters.count_slow(slow);
            if slow {
                debug!(address = %self.address, "the peer reads slowly");
            }
        }
    }

    /// Reports to the administrator that the log no longer held everything that this
    /// member has to read.
    pub fn fell_behind(&self, missed: Gap) {
        if let Stage::Room(_, name, protocol) = &self.stage {
            self.hub.counters.count_fall();
            self.hub.report(Event::FellBehind {
                name: Arc::clone(name),
                address: self.address,
                protocol: *protocol,
                missed: missed.to.saturating_add(1).saturating_sub(missed.from),
            });
        }
    }

    /// Reports to the administrator that the server refuses this connection.
    pub fn refused(&self, why: Refusal) {
        let address = self.address;
        self.hub.report(Event::Refused { address, why });
    }

    /// Removes the guest from the room for good, and notifies everyone; or ends a
    /// connection that never joined. The last one who leaves closes the room.
    pub fn leave(&mut self, why: Why) {
        self.part(why, GivingUp::Leave);
    }

    /// Ends the lease of a lost connection: the member leaves, but with a session it may
    /// come back for a while.
    pub fn lose(&mut self, why: Why, now: Instant) {
        self.part(why, GivingUp::Lose(now));
    }

    fn part(&mut self, why: Why, how: GivingUp) {
        let stage = mem::replace(&mut self.stage, Stage::Outside);
        let (lease, name, protocol) = match stage {
            Stage::Outside => return,
            Stage::Door => {
                self.hub.admission.leave_door();
                return self.hub.look_for_the_last();
            }
            Stage::Joining(mut joining) => {
                self.hub.admission.leave_door();
                // An outcome that comes from now on finds nobody, and the hub ends it.
                let Some(Ok(arrival)) = joining.ticket.give_up() else {
                    return self.hub.look_for_the_last();
                };
                let entered = arrival.entered;
                self.count_tls(true);
                (entered.lease, entered.name, joining.protocol)
            }
            Stage::Room(lease, name, protocol) => (lease, name, protocol),
        };
        self.count_tls(false);
        if (self.hub).give_up(lease, name, protocol, self.whence(), why, how) {
            self.hub.look_for_the_last();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.lose(Why::Lost, Instant::now());
        self.set_slow(false);
        debug!(address = %self.address, "connection ended");
    }
}
