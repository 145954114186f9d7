//! The measured servers, each a process of its own.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::floor;
use super::peers::Peer;
use super::process;
use super::protocol::{NATIVE, Protocol};
use super::tls::Files;

/// The longest time that a server may take to start.
const START: Duration = Duration::from_secs(10);

/// The options that lift the limits that would distort a benchmark.
const UNLIMITED: [&str; 6] = [
    "--rate",
    "0",
    "--max-per-address",
    "0",
    "--max-members",
    "1000000",
];

/// A kind of server.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The minimal server, with this many bytes per delivery.
    Floor { frame_bytes: usize },
    /// Our server, by the native door.
    Chatroom,
    /// A server of another project.
    Peer(&'static Peer),
}

impl Kind {
    /// The name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor { .. } => "floor",
            Self::Chatroom => "chatroom",
            Self::Peer(peer) => peer.name,
        }
    }

    fn protocol(self) -> &'static Protocol {
        match self {
            Self::Floor { .. } => &floor::PROTOCOL,
            Self::Chatroom => &NATIVE,
            Self::Peer(peer) => peer.protocol,
        }
    }

    /// The first line that it prints about its version.
    pub fn version(self) -> Option<String> {
        let mut command = match self {
            Self::Floor { .. } => return None,
            Self::Chatroom => chatroom(&["--version"]),
            Self::Peer(peer) => {
                let mut command = Command::new(peer.name);
                command.arg(peer.version);
                command
            }
        };
        let out = command.stdin(Stdio::null()).output().ok()?;
        let told = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        let line = told.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }
}

/// The program that people run.
pub fn chatroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
    command.args(arguments);
    command
}

/// A running server. Dropping it kills the process.
pub struct Server {
    child: Child,
    /// Its working directory, with its output.
    _folder: TempDir,
    kind: Kind,
    pub port: u16,
}

impl Server {
    /// Starts a server without limits.
    pub fn start(kind: Kind) -> io::Result<Self> {
        Self::start_with(kind, &UNLIMITED)
    }

    /// Starts a server without limits, and inside TLS. Ours always is, beside plaintext.
    pub fn start_encrypted(kind: Kind) -> io::Result<Self> {
        let Kind::Peer(peer) = kind else {
            return Self::start(kind);
        };
        let (folder, port) = (tempfile::tempdir()?, process::free_port()?);
        let command = peer.encrypted.ok_or(io::ErrorKind::Unsupported)?;
        let files = Files::write(folder.path())?;
        let command = command(folder.path(), port, &files)?;
        Self::spawn(kind, folder, port, command)
    }

    /// Starts a server; only Chatroom gets these `arguments`.
    pub fn start_with(kind: Kind, arguments: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = process::free_port()?;
        let command = match kind {
            Kind::Floor { frame_bytes } => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args([floor::FLAG, &port.to_string(), &frame_bytes.to_string()]);
                command
            }
            Kind::Chatroom => {
                let mut command = chatroom(&["--server", "--stay-open", "--history", "0"]);
                command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
                command.args(arguments);
                command
            }
            Kind::Peer(peer) => (peer.command)(folder.path(), port)?,
        };
        Self::spawn(kind, folder, port, command)
    }

    fn spawn(kind: Kind, folder: TempDir, port: u16, mut command: Command) -> io::Result<Self> {
        let written = folder.path().join("written");
        let out = fs::File::create(&written)?;
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .map_err(|error| match (error.kind(), kind) {
                (io::ErrorKind::NotFound, Kind::Peer(peer)) => {
                    io::Error::other(format!("{0} is not installed (package {0})", peer.name))
                }
                _ => error,
            })?;
        let mut server = Self {
            child,
            _folder: folder,
            kind,
            port,
        };
        server.ready(&written)?;
        Ok(server)
    }

    /// Waits until it accepts connections.
    fn ready(&mut self, written: &Path) -> io::Result<()> {
        let start = Instant::now();
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() || start.elapsed() > START {
                let words = fs::read(written)?;
                let words = String::from_utf8_lossy(&words);
                let last = words.lines().rfind(|line| !line.trim().is_empty());
                let last = last.unwrap_or("it wrote nothing").trim();
                return Err(io::Error::other(format!("it did not start: {last}")));
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn protocol(&self) -> &'static Protocol {
        self.kind.protocol()
    }

    /// The most connections that may be on their way in at once.
    pub fn at_door(&self) -> usize {
        match self.kind {
            Kind::Peer(peer) => peer.at_door,
            _ => 1_000,
        }
    }

    /// The CPU time of its process, as the kernel reports it.
    pub fn cpu(&self) -> io::Result<Duration> {
        // The threads that exist, to the nanosecond (proc(5), schedstat) …
        let mut threads = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread that ends meanwhile has no schedstat.
            let schedstat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let run = schedstat.split(' ').next().and_then(|it| it.parse().ok());
            threads += Duration::from_nanos(run.unwrap_or_default());
        }
        // … or all threads, including those that have ended, to a hundredth of a second.
        let ticks = process::ticks(self.child.id())?;
        let hertz = rustix::param::clock_ticks_per_second();
        Ok(threads.max(Duration::from_millis(ticks * 1_000 / hertz)))
    }

    /// The resident memory of its own, in bytes.
    pub fn memory(&self) -> io::Result<usize> {
        process::memory(self.child.id())
    }

    /// How many files it has open, connections among them.
    pub fn open_files(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
