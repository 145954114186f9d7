//! A server with a store, in a process of its own. A test starts it again and again, on
//! the same port and with the same file.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use chatroom::store::{Keep, Reading, Recent, Store};
use tempfile::TempDir;

use crate::clients::{Log, Outcome};
use crate::disk::FaultyDisk;
use crate::support::CHATROOM;
use crate::support::process::free_port;
use crate::told::Told;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The number of messages that one read returns at most.
const CHUNK: u64 = 10_000;

/// The parts that outlive the server process.
pub struct Service {
    directory: TempDir,
    /// The folder with the server's errors.
    complaint: TempDir,
    port: u16,
}

/// The running server. Dropping it kills the process.
pub struct Running {
    child: Child,
    out: Option<ChildStdout>,
    complaint: PathBuf,
}

impl Service {
    pub fn new(directory: TempDir) -> Self {
        Self {
            directory,
            complaint: TempDir::new().unwrap(),
            port: free_port().unwrap(),
        }
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Starts the server, and waits until it listens.
    pub fn start(&self) -> Running {
        self.begin().listening()
    }

    /// Starts the server.
    pub fn begin(&self) -> Running {
        self.spawn(&mut Command::new(CHATROOM))
    }

    /// Starts the server on a simulated disk in its directory, and waits until it listens.
    pub fn start_on(&self, disk: &FaultyDisk) -> Running {
        self.spawn(&mut disk.command(CHATROOM)).listening()
    }

    fn spawn(&self, command: &mut Command) -> Running {
        let complaint = self.complaint.path().join("complaint");
        let mut child = command
            .args(["--server", "--stay-open", "--bind", "127.0.0.1"])
            .args(["--rate", "0", "--max-per-address", "0"])
            .args(["--port", &self.port.to_string(), "--store"])
            .arg(
                self.directory
                    .path()
                    .canonicalize()
                    .unwrap()
                    .join("room.db"),
            )
            .stdout(Stdio::piped())
            .stderr(File::create(&complaint).unwrap())
            .spawn()
            .unwrap();
        Running {
            out: child.stdout.take(),
            child,
            complaint,
        }
    }

    /// Checks that the store holds the messages that the clients received, in the same order,
    /// and nothing else. The server must have ended.
    pub fn holds(&self, outcome: &Outcome) {
        let log = read(self.directory.path(), |_, _| {}).unwrap();
        assert_eq!(log, outcome.log, "the log of the store, and of the clients");
    }
}

/// Reads the log of a store, and passes each message to `look`.
fn read(directory: &Path, mut look: impl FnMut(u64, &str)) -> Result<Log, String> {
    let path = directory.join("room.db");
    let recent = Recent {
        entries: 1,
        bytes: usize::MAX,
    };
    let (store, past) = Store::open(&path, Keep::default(), recent, Reading::default())
        .map_err(|error| error.to_string())?;
    let mut reader = store.reader().map_err(|error| error.to_string())?;
    let mut log = Log::default();
    while log.seq() + 1 < past.next_seq {
        let from = log.seq() + 1;
        let messages = reader
            .entries(from, past.next_seq, CHUNK, usize::MAX)
            .map_err(|error| error.to_string())?;
        if messages.is_empty() {
            return Err(format!("{from} is missing"));
        }
        for message in messages {
            let text = message.text().unwrap_or_default();
            log.take(message.seq, message.message_id(), text)?;
            look(message.seq, text);
        }
    }
    Ok(log)
}

/// Checks that a store has all messages that the server sent.
pub fn missing(directory: &Path, told: &Told) -> Result<(), String> {
    let mut wrong = Vec::new();
    let log = read(directory, |seq, text| {
        if told.text(seq).is_some_and(|told| told != text) {
            wrong.push(seq);
        }
    })?;
    if !wrong.is_empty() {
        return Err(format!("others than were told: {wrong:?}"));
    }
    if log.seq() < told.last() {
        return Err(format!(
            "{} were told, and {} are there",
            told.last(),
            log.seq()
        ));
    }
    Ok(())
}

impl Running {
    /// Waits until it listens.
    fn listening(mut self) -> Self {
        let mut lines = BufReader::new(self.out.take().unwrap()).lines();
        let address = lines.find(|line| line.as_ref().unwrap().starts_with("  "));
        let complaint = || fs::read_to_string(&self.complaint);
        assert!(address.is_some(), "it did not open: {:?}", complaint());
        self
    }

    /// Kills the server with SIGKILL. It must be running.
    pub fn kill(mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let complaint = fs::read_to_string(&self.complaint).unwrap();
            panic!("it has ended: {status} {complaint}");
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends; returns its exit code and its errors.
    pub fn end(mut self) -> (Option<i32>, String) {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let complaint = fs::read_to_string(&self.complaint).unwrap();
                return (status.code(), complaint);
            }
            assert!(Instant::now() < patience, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
