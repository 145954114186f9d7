//! The server: it listens, serves the members of one room, and closes.
//!
//! A [`Server`] can be embedded: bind it, ask for its addresses, and run it on a thread
//! of its own. Each connection has a task; the fan-out writes new log entries to all
//! followers, without waking them.

mod accept;
mod bell;
mod budget;
mod commit;
mod connection;
mod event;
mod fanout;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod guest;
mod guests;
mod listener;
mod probe;
mod reporter;
mod room_lock;
mod session;
mod settings;
mod shared;
mod surroundings;
mod vitals;
#[cfg(test)]
mod wakes;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::protocol::address::Address;
use crate::room::{Closing, GATHER_TIME};

pub use self::event::{Event, Refusal};
pub use self::listener::BindError;
pub use self::settings::Settings;
pub use self::vitals::{Refused, Vitals};

use self::commit::{OpenedStore, Writer};
use self::shared::Shared;
use self::surroundings::{Surroundings, keep_current};
use self::vitals::Pulse;

/// The time that members have to read that the room was closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time for which an empty room stays open for connections that are still being made.
const LAST_CALL: Duration = Duration::from_millis(20);

/// A server that listens: new connections wait until it runs.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<std::net::TcpListener>,
    port: u16,
    shared: Arc<Shared>,
    writer: Option<Writer>,
    pulse: Option<Pulse>,
}

/// The reason why a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was closed.
    Closed(Closing),
    /// All members had left.
    Empty,
}

impl Server {
    /// Opens the room's port. The server accepts newcomers once it runs.
    ///
    /// If the port is in use, this asks the program that holds it whether it is a room,
    /// which can take two seconds.
    ///
    /// # Errors
    /// If the port cannot be opened; the error gives the reason in words.
    pub fn bind(settings: Settings) -> Result<Self, BindError> {
        let listeners = listener::listen(&settings.bind, settings.port)?;
        Self::with(settings, listeners)
    }

    /// Serves on sockets that already listen, for example those of a service manager,
    /// instead of those in the settings. There must be at least one.
    ///
    /// # Errors
    /// If the sockets cannot be used.
    pub fn adopt(
        settings: Settings,
        listeners: Vec<std::net::TcpListener>,
    ) -> Result<Self, BindError> {
        let port = settings.port;
        let listeners =
            listener::adopt(listeners).map_err(|error| BindError::Other { port, error })?;
        Self::with(settings, listeners)
    }

    fn with(settings: Settings, listeners: Vec<std::net::TcpListener>) -> Result<Self, BindError> {
        let other = |port| move |error| BindError::Other { port, error };
        let port = match listeners.first() {
            Some(first) => first.local_addr().map_err(other(settings.port))?.port(),
            None => settings.port,
        };
        raise_open_files();
        let surroundings = Surroundings::of(&listeners);
        let kept = match &settings.store {
            Some(path) => Some(OpenedStore::open(path, settings.keep, &settings.rules)?),
            None => None,
        };
        let (shared, writer) = Shared::new(settings, surroundings, kept).map_err(other(port))?;
        Ok(Self {
            listeners,
            port,
            shared: Arc::new(shared),
            writer,
            pulse: None,
        })
    }

    /// Calls `beat` from the loop that serves the members: when the server starts to
    /// accept newcomers, and then at this interval for as long as all of its threads
    /// respond. `beat` must not block.
    pub fn on_pulse(&mut self, every: Duration, beat: impl FnMut() + Send + 'static) {
        self.pulse = Some(Pulse {
            every,
            beat: Box::new(beat),
        });
    }

    /// The addresses and ports of this computer at which it listens.
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(std::net::TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// The TCP port: the one that the system picked, if the settings asked for any.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The addresses where others can join at this moment, the likeliest first; if this
    /// computer is in no network, its own address.
    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Address>> {
        self.shared.surroundings.addresses()
    }

    /// The name of the room.
    #[must_use]
    pub fn room_name(&self) -> Arc<str> {
        Arc::clone(&self.shared.live().room_name)
    }

    /// A handle to control the server while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
            port: self.port,
        }
    }

    /// Serves the room on this thread until it is closed or, unless it stays open, until
    /// everyone has left and no absent member can come back. Then it waits until everyone
    /// was notified, a few seconds at most.
    ///
    /// # Errors
    /// If the system provides no event queue.
    pub fn run(self) -> io::Result<Ended> {
        let runtime = worker::runtime()?;
        let ended = runtime.block_on(self.serve());
        // This drops open connections without waiting.
        runtime.shutdown_background();
        ended
    }

    /// Serves the room on a thread of its own.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(self) -> io::Result<Running> {
        let handle = self.handle();
        let port = self.port;
        let thread = thread::Builder::new()
            .name("chatroom-server".into())
            .spawn(move || self.run())?;
        Ok(Running {
            handle,
            port,
            thread: Some(thread),
        })
    }

    async fn serve(self) -> io::Result<Ended> {
        let shared = self.shared;
        let writing = self.writer.map(Writer::start).transpose()?;
        let keeper = writing.map(|writing| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { writing.keep(&shared).await })
        });
        let mut acceptors = tokio::task::JoinSet::new();
        for listener in self.listeners {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            acceptors.spawn(accept::accept(listener, Arc::clone(&shared)));
        }
        let gatherer = tokio::spawn(tell_gathered(Arc::clone(&shared)));
        let reporter = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.reporter.tell_gathered().await }
        });
        let waiter = tokio::spawn(wait_for_the_absent(Arc::clone(&shared)));
        let writer = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.workers[0].serve(&shared).await }
        });
        let empty = Arc::clone(&shared);
        let watcher = tokio::spawn(async move { empty.close_when_deserted(LAST_CALL).await });
        if let Some(pulse) = self.pulse {
            tokio::spawn(beat(pulse, Arc::clone(&shared)));
        }

        tokio::select! {
            () = shared.closing() => {}
            // This never returns.
            () = keep_current(&shared) => {}
        }
        // The server accepts nobody new; the tasks of all members notify them.
        acceptors.shutdown().await;
        gatherer.abort();
        reporter.abort();
        shared.reporter.finish();
        waiter.abort();
        watcher.abort();
        let closing = timeout(CLOSE_TIMEOUT, async {
            let closing = shared.over().await;
            shared.guests.all_gone().await;
            closing
        });
        let closing = closing.await.or(shared.room().closed().ok_or(()));
        writer.abort();
        for worker in &shared.workers {
            worker.stop();
        }
        if let Some(keeper) = keeper {
            keeper.abort();
            // When this is ready, it has released its resources.
            let _ = keeper.await;
        }
        if let Some(why) = shared.store_failed() {
            return Err(io::Error::other(why));
        }
        Ok(if shared.ended_empty() {
            Ended::Empty
        } else {
            Ended::Closed(closing.unwrap_or(Closing::ForGood))
        })
    }
}

/// Announces the joins and leaves of a big room, collected over a short time.
async fn tell_gathered(shared: Arc<Shared>) {
    loop {
        shared.gathering().await;
        sleep(GATHER_TIME).await;
        shared.tell_gathered();
    }
}

/// Removes absent members who do not come back in time.
async fn wait_for_the_absent(shared: Arc<Shared>) {
    loop {
        shared.expiry().await;
        shared.expire(Instant::now());
    }
}

/// Checks all threads that serve members, at regular intervals.
async fn beat(mut pulse: Pulse, shared: Arc<Shared>) {
    loop {
        for worker in &shared.workers {
            worker.responds().await;
        }
        (pulse.beat)();
        sleep(pulse.every).await;
    }
}

/// Controls a server, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    port: u16,
}

impl Handle {
    /// Asks the server to close the room: it notifies everyone, then closes every
    /// connection. Returns at once. Only the first call has an effect.
    pub fn close(&self, closing: Closing) {
        self.shared.request_close(closing);
    }

    /// The host key: a client that sends it in its `hello` is the host.
    #[must_use]
    pub fn host_key(&self) -> &str {
        &self.shared.host_key
    }

    /// Applies those `settings` that can change while every member stays: the name of the
    /// room (for newcomers), when it ends by itself, how much history newcomers get, the
    /// time to give a name and to come back, and the limits of members, connections and
    /// rates. Ignores the other settings.
    pub fn change(&self, settings: &Settings) {
        self.shared.change(settings);
    }

    /// The server's statistics at this moment. Does not wait for any work of the server.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.shared.vitals(self.port)
    }

    /// The number of messages sent since the server started. Does not wait.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.shared.messages()
    }

    /// The number of members in the room, including absent ones. Does not wait.
    #[must_use]
    pub fn members(&self) -> usize {
        self.shared.members()
    }
}

/// A server that runs on a thread of its own. Dropping it closes the room for good, after
/// everyone was notified.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    port: u16,
    thread: Option<JoinHandle<io::Result<Ended>>>,
}

impl Running {
    /// The handle to control the server.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The addresses where others can join at this moment, the likeliest first.
    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Address>> {
        self.handle.shared.surroundings.addresses()
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    /// If it could not serve.
    pub fn wait(mut self) -> io::Result<Ended> {
        self.join()
    }

    /// Closes the room, and waits until everyone was notified, a few seconds at most.
    ///
    /// # Errors
    /// If it could not serve.
    pub fn close(mut self, closing: Closing) -> io::Result<Ended> {
        self.handle.close(closing);
        self.join()
    }

    fn join(&mut self) -> io::Result<Ended> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(Ended::Closed(Closing::ForGood)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.close(Closing::ForGood);
        // Whether or not it served, there is nobody left to report an error to.
        let _ = self.join();
    }
}

/// Raises the limit of open files to the maximum allowed. Each connection is an open
/// file, and the usual limit of 1,024 is meant for programs that use select(2).
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        limit.current = limit.maximum;
        // Fewer are enough for most rooms.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
