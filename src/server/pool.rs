//! The threads that serve connections. The first one accepts them, and serves those of a
//! small room alone, so that no thread has to notify another. When there is enough work
//! for more threads, each serves a part of the connections.
//!
//! The pool knows neither rooms nor protocols: it is handed a [`Service`].

use std::fmt;
use std::io;
use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc};

use crate::lock::{Mutex, Rank};

use super::wakers::{Seat, ThreadWaker, Wakers};

/// One thread serves so many connections before another one helps; further ones are
/// spread in groups of the same size.
const GROUP: usize = 256;

/// The most threads.
const THREADS: usize = 8;

/// The most connections that wait for a thread.
const NEWCOMERS: usize = 256;

/// What a pool serves.
pub trait Service: Send + Sync + 'static {
    /// The peer of a new connection.
    type Peer: Send + 'static;

    /// Does what all connections of the thread with this index have in common; never
    /// returns.
    fn run(&self, thread: usize) -> impl Future<Output = ()> + Send;

    /// Serves one connection on the thread with this index, until the connection ends.
    fn serve(
        &self,
        stream: TcpStream,
        peer: Self::Peer,
        thread: usize,
        seat: Seat,
    ) -> impl Future<Output = ()> + Send + 'static;
}

/// The number of threads for one room: one for each processor of the computer, up to a
/// limit.
pub fn threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    processors.min(THREADS)
}

/// The threads that serve connections.
pub struct Pool<S: Service> {
    service: S,
    workers: Box<[Worker<S::Peer>]>,
}

impl<S: Service> fmt::Debug for Pool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.workers.len()).finish()
    }
}

/// A connection that the first thread has accepted for another.
struct Newcomer<P> {
    stream: std::net::TcpStream,
    peer: P,
    seat: Seat,
}

/// One thread.
struct Worker<P> {
    waker: Arc<ThreadWaker>,
    /// The queue of its newcomers, once it runs; the first thread accepts its own.
    newcomers: OnceLock<mpsc::Sender<Newcomer<P>>>,
    /// Its thread, unless that is the thread that accepts.
    thread: Mutex<Option<JoinHandle<()>>>,
    stop: Notify,
    /// A request to show that it still serves.
    asked: Notify,
    answered: Notify,
}

impl<S: Service> Pool<S> {
    /// A pool with a thread for each of these wakers. They start when there is work for
    /// them.
    pub fn new(wakers: &Wakers, service: S) -> Arc<Self> {
        let workers = wakers.all().iter().map(|waker| Worker {
            waker: Arc::clone(waker),
            newcomers: OnceLock::new(),
            thread: Mutex::new(Rank::Thread, None),
            stop: Notify::new(),
            asked: Notify::new(),
            answered: Notify::new(),
        });
        Arc::new(Self {
            workers: workers.collect(),
            service,
        })
    }

    /// Does what all connections of the first thread, which is this one, have in common;
    /// never returns.
    pub async fn run_here(&self) {
        self.service.run(0).await;
    }

    /// Serves a newcomer, on the thread that has the fewest connections.
    pub async fn take_in(self: &Arc<Self>, stream: TcpStream, peer: S::Peer) {
        let index = fewest(self.workers.iter().map(|worker| worker.waker.connections()));
        let newcomers = match index {
            0 => None,
            // Without another thread, this one serves all.
            _ => self.newcomers(index).ok(),
        };
        let Some(newcomers) = newcomers else {
            let seat = self.workers[0].waker.seat();
            tokio::spawn(self.service.serve(stream, peer, 0, seat));
            return;
        };
        if let Ok(stream) = stream.into_std() {
            let seat = self.workers[index].waker.seat();
            let newcomer = Newcomer { stream, peer, seat };
            let _ = newcomers.send(newcomer).await;
        }
    }

    /// The queue of newcomers of a thread other than the first. The first of them starts
    /// it.
    fn newcomers(self: &Arc<Self>, index: usize) -> io::Result<&mpsc::Sender<Newcomer<S::Peer>>> {
        let worker = &self.workers[index];
        if let Some(newcomers) = worker.newcomers.get() {
            return Ok(newcomers);
        }
        let runtime = runtime()?;
        let (newcomers, queue) = mpsc::channel(NEWCOMERS);
        let pool = Arc::clone(self);
        let thread = thread::Builder::new()
            .name(format!("chatroom-{index}"))
            .spawn(move || {
                runtime.block_on(pool.work(index, queue));
                // This drops open connections without waiting.
                runtime.shutdown_background();
            })?;
        *worker.thread.lock() = Some(thread);
        Ok(worker.newcomers.get_or_init(|| newcomers))
    }

    /// The work of a thread other than the first, until it is stopped.
    async fn work(&self, index: usize, mut queue: mpsc::Receiver<Newcomer<S::Peer>>) {
        let worker = &self.workers[index];
        let serving = async {
            while let Some(Newcomer { stream, peer, seat }) = queue.recv().await {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    tokio::spawn(self.service.serve(stream, peer, index, seat));
                }
            }
        };
        tokio::select! {
            () = serving => {}
            () = self.service.run(index) => {}
            () = worker.answer() => {}
            () = worker.stop.notified() => {}
        }
    }

    /// Waits until each thread has shown that it still serves.
    pub async fn responds(&self) {
        for worker in &self.workers {
            worker.responds().await;
        }
    }

    /// Ends all threads but the first, and waits for them.
    pub fn stop(&self) {
        for worker in &self.workers {
            worker.stop.notify_one();
            let thread = worker.thread.lock().take();
            // If the thread panicked, nothing can be done about it.
            let _ = thread.map(JoinHandle::join);
        }
    }
}

/// The index of the thread to serve the next connection, from the number of connections
/// of each.
fn fewest(connections: impl Iterator<Item = usize>) -> usize {
    let fewest = connections
        .enumerate()
        .min_by_key(|(_, count)| count / GROUP);
    fewest.map_or(0, |(index, _)| index)
}

impl<P> Worker<P> {
    /// Answers each request to show that it still serves.
    async fn answer(&self) {
        loop {
            self.asked.notified().await;
            self.answered.notify_one();
        }
    }

    /// Waits until its thread has shown that it still serves, if it has one of its own.
    async fn responds(&self) {
        if self.newcomers.get().is_some() {
            self.asked.notify_one();
            self.answered.notified().await;
        }
    }
}

/// The event loop that runs the tasks of one thread.
///
/// # Errors
/// If the system provides no event queue.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_is_served_by_one_thread_and_a_big_one_by_all() {
        let wakers = Wakers::new(3);
        let index = || fewest(wakers.all().iter().map(|it| it.connections()));
        let mut served = [vec![], vec![], vec![]];
        let mut come = |connections| {
            for _ in 0..connections {
                let index = index();
                served[index].push(wakers.all()[index].seat());
            }
            [0, 1, 2].map(|index| wakers.all()[index].connections())
        };
        assert_eq!(come(GROUP), [GROUP, 0, 0]);
        assert_eq!(come(GROUP + 1), [GROUP, GROUP, 1]);
        assert_eq!(come(GROUP * 4 - 1), [GROUP * 2; 3]);
        served[1].truncate(GROUP - 1);
        assert_eq!(index(), 1);
    }
}
