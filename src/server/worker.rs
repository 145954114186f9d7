//! The threads that serve connections. The first one accepts them, and serves those of a
//! small room alone, so that no thread has to notify another. When there is enough work
//! for more threads, each serves a part of the connections.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc};
use tokio::task::yield_now;

use crate::lock::{Mutex, Rank};

use super::bell::{Bell, Ear};
use super::connection::{Connection, serve};
use super::fanout::{FanOut, Turn};
use super::guest::Guest;
use super::listener::hold_less;
use super::shared::Shared;

/// One thread serves so many connections before another one helps; further ones are
/// spread in groups of the same size.
const GROUP: usize = 256;

/// The most threads.
const WORKERS: usize = 8;

/// The most connections that wait for a thread.
const NEWCOMERS: usize = 256;

/// A connection that the first thread has accepted for another.
type Newcomer = (std::net::TcpStream, Guest);

/// The state of one thread.
#[derive(Debug)]
pub(super) struct Worker {
    /// Rings when the log grew, for the connections that read it themselves.
    bell: Arc<Bell>,
    /// Writes the log to the connections that have nothing else to do.
    pub fan_out: Arc<FanOut>,
    /// The number of connections that it serves.
    connections: AtomicUsize,
    /// The queue of its newcomers, once it runs; the first thread accepts its own.
    newcomers: OnceLock<mpsc::Sender<Newcomer>>,
    /// Its thread, unless that is the thread that accepts.
    thread: Mutex<Option<JoinHandle<()>>>,
    stop: Notify,
    /// A request to show that it still serves.
    asked: Notify,
    answered: Notify,
}

/// One worker for each processor of the computer, up to a limit.
pub(super) fn workers() -> Vec<Worker> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (0..processors.min(WORKERS))
        .map(|_| Worker::default())
        .collect()
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            bell: Arc::default(),
            fan_out: Arc::default(),
            connections: AtomicUsize::new(0),
            newcomers: OnceLock::new(),
            thread: Mutex::new(Rank::Thread, None),
            stop: Notify::new(),
            asked: Notify::new(),
            answered: Notify::new(),
        }
    }
}

impl Worker {
    /// Reports that the log grew.
    pub fn tell_news(&self) {
        self.fan_out.tell_news();
    }

    /// An ear that hears whenever the log grows.
    pub fn news(&self) -> Ear {
        self.bell.listen()
    }

    /// Whether it serves any connection.
    pub fn is_needed(&self) -> bool {
        self.connections.load(Ordering::Relaxed) > 0
    }

    fn count_in(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that has ended.
    pub fn count_out(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Writes new log entries to all followers, wakes the other readers, and rings the
    /// alarms.
    pub async fn serve(&self, shared: &Shared) {
        tokio::join!(self.write_news(shared), self.fan_out.ring_alarms());
    }

    async fn write_news(&self, shared: &Shared) {
        loop {
            self.fan_out.news().await;
            self.bell.ring();
            let mut from = 0;
            loop {
                match self.fan_out.write(shared, from) {
                    Turn::Next(next) => from = next,
                    Turn::Done { again: true } => from = 0,
                    Turn::Done { again: false } => break,
                }
                yield_now().await;
            }
        }
    }
}

/// Serves a newcomer, on the thread that has the fewest connections.
pub(super) async fn take_in(shared: &Arc<Shared>, stream: TcpStream, guest: Guest) {
    hold_less(&stream, shared.guests.open());
    let index = fewest(&shared.workers);
    let newcomers = match index {
        0 => None,
        // Without another thread, this one serves all.
        _ => shared.workers[index].newcomers(shared, index).ok(),
    };
    let Some(newcomers) = newcomers else {
        let worker = &shared.workers[0];
        worker.count_in();
        return take_in_here(stream, guest, 0);
    };
    if let Ok(stream) = stream.into_std() {
        shared.workers[index].count_in();
        let _ = newcomers.send((stream, guest)).await;
    }
}

/// Serves a newcomer on this thread, which is the one of the worker with this index.
fn take_in_here(stream: TcpStream, guest: Guest, index: usize) {
    tokio::spawn(serve(Box::new(Connection::new(stream, guest, index))));
}

/// The index of the worker to serve the next connection.
fn fewest(workers: &[Worker]) -> usize {
    let groups = |worker: &Worker| worker.connections.load(Ordering::Relaxed) / GROUP;
    let fewest = workers.iter().enumerate().min_by_key(|(_, it)| groups(it));
    fewest.map_or(0, |(index, _)| index)
}

impl Worker {
    /// The queue of its newcomers. The first of them starts its thread.
    fn newcomers(&self, shared: &Arc<Shared>, index: usize) -> io::Result<&mpsc::Sender<Newcomer>> {
        if let Some(newcomers) = self.newcomers.get() {
            return Ok(newcomers);
        }
        let runtime = runtime()?;
        let (newcomers, mut queue) = mpsc::channel::<Newcomer>(NEWCOMERS);
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new()
            .name(format!("chatroom-{index}"))
            .spawn(move || {
                let worker = &shared.workers[index];
                runtime.block_on(async {
                    let serving = async {
                        while let Some((stream, guest)) = queue.recv().await {
                            match TcpStream::from_std(stream) {
                                Ok(stream) => take_in_here(stream, guest, index),
                                Err(_) => worker.count_out(),
                            }
                        }
                    };
                    tokio::select! {
                        () = serving => {}
                        () = worker.serve(&shared) => {}
                        () = worker.answer() => {}
                        () = worker.stop.notified() => {}
                    }
                });
                // This drops open connections without waiting.
                runtime.shutdown_background();
            })?;
        *self.thread.lock() = Some(thread);
        Ok(self.newcomers.get_or_init(|| newcomers))
    }

    /// Answers each request to show that it still serves.
    async fn answer(&self) {
        loop {
            self.asked.notified().await;
            self.answered.notify_one();
        }
    }

    /// Waits until its thread has shown that it still serves, if it has one of its own.
    pub async fn responds(&self) {
        if self.newcomers.get().is_some() {
            self.asked.notify_one();
            self.answered.notified().await;
        }
    }

    /// Ends its thread, and waits for it.
    pub fn stop(&self) {
        self.stop.notify_one();
        let thread = self.thread.lock().take();
        // If the thread panicked, nothing can be done about it.
        let _ = thread.map(JoinHandle::join);
    }
}

/// The event loop that runs the tasks of one thread.
///
/// # Errors
/// If the system provides no event queue.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_is_served_by_one_thread_and_a_big_one_by_all() {
        let workers: Vec<Worker> = (0..3).map(|_| Worker::default()).collect();
        let mut served = vec![0; 3];
        let mut come = |connections| {
            for _ in 0..connections {
                let index = fewest(&workers);
                workers[index].count_in();
                served[index] += 1;
            }
            served.clone()
        };
        assert_eq!(come(GROUP), [GROUP, 0, 0]);
        assert_eq!(come(GROUP + 1), [GROUP, GROUP, 1]);
        assert_eq!(come(GROUP * 4 - 1), [GROUP * 2; 3]);
        for _ in 0..=GROUP {
            workers[1].count_out();
        }
        assert_eq!(fewest(&workers), 1);
    }
}
