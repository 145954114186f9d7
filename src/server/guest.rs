//! One connection as the room knows it: before it joins, in the room, and after it left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::protocol::sniff::Protocol;
use crate::protocol::{NATIVE, TEXT};
use crate::room::{
    Coming, Enter, Entered, Gap, Lease, Leave, Lose, NotEntered, NotResumed, Page, Parting,
    Reached, Resume, Room, Rules, SMALL_ROOM, TokenHash, WantedName, Why,
};

use super::event::Event;
use super::guests::Origin;
use super::shared::Shared;

/// A connection that the server counts. Dropping it counts as a lost connection.
#[derive(Debug)]
pub(super) struct Guest {
    shared: Arc<Shared>,
    address: SocketAddr,
    origin: Arc<Origin>,
    place: Place,
    /// Whether it currently does not accept the data that waits for it.
    slow: bool,
}

/// The stage of a guest.
#[derive(Debug)]
enum Place {
    Door,
    Room(Lease, Arc<str>, Protocol),
    Outside,
}

/// The state that a connection gets when it joins or resumes, all as of the moment at
/// which the room accepts it.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) entered: Entered,
    /// The room's count of takeovers at that moment. While this number stays the same,
    /// the lease is valid.
    pub(super) takeovers: u64,
    /// The point up to which the store must be written before the welcome may be sent, in
    /// a room with a store.
    pub(super) held: Option<Reached>,
    /// The `seq` of the oldest message held, in memory or in the store.
    pub(super) oldest_seq: u64,
    pub(super) rules: Rules,
    /// The first members.
    pub(super) members: Page,
}

/// The reason why a newcomer could not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotLetIn {
    /// The room refused it.
    Room(NotEntered),
    /// The number of present and absent members from its address has reached its limit.
    Address,
}

impl Arrival {
    fn of(entered: Entered, room: &Room, shared: &Shared, members: usize) -> Self {
        Self {
            takeovers: room.revocations(),
            held: room.is_recorded().then(|| room.reached()),
            oldest_seq: shared.oldest_seq(room),
            rules: *room.rules(),
            members: room.list(None, members),
            entered,
        }
    }
}

impl Guest {
    /// A new connection, which the server already counts.
    pub(super) const fn new(shared: Arc<Shared>, address: SocketAddr, origin: Arc<Origin>) -> Self {
        Self {
            shared,
            address,
            origin,
            place: Place::Door,
            slow: false,
        }
    }

    /// The state that all connections share.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The address of the connection.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin of the connection, as limits count it.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Adds the guest to the room, and notifies everyone. The guest gets a list of at
    /// most `members` others.
    ///
    /// # Errors
    /// If the guest cannot join.
    pub(super) fn enter(
        &mut self,
        wanted: &WantedName,
        door: Protocol,
        host: bool,
        session: Option<TokenHash>,
        members: usize,
    ) -> Result<Arrival, NotLetIn> {
        let encoding = if door == Protocol::Native {
            NATIVE
        } else {
            TEXT
        };
        let command = Enter {
            wanted: wanted.clone(),
            encoding,
            host,
            token: session,
        };
        if !host && !(self.shared.guests).may_enter(&self.origin, &self.shared.live()) {
            return Err(NotLetIn::Address);
        }
        let mut room = self.shared.room();
        let entered = room.apply(command).map_err(NotLetIn::Room)?;
        let gathered = room.has_gathered();
        let arrival = Arrival::of(entered, &room, &self.shared, members);
        drop(room);
        let entered = &arrival.entered;
        self.go_in(entered, door);
        self.shared.tell_change(gathered);
        self.shared.report(Event::Joined {
            name: Arc::clone(&entered.name),
            address: self.address,
            door,
            count: entered.count,
        });
        Ok(arrival)
    }

    /// Gives the guest, whose connection was `opened` at that time, the membership with
    /// this session, and notifies everyone if that member was away. The guest gets a list
    /// of at most `members` others.
    ///
    /// # Errors
    /// If no such session exists, or a later connection has resumed it.
    pub(super) fn resume(
        &mut self,
        session: &TokenHash,
        opened: Instant,
        members: usize,
    ) -> Result<Arrival, NotResumed> {
        let mut room = self.shared.room();
        let entered = room.apply(Resume {
            token: *session,
            opened: self.shared.time(opened),
        })?;
        // In a big room the replaced connection is woken later, with the next batch:
        // waking everyone for each takeover would cost too much.
        let gathered = room.has_gathered() || entered.count > SMALL_ROOM;
        if entered.coming == Coming::Back {
            self.shared.guests.remove_away(entered.lease.id);
        }
        let arrival = Arrival::of(entered, &room, &self.shared, members);
        drop(room);
        let entered = &arrival.entered;
        self.go_in(entered, Protocol::Native);
        if entered.coming == Coming::Instead {
            self.shared.tell_takeover(gathered);
        } else {
            self.shared.tell_change(gathered);
            self.shared.report(Event::Back {
                name: Arc::clone(&entered.name),
                address: self.address,
                door: Protocol::Native,
            });
        }
        Ok(arrival)
    }

    /// Records whether the connection currently does not accept the data that waits for
    /// it.
    pub(super) fn set_slow(&mut self, slow: bool) {
        if slow != self.slow {
            self.slow = slow;
            self.shared.counters.count_slow(slow);
        }
    }

    /// Reports to the administrator that the log no longer held everything that this
    /// member has to read.
    pub(super) fn fell_behind(&self, missed: Gap) {
        if let Place::Room(_, name, door) = &self.place {
            self.shared.counters.count_fall();
            self.shared.report(Event::FellBehind {
                name: Arc::clone(name),
                address: self.address,
                door: *door,
                missed: missed.to.saturating_add(1).saturating_sub(missed.from),
            });
        }
    }

    fn go_in(&mut self, entered: &Entered, door: Protocol) {
        self.place = Place::Room(entered.lease, Arc::clone(&entered.name), door);
        self.shared.guests.leave_door();
    }

    /// Removes the guest from the room for good, and notifies everyone; or ends a
    /// connection that never joined. The last one who leaves closes the room.
    pub(super) fn leave(&mut self, why: Why) {
        self.part(why, |room, lease| room.apply(Leave { lease, why }));
    }

    /// Ends the lease of a lost connection: the member leaves, but with a session it may
    /// come back for a while.
    pub(super) fn lose(&mut self, why: Why, now: Instant) {
        let time = self.shared.time(now);
        self.part(why, |room, lease| room.apply(Lose { lease, why, time }));
    }

    fn part(&mut self, why: Why, give_up: impl FnOnce(&mut Room, Lease) -> Option<Parting>) {
        match std::mem::replace(&mut self.place, Place::Outside) {
            Place::Outside => return,
            Place::Door => self.shared.guests.leave_door(),
            Place::Room(lease, name, door) => {
                let (shared, address) = (&self.shared, self.address);
                let mut room = shared.room();
                // If another connection took the member over, that was reported then.
                let Some(parting) = give_up(&mut room, lease) else {
                    return;
                };
                if room.closed().is_some() {
                    // Everyone leaves now, so nobody needs a notice.
                    return;
                }
                let gathered = room.has_gathered();
                if parting == Parting::Away {
                    shared.guests.add_away(lease.id, address, &self.origin);
                }
                drop(room);
                if parting == Parting::Away {
                    shared.tell_absence();
                }
                shared.tell_change(gathered);
                shared.report(match parting {
                    Parting::Away => Event::Away {
                        name,
                        address,
                        door,
                    },
                    Parting::Left { count } => Event::Left {
                        name,
                        address,
                        door,
                        why,
                        count,
                    },
                });
            }
        }
        self.shared.look_for_the_last();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.lose(Why::Lost, Instant::now());
        self.set_slow(false);
        self.shared.guests.count_out(&self.origin);
    }
}
