//! The output of the server's log: the journal, if standard output is connected to it,
//! else lines on standard output. Neither delays the room.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::path::Path;

use crate::platform::systemd::journal::{self, Record};

use super::log_entry::LogEntry;
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
    Journal(JournalWriter),
}

impl Log {
    /// The log of this program, to where its standard output leads.
    ///
    /// # Errors
    /// If the system has no descriptor or no thread left.
    pub fn start() -> io::Result<Self> {
        let out = io::stdout();
        if journal::is_journal(&out) {
            return JournalWriter::start(Path::new(journal::SOCKET)).map(Self::Journal);
        }
        let colours =
            out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        // The room stays open even if nobody reads the log.
        let printer = Printer::start(&out, || {})?;
        Ok(Self::Lines { printer, colours })
    }

    /// Logs an entry; never waits.
    pub fn record(&self, entry: &LogEntry) {
        match self {
            Self::Lines { printer, colours } => printer.print(entry.line(*colours).as_bytes()),
            Self::Journal(journal) => journal.send(entry.to_journal()),
        }
    }

    /// Waits until all entries are written, but at most a second.
    pub fn finish(&self) {
        match self {
            Self::Lines { printer, .. } => printer.finish(),
            Self::Journal(journal) => journal.finish(),
        }
    }
}

/// Sends records to the journal on a thread of its own, in the order in which they
/// came.
///
/// When too many wait, the next ones are dropped until all that wait have been sent; then
/// a record gives the number of dropped ones.
pub struct JournalWriter(Queue<Records>);

/// Records that wait.
#[derive(Debug, Default)]
struct Records {
    records: Vec<Record>,
    /// Their size in bytes.
    bytes: usize,
}

impl Batch for Records {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl JournalWriter {
    /// Starts to send to the journal that listens at `journal`.
    ///
    /// # Errors
    /// If the system has no socket or no thread left.
    pub fn start(journal: &Path) -> io::Result<Self> {
        let sender = journal::Sender::new()?;
        let journal = journal.to_owned();
        let send = move |waiting: Records, dropped| {
            let missed = (dropped > 0).then(|| LogEntry::missed(dropped).to_journal());
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

    use super::*;

    #[test]
    fn the_journal_gets_every_record_in_order_or_the_number_of_dropped_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let socket = UnixDatagram::bind(&path).unwrap();
        let journal = JournalWriter::start(&path).unwrap();
        let record = LogEntry::failed(&"x".repeat(1_000)).to_journal();
        // Several times as much as a socket and the queue hold.
        let count = 4 * JOURNAL_BYTES / record.bytes().len();
        for _ in 0..count {
            journal.send(record.clone());
        }
        let reader = std::thread::spawn(move || {
            let (mut whole, mut dropped) = (0, 0);
            let mut bytes = vec![0; 1 << 16];
            while whole + dropped < count {
                let size = socket.recv(&mut bytes).unwrap();
                let text = std::str::from_utf8(&bytes[..size]).unwrap();
                match text
                    .lines()
                    .find_map(|it| it.strip_prefix("CHATROOM_MISSED="))
                {
                    Some(missed) => dropped += missed.parse::<usize>().unwrap(),
                    None => whole += 1,
                }
            }
            (whole, dropped)
        });
        let (whole, dropped) = reader.join().unwrap();
        assert!(whole > 0 && dropped > 0);
        assert_eq!(whole + dropped, count);
        journal.finish();
    }
}
