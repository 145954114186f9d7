//! One connection as the room knows it: at the door, in the room, or outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::net::Subscriber;
use crate::room::{
    Coming, Encoding, Entered, Gap, Lease, NotEntered, NotResumed, Parting, Room, SMALL_ROOM,
    SessionKey, Why,
};
use crate::wire::door::Door;

use super::event::Event;
use super::shared::Shared;

/// A connection that is counted in. When it is dropped, it is lost.
#[derive(Debug)]
pub(super) struct Guest {
    shared: Arc<Shared>,
    address: SocketAddr,
    subscriber: Subscriber,
    place: Place,
    /// Whether it takes nothing at the moment of what waits for it.
    slow: bool,
}

/// Where a guest is.
#[derive(Debug)]
enum Place {
    Door,
    Room(Lease, Arc<str>, Door),
    Outside,
}

impl Guest {
    /// Someone at the door, who is counted.
    pub(super) const fn new(
        shared: Arc<Shared>,
        address: SocketAddr,
        subscriber: Subscriber,
    ) -> Self {
        Self {
            shared,
            address,
            subscriber,
            place: Place::Door,
            slow: false,
        }
    }

    /// What it shares with all others.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where it comes from.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the guest into the room, and tells everyone.
    pub(super) fn enter(
        &mut self,
        wanted: &str,
        door: Door,
        host: bool,
        session: Option<SessionKey>,
    ) -> Result<Entered, NotEntered> {
        let encoding = if door == Door::Native {
            Encoding::Native
        } else {
            Encoding::Text
        };
        let mut room = self.shared.room();
        let entered = room.enter(wanted, encoding, host, session)?;
        let gathered = room.has_gathered();
        drop(room);
        self.go_in(&entered, door);
        self.shared.tell_change(gathered);
        self.shared.report(Event::Joined {
            name: Arc::clone(&entered.name),
            address: self.address,
            door,
            count: entered.count,
        });
        Ok(entered)
    }

    /// Gives the guest, whose connection was `opened` then, the place of the member
    /// with this session, and tells everyone if that one was away.
    ///
    /// # Errors
    /// If there is none, or the guest comes late.
    pub(super) fn resume(
        &mut self,
        session: &SessionKey,
        opened: Instant,
    ) -> Result<Entered, NotResumed> {
        let mut room = self.shared.room();
        let entered = room.resume(session, opened)?;
        // In a big room the one whose place was taken hears of it later, with the
        // next gathering: to wake everyone for each would be too much.
        let gathered = room.has_gathered() || entered.count > SMALL_ROOM;
        if entered.coming == Coming::Back {
            self.shared.forget_address(entered.lease.id);
        }
        drop(room);
        self.go_in(&entered, Door::Native);
        if entered.coming == Coming::Instead {
            self.shared.tell_takeover(gathered);
        } else {
            self.shared.tell_change(gathered);
            self.shared.report(Event::Back {
                name: Arc::clone(&entered.name),
                address: self.address,
                door: Door::Native,
            });
        }
        Ok(entered)
    }

    /// Notes whether it takes nothing at the moment of what waits for it.
    pub(super) fn set_slow(&mut self, slow: bool) {
        if slow != self.slow {
            self.slow = slow;
            self.shared.counters.count_slow(slow);
        }
    }

    /// Tells whoever runs the server that the log no longer had all that this
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

    fn go_in(&mut self, entered: &Entered, door: Door) {
        self.place = Place::Room(entered.lease, Arc::clone(&entered.name), door);
        self.shared.leave_door();
    }

    /// Takes the guest out of the room for good, and tells everyone; or away from
    /// the door. The last one out closes the room.
    pub(super) fn leave(&mut self, why: Why) {
        self.part(why, |room, lease| room.leave(lease, why));
    }

    /// The guest's connection is lost: it leaves, but if it has a session it may
    /// come back for a while.
    pub(super) fn lose(&mut self, why: Why, now: Instant) {
        self.part(why, |room, lease| room.lose(lease, why, now));
    }

    fn part(&mut self, why: Why, give_up: impl FnOnce(&mut Room, Lease) -> Option<Parting>) {
        match std::mem::replace(&mut self.place, Place::Outside) {
            Place::Outside => return,
            Place::Door => self.shared.leave_door(),
            Place::Room(lease, name, door) => {
                let (shared, address) = (&self.shared, self.address);
                let mut room = shared.room();
                // Another connection may have taken its place: then it was told.
                let Some(parting) = give_up(&mut room, lease) else {
                    return;
                };
                if room.closed().is_some() {
                    // Everyone leaves now, and nobody is told.
                    return;
                }
                let gathered = room.has_gathered();
                if parting == Parting::Away {
                    shared.keep_address(lease.id, address);
                }
                drop(room);
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
        self.shared.count_out(self.subscriber);
    }
}
