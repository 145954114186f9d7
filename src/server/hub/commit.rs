//! Saves messages: everything that happens in the room goes to the [store](crate::store)
//! in groups, and is published when it is on disk. While the store writes one group, the
//! next one collects; so the slower the disk, the larger the groups.

#[cfg(all(test, feature = "store"))]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{self, timeout_at};

use crate::lock::{self, Rank};
use crate::room::{Absent, Ban, Encodings, Event, Record, Room, Rules, Seed, Time};
use crate::store::{
    self, Journal, Keep, OpenError, Past, Reading, Recent, SpaceWatch, Store, WriteError,
};

use crate::protocol::ENCODINGS;
use crate::protocol::native::frame::{NOTICE_DELAYED, NOTICE_RESUMED};

use super::super::event as server;
use super::core::{Foundation, Hub};
use super::history::History;

/// The time that clients wait before they come back to a room whose store failed.
const RETRY_MS: u64 = 5_000;

/// The interval at which a quiet room deletes messages that are too old.
const TRIM_TIME: Duration = Duration::from_mins(1);

/// The longest time for which the server holds messages back while it cannot store them;
/// then it closes the room. It waits as long for a locked store when it opens one.
const HOLD_TIME: Duration = Duration::from_mins(1);

/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// A write that takes longer than this makes the server notify members that messages are
/// delayed.
const DELAY_TOLD: Duration = Duration::from_secs(2);

/// The interval of the keep-alive to native clients while messages wait.
const ALIVE_TIME: Duration = Duration::from_secs(5);

/// The notice to all members when messages wait.
const DELAYED: &str = "Messages are delayed: the server cannot save them at the moment.";

/// The notice to all members when messages no longer wait.
const RESUMED: &str = "Messages are no longer delayed.";

/// An opened store, and the room that it contains.
#[derive(Debug)]
pub struct OpenedStore {
    journal: Box<dyn Journal>,
    history: Box<dyn store::History>,
    past: Past,
}

impl OpenedStore {
    /// Opens the store of a room.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open(path: &Path, keep: Keep, rules: &Rules) -> Result<Self, OpenError> {
        let recent = Recent {
            entries: rules.retention.entries,
            bytes: rules.retention.bytes / 2,
        };
        let since = Instant::now();
        let (store, past) = loop {
            match Store::open(path, keep, recent, Reading::now()) {
                Err(OpenError::Locked(_)) if since.elapsed() < HOLD_TIME => {
                    thread::sleep(RETRY_PAUSE);
                }
                result => break result?,
            }
        };
        let reader = store.reader().map_err(|error| OpenError::Failed {
            path: path.to_owned(),
            error: io::Error::other(error),
        })?;
        Ok(Self {
            journal: Box::new(store),
            history: Box::new(reader),
            past,
        })
    }

    /// The room as it was when its server ended: the members who were in it are away.
    fn room(&mut self, rules: Rules, encodings: Encodings, seed: Seed) -> Room {
        let past = &mut self.past;
        let first = past.entries.first().map_or(past.next_seq, |it| it.seq);
        let mut room = Room::going_on(rules, encodings, seed, first, past.last_member);
        for entry in mem::take(&mut past.entries) {
            room.recall(entry);
        }
        let bans = mem::take(&mut past.bans);
        let bans = bans.into_iter().map(|ban| Ban {
            network: ban.network,
            token: ban.token,
            name: ban.name.map(Into::into),
            until: (Time::after(ban.remaining), ban.until),
        });
        room.restore_moderation(mem::take(&mut past.keys), past.slow, bans);
        let mut gone = Vec::new();
        for session in mem::take(&mut past.sessions) {
            let absent = Absent {
                id: session.id,
                name: session.name.into(),
                host: session.host,
                token: session.token,
                muted: session.muted.map(Time::after),
            };
            let said = session.said.iter().map(|(id, seq)| (&**id, *seq));
            if !room.restore(&absent, said, Time::BEGINNING) {
                gone.push(absent.id);
            }
        }
        room.start_recording();
        for id in gone {
            room.forget(id);
        }
        room
    }

    /// What the hub of the room starts with, and the writer, which must be
    /// [started](Writer::start).
    pub fn split(mut self, rules: Rules, seed: Seed) -> (Foundation, Writer) {
        let foundation = Foundation {
            room: self.room(rules, ENCODINGS, seed),
            epoch: self.past.epoch,
            oldest_stored: self.past.oldest_seq,
            history: Some(History::new(self.history)),
        };
        (foundation, Writer::new(self.journal))
    }
}

/// Writes to the store, in a thread of its own.
#[derive(Debug)]
pub struct Writer {
    journal: Box<dyn Journal>,
    space: SpaceWatch,
    /// How long it retries a batch that cannot be stored.
    patience: Duration,
    /// The present obstacle, if there is one.
    obstacle: Arc<Obstacle>,
}

/// The reason why nothing can be stored at the moment, if there is one.
type Obstacle = lock::Mutex<Option<String>>;

/// A task for the writer, and the channel for its result.
struct Job {
    records: Vec<Record>,
    done: oneshot::Sender<Result<Written, WriteError>>,
}

/// The result of a successful write.
struct Written {
    /// The `seq` of the oldest message in the store.
    oldest_seq: u64,
    /// Whether older messages remain to be deleted.
    more: bool,
    /// Events for the administrator.
    events: Vec<server::Event>,
}

/// A running writer. Dropping this ends it.
#[derive(Debug)]
pub struct GroupCommit {
    jobs: mpsc::Sender<Job>,
    obstacle: Arc<Obstacle>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn new(journal: Box<dyn Journal>) -> Self {
        Self {
            journal,
            space: SpaceWatch::default(),
            patience: HOLD_TIME,
            obstacle: Arc::new(lock::Mutex::new(Rank::Obstacle, None)),
        }
    }

    /// Starts its thread.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(self) -> io::Result<GroupCommit> {
        let (jobs, queue) = mpsc::channel(1);
        let obstacle = Arc::clone(&self.obstacle);
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || self.run(queue))?;
        Ok(GroupCommit {
            jobs,
            obstacle,
            thread: Some(thread),
        })
    }

    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(job) = queue.blocking_recv() {
            let result = self.work(&job);
            let _ = job.done.send(result);
        }
        // If the data does not reach the main file now, the next server finds it beside
        // that file.
        let _ = self.journal.close();
    }

    /// Does a job, and waits for obstacles to go away.
    fn work(&mut self, job: &Job) -> Result<Written, WriteError> {
        let since = Instant::now();
        loop {
            let error = match self.write(&job.records) {
                Ok(written) => {
                    self.set_obstacle(None);
                    return Ok(written);
                }
                Err(error) => error,
            };
            let obstacle = error.obstacle();
            let waits = obstacle.is_some() && since.elapsed() < self.patience;
            self.set_obstacle(obstacle);
            // When the server ends, nobody waits for the result any more.
            if !waits || job.done.is_closed() {
                return Err(error);
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    fn set_obstacle(&self, obstacle: Option<String>) {
        *self.obstacle.lock() = obstacle;
    }

    fn write(&mut self, records: &[Record]) -> Result<Written, WriteError> {
        let (mut more, mut events) = (false, Vec::new());
        if records.is_empty() {
            match self.journal.trim(Reading::now()) {
                Ok(is_more) => more = is_more,
                // Nobody waits for this deletion.
                Err(error) if error.obstacle().is_some() => {}
                Err(error) => return Err(error),
            }
            if let Ok(space) = self.journal.space()
                && self.space.is_news(space)
            {
                events.push(server::Event::DiskLow(space));
            }
        } else {
            self.journal.append(records, Reading::now())?;
        }
        events.extend(self.journal.take_clock_doubt().map(server::Event::Clock));
        Ok(Written {
            oldest_seq: self.journal.oldest_seq(),
            more,
            events,
        })
    }
}

impl GroupCommit {
    /// Stores events and publishes them, until the store fails: then it closes the room.
    pub async fn keep(&self, hub: &Hub) {
        if let Err(error) = self.store_all(hub).await {
            hub.fail(RETRY_MS, &error);
        }
    }

    /// Stores events; returns only if the store fails.
    async fn store_all(&self, hub: &Hub) -> Result<(), WriteError> {
        let mut next_trim = time::Instant::now();
        loop {
            if timeout_at(next_trim, hub.unstored()).await.is_err() {
                // In small steps, so that new events do not wait for long.
                let (more, _) = self.write(hub, Vec::new()).await?;
                let wait = if more { Duration::ZERO } else { TRIM_TIME };
                next_trim = time::Instant::now() + wait;
            }
            while let Some(staged) = hub.stage() {
                let mut delay = None;
                if !staged.records.is_empty() {
                    (_, delay) = self.write(hub, staged.records).await?;
                }
                hub.publish(staged.end);
                if let Some(delay) = delay {
                    hub.slip_in(&Event::Notice {
                        code: NOTICE_RESUMED,
                        text: RESUMED,
                    });
                    hub.report(server::Event::Resumed(delay));
                }
            }
        }
    }

    /// Stores this batch, or deletes old messages if it is empty. Returns whether more of
    /// them remain, and how long the delay was, if members were notified of one.
    async fn write(
        &self,
        hub: &Hub,
        records: Vec<Record>,
    ) -> Result<(bool, Option<Duration>), WriteError> {
        let since = Instant::now();
        let (done, mut result) = oneshot::channel();
        let _ = self.jobs.send(Job { records, done }).await;
        let mut wait = DELAY_TOLD;
        let result = loop {
            if let Ok(result) = time::timeout(wait, &mut result).await {
                break result;
            }
            if wait == DELAY_TOLD {
                let obstacle = self.obstacle.lock().clone();
                let why = obstacle.unwrap_or_else(|| "the disk is slow".to_owned());
                hub.report(server::Event::Delayed(why));
                hub.slip_in(&Event::Notice {
                    code: NOTICE_DELAYED,
                    text: DELAYED,
                });
            }
            hub.slip_in(&Event::Alive);
            wait = ALIVE_TIME;
        };
        let Ok(result) = result else {
            // Its thread ends only when this does; if it has ended, nothing is stored.
            return Err(WriteError::Failed {
                path: hub.settings.store.clone().unwrap_or_default(),
                error: io::Error::other("the thread that writes has ended"),
            });
        };
        let written = result?;
        hub.set_oldest_stored(written.oldest_seq);
        for event in written.events {
            hub.report(event);
        }
        let was_told = wait == ALIVE_TIME;
        Ok((written.more, was_told.then(|| since.elapsed())))
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        // Without a sender, its thread ends.
        self.jobs = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed already.
            let _ = thread.join();
        }
    }
}
