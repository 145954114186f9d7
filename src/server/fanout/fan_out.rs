//! Writes to the followers of one thread, and wakes their tasks in time.

use std::task::Waker;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::lock::{Mutex, Rank};
use crate::room::MemberId;

use super::super::hub::Hub;
use super::super::link::Link;
use super::super::wakers::ThreadWaker;
use super::followers::{At, Follower, Followers, TICK, Tick};
use super::news::{News, Wrote};

/// The number of followers that one turn visits before the connections' tasks get their
/// turn.
const TURN: usize = 256;

/// The links that follow the log, of one thread.
#[derive(Debug)]
pub struct FanOut {
    pub(super) followers: Mutex<Followers>,
    /// A follower has set an alarm that is earlier than all others.
    pub(super) alarm: Notify,
    /// The start of the alarm clock.
    start: Instant,
}

/// How far a turn got.
pub enum Turn {
    /// To the last follower.
    Done {
        /// Whether there is more to write.
        again: bool,
    },
    /// To the follower before this one.
    Next(usize),
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            followers: Mutex::new(Rank::Followers, Followers::default()),
            alarm: Notify::new(),
            start: Instant::now(),
        }
    }
}

impl FanOut {
    /// Writes new entries of the room to all followers of a thread, and wakes tasks at
    /// their alarms; never returns.
    pub async fn run(&self, hub: &Hub, thread: &ThreadWaker) {
        tokio::join!(self.write_news(hub, thread), self.ring_alarms());
    }

    async fn write_news(&self, hub: &Hub, thread: &ThreadWaker) {
        loop {
            thread.news().await;
            thread.notify_readers();
            self.recall(&thread.take_recalled());
            let mut from = 0;
            loop {
                match self.write(hub, from) {
                    Turn::Next(next) => from = next,
                    Turn::Done { again: true } => from = 0,
                    Turn::Done { again: false } => break,
                }
                yield_now().await;
            }
        }
    }

    /// Gives the links of these members back to their tasks.
    fn recall(&self, members: &[MemberId]) {
        if members.is_empty() {
            return;
        }
        for follower in self.followers.lock().slots.iter_mut().flatten() {
            if let At::Log(cursor, lease) = follower.at
                && members.contains(&lease.id)
            {
                follower.give_back(cursor, Ok(Vec::new()));
            }
        }
    }

    /// The index of a free slot, which is taken for this link now.
    pub(super) fn add(&self, link: Link) -> usize {
        let follower = Follower {
            link,
            at: At::Task,
            alarm: Tick::NEVER,
            waker: Waker::noop().clone(),
        };
        let mut followers = self.followers.lock();
        let index = followers.free.pop().unwrap_or_else(|| {
            followers.slots.push(None);
            followers.slots.len() - 1
        });
        followers.slots[index] = Some(follower);
        index
    }

    /// The first tick at or after `time`.
    pub(super) fn tick(&self, time: Instant) -> Tick {
        let passed = time.saturating_duration_since(self.start).as_millis();
        Tick(u32::try_from(passed.div_ceil(TICK.as_millis())).unwrap_or(u32::MAX))
    }

    /// Wakes tasks at their alarms; never returns.
    async fn ring_alarms(&self) {
        loop {
            let next = self.followers.lock().next_alarm;
            let Some(next) = next else {
                self.alarm.notified().await;
                continue;
            };
            let rings = tokio::time::sleep_until((self.start + TICK * next.0).into());
            tokio::select! {
                () = self.alarm.notified() => {}
                () = rings => self.ring(next),
            }
        }
    }

    /// Wakes the tasks whose alarms are due at `now`.
    fn ring(&self, now: Tick) {
        let mut followers = self.followers.lock();
        let mut next = None;
        for follower in followers.slots.iter_mut().flatten() {
            if follower.alarm <= now {
                follower.alarm = Tick::NEVER;
                follower.waker.wake_by_ref();
            } else if follower.alarm != Tick::NEVER {
                next = next.into_iter().chain([follower.alarm]).min();
            }
        }
        followers.next_alarm = next;
    }

    /// Writes new entries to the followers from index `from` on, to as many as one turn
    /// allows.
    // This holds the lock of the followers while it writes: other threads need that lock
    // only to use a slot.
    #[expect(clippy::significant_drop_tightening)]
    pub fn write(&self, hub: &Hub, from: usize) -> Turn {
        let mut followers = self.followers.lock();
        let followers = &mut *followers;
        let mut news = News::default();
        let revocations = hub.room().revocations();
        if from == 0 {
            followers.revocations.1 = revocations;
            followers.any_behind = false;
        }
        let mut delivered = 0;
        let any_taken_over = revocations != followers.revocations.0;
        let to = followers.slots.len().min(from.saturating_add(TURN));
        for follower in followers.slots[from.min(to)..to].iter_mut().flatten() {
            let At::Log(cursor, lease) = follower.at else {
                continue;
            };
            if any_taken_over && !hub.room().honours(lease) {
                follower.give_back(cursor, Ok(Vec::new()));
                continue;
            }
            if news.from != Some(cursor) {
                news.read(&mut hub.room(), cursor);
            }
            match news.write(&follower.link, cursor) {
                Wrote::All(to) => {
                    delivered += to.seq() - cursor.seq();
                    follower.at = At::Log(to, lease);
                    followers.any_behind |= news.more;
                }
                Wrote::Less(to, rest) => {
                    delivered += to.seq() - cursor.seq();
                    follower.give_back(to, rest);
                }
            }
        }
        hub.counters.delivered(delivered);
        if to < followers.slots.len() {
            return Turn::Next(to);
        }
        followers.revocations.0 = followers.revocations.1;
        Turn::Done {
            again: followers.any_behind,
        }
    }
}
