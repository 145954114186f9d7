//! Programs of others in a room inside TLS. Each test has the name of the program that it
//! needs; `./dev test` installs it, or leaves the test out and says so.

mod ncat;
mod openssl;
mod tcpdump;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::common::PATIENCE;

/// A running program, as a person in a terminal has it.
struct Part {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Part {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing(program, &error));
        let (line, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for read in output.lines().map_while(Result::ok) {
                if line.send(read).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take().unwrap(),
            child,
            lines,
        }
    }

    fn types(&mut self, line: &str) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// The next line that it shows.
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it shows nothing")
    }

    /// Skips lines until one begins with `start`.
    fn line_with(&self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("{program}: {error}; ./dev test installs it, or leaves out the tests that need it")
}
