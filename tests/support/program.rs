//! The program in a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::sentences::IS_OPEN;
use super::{CHATROOM, PATIENCE};

/// The running program. It is killed when dropped, or [`PATIENCE`] after its start, so
/// that no read waits for ever.
pub struct Program {
    child: Child,
    out: Option<Box<dyn BufRead>>,
    /// The terminal that it runs in, to type in.
    keyboard: Option<File>,
    /// While it is there, the program is killed when the time is up.
    watched: Option<Sender<()>>,
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
        let terminal = File::from(terminal);
        let keyboard = terminal.try_clone().unwrap();
        let mut program = Self::watch(child, Box::new(BufReader::new(terminal)));
        program.keyboard = Some(keyboard);
        program
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
            keyboard: None,
            watched: Some(watched),
        }
    }

    /// Lets it run for as long as the test does, and stops reading what it prints.
    pub fn for_long(mut self) -> Self {
        self.watched = None;
        self.close_output();
        self
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints; empty at the end of all lines.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads what a server prints when it has opened a room: its addresses, and the line
    /// after them.
    pub fn opening(&mut self) -> (Vec<String>, String) {
        let line = self.line();
        assert!(line.ends_with(IS_OPEN), "{line}");
        let mut addresses = Vec::new();
        loop {
            let line = self.line();
            match line.strip_prefix("  ") {
                Some(address) => addresses.push(address.to_owned()),
                None => return (addresses, line),
            }
        }
    }

    /// Types a text in its terminal, or writes it to its standard input, a pipe, and closes
    /// that.
    pub fn tell(&mut self, text: &str) {
        if let Some(keyboard) = &mut self.keyboard {
            keyboard.write_all(text.as_bytes()).unwrap();
        } else {
            let mut input = self.child.stdin.take().unwrap();
            input.write_all(text.as_bytes()).unwrap();
        }
    }

    /// Reads what it prints until these words, which may be within a line.
    pub fn read_until(&mut self, words: &str) -> String {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(words) {
            let mut byte = [0];
            self.out.as_mut().unwrap().read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Sends a line to its standard input, if that is a pipe, and closes it.
    pub fn go_on(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }

    pub fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops reading what it prints: closes the pipe, or the terminal.
    pub fn close_output(&mut self) {
        self.out = None;
        self.keyboard = None;
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

/// Starts a program that keeps its files where no other test looks for them.
fn spawn(command: &mut Command) -> Child {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let own = format!("home-{}-{number}", std::process::id());
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own);
    let is_set = |name| {
        command
            .get_envs()
            .any(|(key, _)| key.to_str() == Some(name))
    };
    let names = ["XDG_STATE_HOME", "XDG_DATA_HOME"];
    let unset: Vec<_> = names.into_iter().filter(|name| !is_set(name)).collect();
    command
        .envs(unset.into_iter().map(|name| (name, own.as_path())))
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

/// The port of the first of a server's addresses.
pub fn port_of(addresses: &[String]) -> u16 {
    let port = addresses.first().and_then(|it| it.rsplit(':').next());
    port.and_then(|it| it.parse().ok()).unwrap()
}
