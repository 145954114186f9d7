//! The output of the server's log: the journal, if standard output is connected to it,
//! else lines on standard output. Neither delays the room.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::path::Path;

use crate::platform::systemd::journal::{self, Record};

use super::note::{Note, left_out};
use super::printer::Printer;
use super::queue::{Batch, Queue};

/// The most bytes of records that wait for the journal. The thread that sends may have as
/// many again.
const JOURNAL_BYTES: usize = 4 << 20;

/// The server's log.
pub enum Log {
    /// Lines for people.
    Lines {
        /// The printer of the lines.
        printer: Printer,
        /// Whether the lines have colours.
        colours: bool,
    },
    /// Records for the journal.
    Journal(Records),
}

impl Log {
    /// The log of this program, to where its standard output leads.
    ///
    /// # Errors
    /// If the system has no descriptor or no thread left.
    pub fn start() -> io::Result<Self> {
        let out = io::stdout();
        if journal::is_journal(&out) {
            return Records::start(Path::new(journal::SOCKET)).map(Self::Journal);
        }
        let colours =
            out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        // The room stays open even if nobody reads the log.
        let printer = Printer::start(&out, || {})?;
        Ok(Self::Lines { printer, colours })
    }

    /// Logs an entry; never waits.
    pub fn note(&self, note: &Note) {
        match self {
            Self::Lines { printer, colours } => printer.print(note.line(*colours).as_bytes()),
            Self::Journal(records) => records.send(note.record()),
        }
    }

    /// Waits until all entries are written, but at most a second.
    pub fn finish(&self) {
        match self {
            Self::Lines { printer, .. } => printer.finish(),
            Self::Journal(records) => records.finish(),
        }
    }
}

/// Sends records to the journal on a thread of its own, in the order in which they
/// came.
///
/// When too many wait, the next ones are dropped until all that wait have been sent; then
/// a record gives the number of dropped ones.
pub struct Records(Queue<Waiting>);

/// Records that wait.
#[derive(Debug, Default)]
struct Waiting {
    records: Vec<Record>,
    /// Their size in bytes.
    bytes: usize,
}

impl Batch for Waiting {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Records {
    /// Starts to send to the journal that listens at `journal`.
    ///
    /// # Errors
    /// If the system has no socket or no thread left.
    pub fn start(journal: &Path) -> io::Result<Self> {
        let sender = journal::Sender::new()?;
        let journal = journal.to_owned();
        let send = move |waiting: Waiting, count| {
            let missed = (count > 0).then(|| left_out(count));
            for record in waiting.records.iter().chain(&missed) {
                // A journal that is missing for a moment must not end the thread.
                let _ = sender.send(record, &journal);
            }
            ControlFlow::Continue(())
        };
        Queue::start("journal", JOURNAL_BYTES, send).map(Self)
    }

    /// Sends a record, or drops it; never waits.
    pub fn send(&self, record: Record) {
        let bytes = record.bytes().len();
        self.0.push(1, bytes, |waiting| {
            waiting.bytes += bytes;
            waiting.records.push(record);
        });
    }

    /// Waits until all records are sent, but at most a second.
    pub fn finish(&self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::super::note::Note;
    use super::*;

    #[test]
    fn a_journal_that_stops_holds_nobody_up_and_is_told_what_was_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = UnixDatagram::bind(&path).unwrap();
        let records = Records::start(&path).unwrap();
        let record = Note::failed(&"x".repeat(1_000)).record();
        // Several times as much as a socket and the queue hold.
        let count = 4 * JOURNAL_BYTES / record.bytes().len();
        for _ in 0..count {
            records.send(record.clone());
        }
        assert!(records.0.state().0 <= JOURNAL_BYTES);
        let reader = std::thread::spawn(move || {
            let (mut whole, mut left_out) = (0, 0);
            let mut bytes = vec![0; 1 << 16];
            while whole + left_out < count {
                let size = journal.recv(&mut bytes).unwrap();
                let text = std::str::from_utf8(&bytes[..size]).unwrap();
                match text
                    .lines()
                    .find_map(|it| it.strip_prefix("CHATROOM_MISSED="))
                {
                    Some(missed) => left_out += missed.parse::<usize>().unwrap(),
                    None => whole += 1,
                }
            }
            (whole, left_out)
        });
        let (whole, left_out) = reader.join().unwrap();
        assert!(whole > 0 && left_out > 0);
        assert_eq!(whole + left_out, count);
        records.finish();
        assert!(records.0.is_done());
    }

    #[test]
    fn a_journal_that_never_reads_does_not_keep_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let _journal = UnixDatagram::bind(&path).unwrap();
        let records = Records::start(&path).unwrap();
        for _ in 0..10_000 {
            records.send(Note::changed(&[]).record());
        }
        records.finish();
    }
}
