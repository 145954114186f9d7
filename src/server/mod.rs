//! The server: it listens, serves the members of one room, and closes.
//!
//! A [`Server`] can be embedded: bind it, ask for its addresses, and run it on a thread
//! of its own. Each connection has a task; the fan-out writes new log entries to all
//! followers, without waking them.

mod accept;
mod admission;
mod budget;
mod connection;
mod control;
mod event;
mod fanout;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hub;
mod link;
mod listener;
mod not_moderated;
mod pool;
mod probe;
mod reporter;
mod running;
mod sentences;
mod session;
mod settings;
mod stats;
mod surroundings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wakers;
mod watchdog;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::protocol::address::Address;
use crate::room::Closing;

pub use self::control::{HeldBan, Target};
pub use self::event::{By, Event, Refusal};
pub use self::hub::Kicked;
pub use self::listener::BindError;
pub use self::not_moderated::NotModerated;
pub use self::running::{Ended, Handle, Running};
pub use self::settings::{Settings, TlsSettings};
pub use self::stats::{Refused, Stats};

use self::connection::Service;
use self::hub::{Foundation, Hub, OpenedStore, Writer, random_seed};
use self::pool::{Pool, runtime, threads};
use self::surroundings::Surroundings;
use self::wakers::Wakers;
use self::watchdog::Watchdog;

/// The time that members have to read that the room was closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time for which an empty room stays open for connections that are still being made.
const LAST_CALL: Duration = Duration::from_millis(20);

/// A server that listens: new connections wait until it runs.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<std::net::TcpListener>,
    port: u16,
    hub: Arc<Hub>,
    writer: Option<Writer>,
    watchdog: Option<Watchdog>,
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
        let rules = settings.rules;
        let seed = random_seed().map_err(other(port))?;
        let (foundation, writer) = match &settings.store {
            Some(path) => {
                let opened = OpenedStore::open(path, settings.keep, &rules)?;
                let (foundation, writer) = opened.split(rules, seed);
                (foundation, Some(writer))
            }
            None => (
                Foundation::in_memory(rules, seed).map_err(other(port))?,
                None,
            ),
        };
        let wakers = Wakers::new(threads());
        let hub = Hub::new(settings, surroundings, foundation, wakers).map_err(other(port))?;
        Ok(Self {
            listeners,
            port,
            hub,
            writer,
            watchdog: None,
        })
    }

    /// Calls `beat` from the loop that serves the members: when the server starts to
    /// accept newcomers, and then at this interval for as long as all of its threads
    /// respond. `beat` must not block.
    pub fn on_watchdog(&mut self, every: Duration, beat: impl FnMut() + Send + 'static) {
        self.watchdog = Some(Watchdog {
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
        self.hub.surroundings.addresses()
    }

    /// The name of the room.
    #[must_use]
    pub fn room_name(&self) -> Arc<str> {
        Arc::clone(&self.hub.live().room_name)
    }

    /// A handle to control the server while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.hub), self.port)
    }

    /// Serves the room on this thread until it is closed or, unless it stays open, until
    /// everyone has left and no absent member can come back. Then it waits until everyone
    /// was notified, a few seconds at most.
    ///
    /// # Errors
    /// If the system provides no event queue.
    pub fn run(self) -> io::Result<Ended> {
        let runtime = runtime()?;
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
        Ok(Running::new(handle, port, thread))
    }

    async fn serve(self) -> io::Result<Ended> {
        let hub = self.hub;
        let writing = self.writer.map(Writer::start).transpose()?;
        let commit = writing.map(|writing| {
            let hub = Arc::clone(&hub);
            tokio::spawn(async move { writing.keep(&hub).await })
        });
        let pool = Pool::new(&hub.wakers, Service::new(Arc::clone(&hub)));
        let mut acceptors = JoinSet::new();
        for listener in self.listeners {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            acceptors.spawn(accept::accept(
                listener,
                Arc::clone(&hub),
                Arc::clone(&pool),
            ));
        }
        let mut tasks = JoinSet::new();
        let announcing = Arc::clone(&hub);
        tasks.spawn(async move { announcing.announce_gathered().await });
        let reporting = Arc::clone(&hub);
        tasks.spawn(async move { reporting.reporter.tell_gathered().await });
        let expiring = Arc::clone(&hub);
        tasks.spawn(async move { expiring.expire_in_time().await });
        let watching = Arc::clone(&hub);
        tasks.spawn(async move { watching.close_when_deserted(LAST_CALL).await });
        let first = Arc::clone(&pool);
        let fan_out = tokio::spawn(async move { first.run_here().await });
        if let Some(watchdog) = self.watchdog {
            tokio::spawn(watch(watchdog, Arc::clone(&pool)));
        }

        let tell_addresses = |addresses| {
            hub.report(Event::Addresses(addresses));
            hub.tell_hosts();
        };
        tokio::select! {
            () = hub.closing() => {}
            // This never returns.
            () = hub.surroundings.keep_current(tell_addresses) => {}
        }
        // The server accepts nobody new; the tasks of all members notify them.
        acceptors.shutdown().await;
        tasks.abort_all();
        hub.reporter.finish();
        let closing = timeout(CLOSE_TIMEOUT, async {
            let closing = hub.over().await;
            hub.admission.all_gone().await;
            closing
        });
        let closing = closing.await.or(hub.closed().ok_or(()));
        fan_out.abort();
        pool.stop();
        if let Some(commit) = commit {
            commit.abort();
            // When this is ready, it has released its resources.
            let _ = commit.await;
        }
        if let Some(why) = hub.store_failed() {
            return Err(io::Error::other(why));
        }
        Ok(if hub.ended_empty() {
            Ended::Empty
        } else {
            Ended::Closed(closing.unwrap_or(Closing::ForGood))
        })
    }
}

/// Checks all threads that serve members, at regular intervals.
async fn watch(mut watchdog: Watchdog, pool: Arc<Pool<Service>>) {
    loop {
        pool.responds().await;
        (watchdog.beat)();
        sleep(watchdog.every).await;
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
