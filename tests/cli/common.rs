//! Programs and peers for the tests. Every wait is for an event, and fails the test if the
//! event does not come.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

pub const CHATROOM: &str = env!("CARGO_BIN_EXE_chatroom");

/// How long a test waits for an event before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The running program. It is killed when dropped, or [`PATIENCE`] after its start, so
/// that no read waits for ever.
pub struct Program {
    child: Child,
    out: Option<Box<dyn BufRead>>,
    _watched: Sender<()>,
}

impl Program {
    /// Starts the program with its standard output in a pipe.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(CHATROOM);
        command.args(arguments);
        Self::start_command(&mut command)
    }

    pub fn start_command(command: &mut Command) -> Self {
        let mut child = spawn(command.stdout(Stdio::piped()));
        let out = child.stdout.take().unwrap();
        Self::watch(child, Box::new(BufReader::new(out)))
    }

    /// Starts the program in a terminal of its own, `columns` wide. The terminal goes away
    /// when the test stops reading it.
    pub fn start_in_terminal(columns: u16, arguments: &[&str]) -> Self {
        Self::start_in_terminal_with(columns, arguments, &[])
    }

    /// The same, with more variables in its environment.
    pub fn start_in_terminal_with(
        columns: u16,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let inside = ioctl_tiocgptpeer(&terminal, flags).unwrap();
        let mut command = Command::new("setsid");
        command
            .args(["--ctty", CHATROOM])
            .args(arguments)
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(inside.try_clone().unwrap())
            .stdout(inside);
        let child = spawn(&mut command);
        Self::watch(child, Box::new(BufReader::new(File::from(terminal))))
    }

    fn watch(child: Child, out: Box<dyn BufRead>) -> Self {
        let pid = Pid::from_child(&child);
        let (watched, ended) = mpsc::channel();
        thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self {
            child,
            out: Some(out),
            _watched: watched,
        }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        line(self.out.as_mut().unwrap())
    }

    pub fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops reading what it prints: closes the pipe, or the terminal.
    pub fn close_output(&mut self) {
        self.out = None;
    }

    /// Waits for its end, and returns its exit code; does not read its output.
    pub fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Waits for its end; returns the rest of its output, its errors and its exit code.
    pub fn end(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut complaint) = (String::new(), String::new());
        if let Some(from) = &mut self.out {
            from.read_to_string(&mut out).unwrap();
        }
        let from = self.child.stderr.as_mut().unwrap();
        from.read_to_string(&mut complaint).unwrap();
        (out, complaint, self.code())
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One end of a connection by the native door.
pub struct Peer(BufReader<TcpStream>);

impl Peer {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Connects to this computer's `port`.
    pub fn connect(port: u16) -> Self {
        Self::new(TcpStream::connect(("127.0.0.1", port)).unwrap())
    }

    /// Joins the room on this computer's `port`.
    pub fn join(port: u16, name: &str) -> Self {
        let mut peer = Self::connect(port);
        peer.tell(&format!(r#"{{"hello":{{"protocol":1,"name":"{name}"}}}}"#));
        assert!(peer.hear().starts_with(r#"{"welcome":"#));
        peer
    }

    pub fn say(&mut self, text: &str) {
        self.tell(&format!(r#"{{"say":{{"text":"{text}"}}}}"#));
    }

    /// The next line; empty at the end of all lines.
    pub fn hear(&mut self) -> String {
        line(&mut self.0)
    }

    /// Skips lines until one begins with `start`, and returns that one.
    pub fn hear_until(&mut self, start: &str) -> String {
        loop {
            let line = self.hear();
            assert_ne!(line, "", "the end of all lines, before {start}");
            if line.starts_with(start) {
                return line;
            }
        }
    }

    pub fn tell(&mut self, line: &str) {
        // One write, because TCP holds a second one back until the first has arrived.
        let line = format!("{line}\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }

    pub fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
