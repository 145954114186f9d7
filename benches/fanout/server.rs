//! The servers that are measured.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::floor;

/// Which server.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The least that a broadcaster can do, with so many bytes a delivery.
    Floor { frame_bytes: usize },
    /// Ours, by the native door.
    Chatroom,
}

/// A server that runs in a process of its own. Killed when it is dropped.
pub struct Server {
    child: Child,
    pub kind: Kind,
    pub port: u16,
}

impl Server {
    pub fn start(kind: Kind) -> io::Result<Self> {
        let mut command = match kind {
            Kind::Floor { frame_bytes } => {
                let mut command = Command::new(std::env::current_exe()?);
                command.env(floor::FRAME_BYTES, frame_bytes.to_string());
                command
            }
            Kind::Chatroom => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
                command.args([
                    "--server",
                    "--stay-open",
                    "--port",
                    "0",
                    "--bind",
                    "127.0.0.1",
                ]);
                command.args(["--rate", "0", "--max-per-address", "0", "--history", "0"]);
                command
            }
        };
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(out).lines();
        // The first line that ends with an address ends with the port.
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit(':').next()?.parse().ok())
            .ok_or_else(|| io::Error::other("the server did not start"))?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, kind, port })
    }

    /// The time that all its threads have run (proc(5), schedstat).
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut total = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let run: u64 = schedstat
                .split(' ')
                .next()
                .and_then(|it| it.parse().ok())
                .ok_or_else(|| io::Error::other("no schedstat"))?;
            total += run;
        }
        Ok(Duration::from_nanos(total))
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> io::Result<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .trim()
                    .strip_suffix(" kB")?
                    .parse()
                    .ok()
            })
            .map(|kib: usize| kib << 10)
            .ok_or_else(|| io::Error::other("no VmRSS"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
