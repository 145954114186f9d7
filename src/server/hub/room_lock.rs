//! The lock around the room, and the facts about the room that need no lock.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::lock::{Guard, Mutex, Rank};
use crate::room::Room;

/// The room behind its lock. Its counts can be read at any time without waiting, also by
/// a thread that must not wait.
#[derive(Debug)]
pub struct RoomLock {
    room: Mutex<Room>,
    glance: Glance,
}

/// The room's counts when its lock was last released.
#[derive(Debug, Default)]
struct Glance {
    members: AtomicUsize,
    away: AtomicUsize,
    said: AtomicU64,
}

impl RoomLock {
    pub fn new(room: Room) -> Self {
        let glance = Glance::default();
        glance.update(&room);
        let room = Mutex::new(Rank::Room, room);
        Self { room, glance }
    }

    /// Takes the lock.
    pub fn lock(&self) -> RoomGuard<'_> {
        RoomGuard {
            room: self.room.lock(),
            glance: &self.glance,
        }
    }

    /// The number of members in the room, including absent ones.
    pub fn members(&self) -> usize {
        self.glance.members.load(Ordering::Relaxed)
    }

    /// The number of absent members.
    pub fn away(&self) -> usize {
        self.glance.away.load(Ordering::Relaxed)
    }

    /// The number of messages since the server started.
    pub fn said(&self) -> u64 {
        self.glance.said.load(Ordering::Relaxed)
    }
}

impl Glance {
    fn update(&self, room: &Room) {
        self.members.store(room.count(), Ordering::Relaxed);
        self.away.store(room.away(), Ordering::Relaxed);
        self.said.store(room.said(), Ordering::Relaxed);
    }
}

/// The right to use the room, until it is dropped.
#[derive(Debug)]
#[clippy::has_significant_drop]
pub struct RoomGuard<'a> {
    room: Guard<'a, Room>,
    glance: &'a Glance,
}

impl Deref for RoomGuard<'_> {
    type Target = Room;

    fn deref(&self) -> &Room {
        &self.room
    }
}

impl DerefMut for RoomGuard<'_> {
    fn deref_mut(&mut self) -> &mut Room {
        &mut self.room
    }
}

impl Drop for RoomGuard<'_> {
    fn drop(&mut self) {
        self.glance.update(&self.room);
    }
}
