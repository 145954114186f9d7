//! The server: it listens, serves the members of one room, and closes.
//!
//! A [`Server`] can be embedded: bind it, ask for its addresses, and run it on a
//! thread of its own. Each connection has a task; what is new in the log is written
//! to all who follow it by the fan-out, without waking them.

mod accept;
mod bell;
mod connection;
mod event;
mod fanout;
mod guest;
mod keeper;
mod listener;
mod session;
mod settings;
mod shared;
mod worker;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::room::{Closing, GATHER_TIME, clean_room_name};
use crate::wire::address::Address;

pub use self::event::{Event, Refusal};
pub use self::listener::BindError;
pub use self::settings::Settings;

use self::keeper::{Kept, Writer};
use self::shared::Shared;

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
        let other = |port| move |error| BindError::Other { port, error };
        let listeners = listener::listen(&settings.bind, settings.port)?;
        let port = match listeners.first() {
            Some(first) => first.local_addr().map_err(other(settings.port))?.port(),
            None => settings.port,
        };
        raise_open_files();
        let room_name = settings.room_name.as_deref().and_then(clean_room_name);
        let room_name = room_name.unwrap_or_else(default_room_name);
        let addresses = listener::reachable(&listeners);
        let kept = match &settings.store {
            Some(path) => Some(Kept::open(path, settings.keep, &settings.rules)?),
            None => None,
        };
        let (shared, writer) =
            Shared::new(settings, room_name, addresses, kept).map_err(other(port))?;
        Ok(Self {
            listeners,
            port,
            shared: Arc::new(shared),
            writer,
        })
    }

    /// The TCP port: the one that was taken, if any was asked for.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where others can join, the likeliest first; if this computer is in no
    /// network, its own address.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.shared.addresses
    }

    /// The name of the room.
    #[must_use]
    pub fn room_name(&self) -> &str {
        &self.shared.room_name
    }

    /// What controls the server while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
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
        let (port, addresses) = (self.port, self.addresses().to_vec());
        let thread = thread::Builder::new()
            .name("chatroom-server".into())
            .spawn(move || self.run())?;
        Ok(Running {
            handle,
            port,
            addresses,
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
        let waiter = tokio::spawn(wait_for_the_absent(Arc::clone(&shared)));
        let writer = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.workers[0].serve(&shared).await }
        });
        let watcher = tokio::spawn(close_when_deserted(Arc::clone(&shared)));

        shared.closing().await;
        // Nobody new; and everyone who is there is told, by their own tasks.
        acceptors.shutdown().await;
        gatherer.abort();
        waiter.abort();
        watcher.abort();
        let closing = timeout(CLOSE_TIMEOUT, async {
            let closing = shared.over().await;
            shared.all_gone().await;
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

/// Closes the room when it is empty, unless someone connects in that moment: they
/// may have, and wait to be accepted.
async fn close_when_deserted(shared: Arc<Shared>) {
    loop {
        shared.deserted().await;
        sleep(LAST_CALL).await;
        shared.close_if_deserted();
    }
}

/// Controls a server, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// Closes the room: everyone is told, then every connection is closed. Does
    /// not wait for it. The first closing counts.
    pub fn close(&self, closing: Closing) {
        self.shared.close(closing);
    }

    /// The key by which a client that shows it in its `hello` is the host.
    #[must_use]
    pub fn host_key(&self) -> &str {
        &self.shared.host_key
    }

    /// How many members are in the room, those included who are away and may come
    /// back.
    #[must_use]
    pub fn members(&self) -> usize {
        self.shared.room().count()
    }
}

/// A server that runs on a thread of its own. When it is dropped, the room is
/// closed for good, and everyone was told.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    port: u16,
    addresses: Vec<Address>,
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

    /// Where others can join, the likeliest first.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
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

fn default_room_name() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    clean_room_name(&format!("Room on {host}")).unwrap_or_else(|| "Room".to_owned())
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
