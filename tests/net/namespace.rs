//! A network of its own, in which programs are run.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

pub const CHATROOM: &str = env!("CARGO_BIN_EXE_chatroom");

/// How long a test waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A network of its own, with only a loopback interface at first. It is gone when this
/// is dropped.
pub struct Namespace {
    holder: Child,
    /// Of the programs in it.
    folder: tempfile::TempDir,
}

impl Namespace {
    /// None, and a word about it, where this system does not allow it.
    pub fn new() -> Option<Self> {
        let made = Self::make();
        if let Err(why) = &made {
            eprintln!("skipped: this system allows no network of one's own: {why}");
        }
        made.ok()
    }

    fn make() -> Result<Self, String> {
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--", "sh", "-c"])
            .arg(
                "ip link set lo up && ip link add v0 type veth peer name v1 && ip link delete v0 \
                  && echo ready && exec sleep infinity",
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut ready = String::new();
        let out = holder.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut ready).unwrap();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut namespace = Self { holder, folder };
        if ready == "ready\n" {
            return Ok(namespace);
        }
        let mut why = String::new();
        let words = namespace.holder.stderr.as_mut().unwrap();
        words.read_to_string(&mut why).unwrap();
        Err(why.trim().to_owned())
    }

    /// A command in it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--user", "--net", "--preserve-credentials", "--", program])
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs lines of a shell in it, and returns what they print.
    pub fn run(&self, lines: &str) -> String {
        let output = self.command("sh").args(["-euc", lines]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a script of Python in it, and returns what it prints.
    pub fn python(&self, script: &str) -> String {
        let output = self
            .command("python3")
            .args(["-c", script])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A program that runs. Killed when it is dropped, or when the test has waited too long
/// for anything.
pub struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    _watched: Sender<()>,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (watched, ended) = mpsc::channel();
        let pid = rustix::process::Pid::from_child(&child);
        thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        });
        Self {
            child,
            out,
            _watched: watched,
        }
    }

    /// The next line that it prints; empty at the end of all lines.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Tells it that it may go on.
    pub fn go_on(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }

    /// What it complains about, and its exit status.
    pub fn end(mut self) -> (String, Option<i32>) {
        let mut complaint = String::new();
        let from = self.child.stderr.as_mut().unwrap();
        from.read_to_string(&mut complaint).unwrap();
        (complaint, self.child.wait().unwrap().code())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that the command starts, and the addresses that it tells when it is open.
pub fn serve(command: &mut Command) -> (Program, Vec<String>) {
    let mut server = Program::start(command.args(["--server", "--stay-open"]));
    assert!(server.line().ends_with("Others can join at"));
    let mut addresses = Vec::new();
    loop {
        let line = server.line();
        match line.strip_prefix("  ") {
            Some(address) => addresses.push(address.to_owned()),
            None => return (server, addresses),
        }
    }
}
