//! The server: it listens, serves the members of one room, and closes.
//!
//! A [`Server`] can be embedded: bind it, ask for its addresses, and run it on a
//! thread of its own. Each connection has a task; what is new in the log is written
//! to all who follow it by the fan-out, without waking them.

mod accept;
mod bell;
mod budget;
mod connection;
mod event;
mod fanout;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod guest;
mod guests;
mod keeper;
mod listener;
mod probe;
mod reporter;
mod room_lock;
mod session;
mod settings;
mod shared;
mod surroundings;
mod vitals;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::room::{Closing, GATHER_TIME};
use crate::wire::address::Address;

pub use self::event::{Event, Refusal};
pub use self::listener::BindError;
pub use self::settings::Settings;
pub use self::vitals::{Refused, Vitals};

use self::keeper::{Kept, Writer};
use self::shared::Shared;
use self::surroundings::{Surroundings, keep_current};
use self::vitals::Pulse;

/// How long the members may take to read that the room was closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a room that is empty is kept for those who are connecting already.
const LAST_CALL: Duration = Duration::from_millis(20);

/// A server that listens: who comes waits until it runs.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<std::net::TcpListener>,
    port: u16,
    shared: Arc<Shared>,
    writer: Option<Writer>,
    pulse: Option<Pulse>,
}

/// Why a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was closed.
    Closed(Closing),
    /// Everyone had left.
    Empty,
}

impl Server {
    /// Opens the room's port. Newcomers are let in once the server runs.
    ///
    /// If the port is taken this asks whoever holds it whether it is a room,
    /// which can take two seconds.
    ///
    /// # Errors
    /// If the port cannot be had; the error tells why in words.
    pub fn bind(settings: Settings) -> Result<Self, BindError> {
        let listeners = listener::listen(&settings.bind, settings.port)?;
        Self::with(settings, listeners)
    }

    /// Serves at sockets that listen already, of a service manager for one,
    /// instead of those that the settings ask for. There is at least one.
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
            Some(path) => Some(Kept::open(path, settings.keep, &settings.rules)?),
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

    /// Calls `beat` from the loop that serves the members: when newcomers are let
    /// in, and then in these intervals for as long as all of its threads serve. It
    /// must not wait.
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

    /// The TCP port: the one that was taken, if any was asked for.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where others can join at this moment, the likeliest first; if this computer is
    /// in no network, its own address.
    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Address>> {
        self.shared.surroundings.addresses()
    }

    /// The name of the room.
    #[must_use]
    pub fn room_name(&self) -> Arc<str> {
        Arc::clone(&self.shared.live().room_name)
    }

    /// What controls the server while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
            port: self.port,
        }
    }

    /// Serves the room on this thread until it is closed or, unless it stays
    /// open, everyone has left and nobody may come back; and until everyone was told, a few seconds at
    /// most.
    ///
    /// # Errors
    /// If the system gives no event queue.
    pub fn run(self) -> io::Result<Ended> {
        let runtime = worker::runtime()?;
        let ended = runtime.block_on(self.serve());
        // A connection that is still open is let go without waiting.
        runtime.shutdown_background();
        ended
    }

    /// Serves the room on a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread.
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
            // For ever.
            () = keep_current(&shared) => {}
        }
        // Nobody new; and everyone who is there is told, by their own tasks.
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
            // What it holds is let go of when this is ready.
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

/// Tells the changes in who is in a big room, gathered over a short time.
async fn tell_gathered(shared: Arc<Shared>) {
    loop {
        shared.gathering().await;
        sleep(GATHER_TIME).await;
        shared.tell_gathered();
    }
}

/// Lets those go who do not come back in time.
async fn wait_for_the_absent(shared: Arc<Shared>) {
    loop {
        shared.expiry().await;
        shared.expire(Instant::now());
    }
}

/// Feels the pulse of all threads that serve members.
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
    /// Has the room closed: everyone is told, then every connection is closed. Waits
    /// for nothing. The first closing counts.
    pub fn close(&self, closing: Closing) {
        self.shared.request_close(closing);
    }

    /// The key by which a client that shows it in its `hello` is the host.
    #[must_use]
    pub fn host_key(&self) -> &str {
        &self.shared.host_key
    }

    /// Takes over what can change of `settings` while every member stays: the
    /// name of the room (newcomers are told), when it ends by itself, how much of
    /// the past newcomers are sent, the time to give a name and to come back, and
    /// the limits of members, connections and pace. The other settings count for
    /// nothing.
    pub fn change(&self, settings: &Settings) {
        self.shared.change(settings);
    }

    /// What the server can tell of itself at this moment. Waits for nothing that the
    /// server does.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.shared.vitals(self.port)
    }

    /// How many messages were said since the server is there. Waits for nothing.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.shared.messages()
    }

    /// How many members are in the room, those included who are away and may come
    /// back. Waits for nothing.
    #[must_use]
    pub fn members(&self) -> usize {
        self.shared.members()
    }
}

/// A server that runs on a thread of its own. When it is dropped, the room is
/// closed for good, and everyone was told.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    port: u16,
    thread: Option<JoinHandle<io::Result<Ended>>>,
}

impl Running {
    /// What controls the server.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where others can join at this moment, the likeliest first.
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

    /// Closes the room, and waits until everyone was told, a few seconds at most.
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
        // It was told or not; there is nobody left to report to.
        let _ = self.join();
    }
}

/// Each connection is an open file, and the usual limit of 1,024 is one for
/// programs that use select(2): this one may have as many as it is allowed.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        limit.current = limit.maximum;
        // Fewer will do for most rooms.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
