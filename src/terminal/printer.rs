//! Prints without waiting, even if the terminal is stopped or nobody reads the pipe.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;

use super::queue::Queue;
use super::wrap::wrap;

/// The most bytes that wait to be printed. The thread that prints may have as many again.
pub const PRINT_BYTES: usize = 1 << 20;

/// Prints lines on a thread of its own, in the order in which they came.
///
/// When too many wait, the next ones are dropped until all that wait have been printed;
/// then a line gives the number of dropped ones.
#[derive(Debug)]
pub struct Printer(Queue<Vec<u8>>);

impl Printer {
    /// A printer to a file that is open for as long as the program runs, such as standard
    /// output. When nothing can be written to it any more (nobody reads the pipe, the
    /// terminal is gone), it calls `gone` and drops all lines.
    ///
    /// # Errors
    /// If the system has no descriptor or no thread to spare.
    pub fn start(to: &impl AsFd, gone: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        // Not through the standard library's buffer: the program would wait for it at its
        // end.
        let mut to = File::from(to.as_fd().try_clone_to_owned()?);
        let mut gone = Some(gone);
        let print = move |lines, dropped| {
            if print(&mut to, lines, dropped).is_ok() {
                return ControlFlow::Continue(());
            }
            if let Some(gone) = gone.take() {
                gone();
            }
            ControlFlow::Break(())
        };
        Queue::start("printer", PRINT_BYTES, print).map(Self)
    }

    /// Prints whole lines, or drops them; never waits.
    pub fn print(&self, lines: &[u8]) {
        let count = memchr::memchr_iter(b'\n', lines).count();
        self.0
            .push(count, lines.len(), |it| it.extend_from_slice(lines));
    }

    /// Waits until all lines are printed, but at most a second.
    pub fn finish(&self) {
        self.0.finish();
    }
}

/// Prints lines, and the number of those that were dropped after them.
///
/// # Errors
/// If nothing can be printed any more.
fn print(to: &mut File, mut lines: Vec<u8>, dropped: usize) -> io::Result<()> {
    match dropped {
        0 => {}
        1 => lines.extend_from_slice(b"(1 line was left out here.)\n"),
        _ => writeln!(lines, "({dropped} lines were left out here.)")?,
    }
    // The current width: a user can resize a terminal.
    if let Ok(size) = rustix::termios::tcgetwinsize(&*to) {
        let lines = wrap(&String::from_utf8_lossy(&lines), size.ws_col.into());
        write_all(to, lines.as_bytes())
    } else {
        write_all(to, &lines)
    }
}

/// Writes everything, even to a terminal that another program has set to non-blocking.
fn write_all(to: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut ready = [PollFd::new(to, PollFlags::OUT)];
                let _ = poll(&mut ready, None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::sync::mpsc;

    use super::*;

    fn start(to: &impl AsFd) -> (Printer, mpsc::Receiver<()>) {
        let (gone, is_gone) = mpsc::channel();
        let printer = Printer::start(to, move || gone.send(()).unwrap()).unwrap();
        (printer, is_gone)
    }

    #[test]
    fn lines_come_out_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let (printer, gone) = start(&writer);
        drop(writer);
        let mut wanted = String::new();
        for number in 0..1_000 {
            let line = format!("line {number}\n");
            printer.print(line.as_bytes());
            wanted += &line;
        }
        printer.finish();
        let mut out = String::new();
        reader.read_to_string(&mut out).unwrap();
        assert_eq!(out, wanted);
        // The end of the file was not reported: the sender was dropped unused.
        assert!(gone.recv().is_err());
    }

    #[test]
    fn a_line_gives_the_number_of_dropped_ones() {
        for (dropped, line) in [
            (0, ""),
            (1, "(1 line was left out here.)\n"),
            (5, "(5 lines were left out here.)\n"),
        ] {
            let (mut reader, writer) = io::pipe().unwrap();
            print(
                &mut File::from(OwnedFd::from(writer)),
                b"a\n".to_vec(),
                dropped,
            )
            .unwrap();
            let mut out = String::new();
            reader.read_to_string(&mut out).unwrap();
            assert_eq!(out, format!("a\n{line}"));
        }
    }

    #[test]
    fn a_closed_pipe_is_told_once_and_takes_everything() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (printer, gone) = start(&writer);
        printer.print(b"one\n");
        gone.recv().unwrap();
        for _ in 0..10 {
            printer.print(&vec![b'\n'; PRINT_BYTES]);
        }
        printer.finish();
        assert!(gone.recv().is_err());
    }
}
