//! Asks the user for a secret on the terminal, without showing it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The most bytes of an answer; the kernel's limit for a line is about the same.
const ANSWER_BYTES: usize = 4_096;

/// Asks for a line. Returns `None` if there is no terminal to ask on, the user gives no
/// answer, or `stop` becomes readable.
pub fn ask(question: &str, stop: BorrowedFd<'_>) -> Option<String> {
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .ok()?;
    // A program in the background would be stopped.
    (tcgetpgrp(&terminal).ok()? == getpgrp()).then_some(())?;
    let hidden = Hidden::new(terminal.try_clone().ok()?).ok()?;
    terminal.write_all(question.as_bytes()).ok()?;
    let answer = read(&mut terminal, stop);
    drop(hidden);
    // The user's own line break was not shown either.
    let _ = terminal.write_all(b"\n");
    answer
}

fn read(terminal: &mut File, stop: BorrowedFd<'_>) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let mut ready = [
            PollFd::new(terminal, PollFlags::IN),
            PollFd::from_borrowed_fd(stop, PollFlags::IN),
        ];
        // A signal may interrupt the call; `stop` tells whether to end.
        let _ = poll(&mut ready, None);
        if !ready[1].revents().is_empty() {
            return None;
        }
        if ready[0].revents().is_empty() {
            continue;
        }
        let mut bytes = [0; 256];
        match terminal.read(&mut bytes) {
            Ok(0) => return None,
            Ok(count) => line.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        if let Some(end) = memchr::memchr(b'\n', &line) {
            line.truncate(end);
            let line = String::from_utf8(line).ok()?;
            return Some(line).filter(|it| !it.trim().is_empty());
        }
        if line.len() > ANSWER_BYTES {
            return None;
        }
    }
}

/// A terminal that does not show what the user types; dropping this undoes it.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ICANON);
        tcsetattr(terminal.as_fd(), OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal.as_fd(), OptionalActions::Flush, &self.before);
    }
}
