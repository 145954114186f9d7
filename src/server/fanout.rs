//! The fan-out: it writes new log entries to every member who has read all earlier ones.
//!
//! The task of a connection does everything that concerns one peer alone. When all that
//! is left is to follow the log, the task leaves its socket in a [`Place`] here and
//! sleeps. [`FanOut::write`] then writes new entries to one follower after the other,
//! without waking a task: for each follower that is one system call and next to nothing
//! else. If a follower's socket does not accept everything, its task gets the socket
//! back, with the rest.

use std::io::{self, IoSlice};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::lock::{Mutex, Rank};
use crate::protocol::NATIVE;
use crate::room::{Cursor, Lease, MemberId, Room, Slice};

use super::shared::Shared;

/// The number of followers that one turn visits before the connections' tasks get their
/// turn.
const TURN: usize = 256;

/// The precision of alarms.
const TICK: Duration = Duration::from_millis(100);

/// The sockets that follow the log, of one thread.
#[derive(Debug)]
pub(super) struct FanOut {
    followers: Mutex<Followers>,
    /// The log grew.
    news: Notify,
    /// A follower has set an alarm that is earlier than all others.
    alarm: Notify,
    /// The start of the alarm clock.
    start: Instant,
}

#[derive(Debug, Default)]
struct Followers {
    places: Vec<Option<Follower>>,
    free: Vec<usize>,
    /// The time of the next alarm, if one is set.
    next_alarm: Option<Tick>,
    /// The room's count of takeovers when the last round began, and when the current one
    /// did.
    takeovers: (u64, u64),
    /// A follower got only part of the new entries in this round, because one write has a
    /// limit, and needs more.
    any_behind: bool,
}

#[derive(Debug)]
struct Follower {
    stream: Arc<TcpStream>,
    at: At,
    /// The time at which to wake its task.
    alarm: Tick,
    /// Wakes its task.
    waker: Waker,
}

/// A point in time, rounded to a [`TICK`]. A timer for each connection would take more
/// memory, and more time for each heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tick(u32);

impl Tick {
    const NEVER: Self = Self(u32::MAX);
}

/// The owner of a follower's socket.
#[derive(Debug)]
enum At {
    /// Its task, which does other things.
    Task,
    /// The fan-out: this member has read the log up to the cursor.
    Log(Cursor, Lease),
    /// Its task again, which was woken to take it.
    Back(Box<GivenBack>),
}

/// A follower whose socket goes back to its task.
#[derive(Debug)]
pub(super) struct GivenBack {
    /// The position in the log after `rest` is written too.
    pub cursor: Cursor,
    /// The rest of an entry that was written in part, or the error that makes further
    /// writes impossible.
    pub rest: io::Result<Vec<u8>>,
}

/// The log entries that are new to a follower.
#[derive(Default)]
struct New {
    /// The cursor of the followers that these entries are for.
    from: Option<Cursor>,
    /// The cursor after these entries.
    to: Option<Cursor>,
    slices: Vec<Slice>,
    bytes: usize,
    /// Whether more entries follow.
    more: bool,
    /// Whether these entries close the room.
    closes: bool,
}

/// How far a turn got.
pub(super) enum Turn {
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
            news: Notify::new(),
            alarm: Notify::new(),
            start: Instant::now(),
        }
    }
}

impl FanOut {
    /// Reports that the log grew.
    pub fn tell_news(&self) {
        self.news.notify_one();
    }

    /// Waits until the log grew.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// A slot for the socket of a connection.
    pub fn place(self: &Arc<Self>, stream: &Arc<TcpStream>) -> Place {
        let follower = Follower {
            stream: Arc::clone(stream),
            at: At::Task,
            alarm: Tick::NEVER,
            waker: Waker::noop().clone(),
        };
        let mut followers = self.followers.lock();
        let index = followers.free.pop().unwrap_or_else(|| {
            followers.places.push(None);
            followers.places.len() - 1
        });
        followers.places[index] = Some(follower);
        drop(followers);
        Place {
            fan_out: Arc::clone(self),
            index,
        }
    }

    /// Gives the sockets of these members back to their tasks, which have something else
    /// to do.
    pub fn wake(&self, members: &[MemberId]) {
        for follower in self.followers.lock().places.iter_mut().flatten() {
            if let At::Log(cursor, lease) = follower.at
                && members.contains(&lease.id)
            {
                follower.give_back(cursor, Ok(Vec::new()));
            }
        }
    }

    /// The first tick at or after `time`.
    fn tick(&self, time: Instant) -> Tick {
        let passed = time.saturating_duration_since(self.start).as_millis();
        Tick(u32::try_from(passed.div_ceil(TICK.as_millis())).unwrap_or(u32::MAX))
    }

    /// Wakes tasks at their alarms; never returns.
    pub async fn ring_alarms(&self) {
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
        for follower in followers.places.iter_mut().flatten() {
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
    pub fn write(&self, shared: &Shared, from: usize) -> Turn {
        let mut followers = self.followers.lock();
        let followers = &mut *followers;
        let mut new = New::default();
        let takeovers = shared.room().revocations();
        if from == 0 {
            followers.takeovers.1 = takeovers;
            followers.any_behind = false;
        }
        let mut delivered = 0;
        let any_taken_over = takeovers != followers.takeovers.0;
        let to = followers.places.len().min(from.saturating_add(TURN));
        for follower in followers.places[from.min(to)..to].iter_mut().flatten() {
            let At::Log(cursor, lease) = follower.at else {
                continue;
            };
            if any_taken_over && !shared.room().honours(lease) {
                follower.give_back(cursor, Ok(Vec::new()));
                continue;
            }
            if new.from != Some(cursor) {
                new.read(&mut shared.room(), cursor);
            }
            match new.write(&follower.stream, cursor) {
                Wrote::All(to) => {
                    delivered += to.seq() - cursor.seq();
                    follower.at = At::Log(to, lease);
                    followers.any_behind |= new.more;
                }
                Wrote::Less(to, rest) => {
                    delivered += to.seq() - cursor.seq();
                    follower.give_back(to, rest);
                }
            }
        }
        shared.counters.delivered(delivered);
        if to < followers.places.len() {
            return Turn::Next(to);
        }
        followers.takeovers.0 = followers.takeovers.1;
        Turn::Done {
            again: followers.any_behind,
        }
    }
}

impl New {
    /// Finds the entries after `cursor`.
    fn read(&mut self, room: &mut Room, cursor: Cursor) {
        self.slices.clear();
        let mut to = cursor;
        let missed = room.read(&mut to, NATIVE, &mut self.slices);
        self.from = Some(cursor);
        // The follower's task handles a gap.
        self.to = missed.is_none().then_some(to);
        self.bytes = self.slices.iter().map(|slice| slice.bytes().len()).sum();
        self.more = room.is_behind(to);
        self.closes = room.over().is_some();
    }

    /// Writes the entries to a follower whose cursor is `cursor`.
    fn write(&self, stream: &TcpStream, cursor: Cursor) -> Wrote {
        let Some(to) = self.to else {
            return Wrote::Less(cursor, Ok(Vec::new()));
        };
        let written = match self.slices.as_slice() {
            [] => Ok(0),
            [slice] => stream.try_write(slice.bytes()),
            slices => stream.try_write_vectored(&io_slices(slices)),
        };
        match written {
            Ok(count) if count == self.bytes && !self.closes => Wrote::All(to),
            Ok(count) => {
                let (cursor, rest) = split(&self.slices, count).unwrap_or((to, Vec::new()));
                Wrote::Less(cursor, Ok(rest))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Wrote::Less(cursor, Ok(Vec::new()))
            }
            Err(error) => Wrote::Less(cursor, Err(error)),
        }
    }
}

/// How a write to a follower ended.
enum Wrote {
    /// All is written, up to this cursor.
    All(Cursor),
    /// The follower's task must continue; the same values as in [`GivenBack`].
    Less(Cursor, io::Result<Vec<u8>>),
}

impl Follower {
    fn give_back(&mut self, cursor: Cursor, rest: io::Result<Vec<u8>>) {
        self.at = At::Back(Box::new(GivenBack { cursor, rest }));
        self.waker.wake_by_ref();
    }
}

/// The part of `slices` that one system call writes.
pub(super) fn io_slices(slices: &[Slice]) -> Vec<IoSlice<'_>> {
    slices
        .iter()
        .map(|slice| IoSlice::new(slice.bytes()))
        .collect()
}

/// The state of a reader who accepted the first `count` bytes of `slices`: the cursor
/// after the entry that they end in, and the rest of that entry; `None` if it accepted
/// all.
pub(super) fn split(slices: &[Slice], mut count: usize) -> Option<(Cursor, Vec<u8>)> {
    for slice in slices {
        let length = slice.bytes().len();
        if count < length {
            let (cursor, rest) = slice.split(count);
            return Some((cursor, rest.to_vec()));
        }
        count -= length;
    }
    None
}

/// The slot of a connection's socket. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Place {
    fan_out: Arc<FanOut>,
    index: usize,
}

impl Place {
    /// Wakes the task at `alarm`, or a little later. With `follows`, the connection
    /// leaves its socket here to follow the log from this cursor on; then this is ready
    /// when the task must continue with it.
    pub fn poll_wait(
        &self,
        follows: Option<(Cursor, Lease)>,
        alarm: Option<Instant>,
        context: &Context<'_>,
    ) -> Poll<()> {
        let alarm = alarm.map_or(Tick::NEVER, |time| self.fan_out.tick(time));
        let mut followers = self.fan_out.followers.lock();
        let Some(follower) = &mut followers.places[self.index] else {
            return Poll::Ready(());
        };
        match (&follower.at, follows) {
            (At::Back(_), _) => return Poll::Ready(()),
            (At::Task, Some((cursor, lease))) => follower.at = At::Log(cursor, lease),
            _ => {}
        }
        follower.alarm = alarm;
        if !follower.waker.will_wake(context.waker()) {
            follower.waker.clone_from(context.waker());
        }
        let is_next = alarm != Tick::NEVER && followers.next_alarm.is_none_or(|next| alarm < next);
        if is_next {
            followers.next_alarm = Some(alarm);
        }
        drop(followers);
        if is_next {
            self.fan_out.alarm.notify_one();
        }
        Poll::Pending
    }

    /// Takes the socket back, if the fan-out has it.
    pub fn take_back(&self) -> Option<GivenBack> {
        let mut followers = self.fan_out.followers.lock();
        let follower = followers.places[self.index].as_mut()?;
        let at = mem::replace(&mut follower.at, At::Task);
        drop(followers);
        match at {
            At::Task => None,
            At::Log(cursor, _) => Some(GivenBack {
                cursor,
                rest: Ok(Vec::new()),
            }),
            At::Back(back) => Some(*back),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut followers = self.fan_out.followers.lock();
        followers.places[self.index] = None;
        followers.free.push(self.index);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jiff::Timestamp;

    use super::super::settings::Settings;
    use super::super::surroundings::Surroundings;
    use super::*;
    use crate::room::{Draft, Enter, Say, WantedName};

    /// Both ends of a connection.
    async fn connected() -> (Arc<TcpStream>, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap());
        let (ours, theirs) = tokio::join!(listener.accept(), peer);
        (Arc::new(ours.unwrap().0), theirs.unwrap())
    }

    #[tokio::test]
    async fn who_is_far_behind_is_written_to_until_it_is_not() {
        let mut settings = Settings::default();
        settings.rules.rate_limit.per_second = 0;
        let (shared, _) = Shared::new(settings, Surroundings::unknown(), None).unwrap();
        let enter = || {
            shared.room().apply(Enter {
                wanted: WantedName::of("ada"),
                encoding: NATIVE,
                host: false,
                token: None,
            })
        };
        let (behind, speaker) = (enter().unwrap(), enter().unwrap());
        let mut read = speaker.cursor;
        let hi = Draft::new(None, "hi");
        for _ in 0..200 {
            let mut room = shared.room();
            room.apply(Say {
                lease: speaker.lease,
                draft: hi.clone(),
                at: Timestamp::now(),
                time: shared.time(Instant::now()),
            })
            .unwrap();
            // A sender reads its own echo.
            room.read(&mut read, NATIVE, &mut Vec::new());
        }
        let fan_out = Arc::new(FanOut::default());
        let context = Context::from_waker(Waker::noop());
        let (one, _one) = connected().await;
        let (two, _two) = connected().await;
        for stream in [&one, &two] {
            stream.writable().await.unwrap();
        }
        let places = [fan_out.place(&one), fan_out.place(&two)];
        let from = [(behind.cursor, behind.lease), (read, speaker.lease)];
        for (place, from) in places.iter().zip(from) {
            assert!(place.poll_wait(Some(from), None, &context).is_pending());
        }
        // From now on nothing is new: the fan-out continues by itself.
        while matches!(fan_out.write(&shared, 0), Turn::Done { again: true }) {}
        for place in &places {
            let cursor = place.take_back().unwrap().cursor;
            assert!(!shared.room().is_behind(cursor), "{cursor:?}");
        }
    }
}
