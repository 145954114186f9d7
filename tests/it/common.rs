//! Servers for the tests, in this process and in processes of their own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_channel::Receiver;
use chatroom::room::Closing;
use chatroom::server::{Ended, Event, Running, Server, Settings};

pub use crate::support::{Host, PATIENCE, Peer};
use crate::support::{Program, port_of, process};

/// A server on a free port of this computer. Dropping it closes the room.
pub struct TestServer {
    running: Running,
    events: Receiver<Event>,
}

impl TestServer {
    /// Whether its peers are inside TLS.
    pub const ENCRYPTS: bool = false;

    /// Stays open when everyone has left.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (sender, events) = async_channel::bounded(100_000);
        let mut settings = Settings {
            port: 0,
            stay_open: true,
            room_name: Some("Test".to_owned()),
            events: Some(sender),
            ..Settings::default()
        };
        change(&mut settings);
        let running = Server::bind(settings).unwrap().start().unwrap();
        Self { running, events }
    }

    /// The address from which the server sees a peer.
    #[allow(clippy::unused_self)] // inside TLS, it is the tunnel that knows
    pub fn origin(&self, peer: &Peer) -> SocketAddr {
        peer.stream.local_addr().unwrap()
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The next event of the server.
    pub fn event(&self) -> Event {
        let (events, (told, wait)) = (self.events.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || told.send(events.recv_blocking()));
        wait.recv_timeout(PATIENCE)
            .expect("nothing happened")
            .unwrap()
    }

    /// What has happened next, if anything has.
    pub fn event_now(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    pub fn close(self, closing: Closing) -> Ended {
        self.running.close(closing).unwrap()
    }

    /// Waits until the server ends by itself.
    pub fn wait(self) -> Ended {
        let (told, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || told.send(self.running.wait()));
        wait.recv_timeout(PATIENCE)
            .expect("the server did not end")
            .unwrap()
    }
}

/// A server in a process of its own, on a free port of this computer. Dropping it kills
/// the process.
pub struct ServerProcess {
    program: Program,
    port: u16,
}

impl ServerProcess {
    /// Stays open when everyone has left.
    pub fn start(options: &[&str]) -> Self {
        let always = &["--server", "--stay-open", "--port", "0"][..];
        let mut program = Program::start(&[always, options].concat());
        let (addresses, _) = program.opening();
        Self {
            program: program.for_long(),
            port: port_of(&addresses),
        }
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> usize {
        process::memory(self.program.id()).unwrap()
    }

    /// The CPU time that it has used, in ticks of the kernel's clock.
    pub fn work(&self) -> u64 {
        process::ticks(self.program.id()).unwrap()
    }

    /// Waits until it is idle: for a while it uses no CPU time.
    pub fn rests(&self) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let before = self.work();
            std::thread::sleep(Duration::from_millis(500));
            let work = self.work() - before;
            if work <= 2 {
                return;
            }
            assert!(Instant::now() < patience, "it works: {work}");
        }
    }
}

impl Host for ServerProcess {
    fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

impl Host for TestServer {
    fn address(&self) -> SocketAddr {
        self.running.port().address()
    }
}
