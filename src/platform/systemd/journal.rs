//! Records in systemd's "Native Journal Protocol", so that users can search the journal by
//! their fields.

use std::env;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::{fmt, io};

/// The path of the journal's socket.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// The most bytes of one value. A record cuts longer values; no useful value is that
/// long.
const VALUE_LIMIT: usize = 4_096;

/// The priority of a record (syslog(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The program cannot do its work.
    Error = 3,
    /// The administrator may have to act.
    Warning = 4,
    /// Unusual, but not an error.
    Notice = 5,
    /// Normal operation.
    Info = 6,
}

/// The journal's record of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Vec<u8>);

impl Record {
    /// A record with a `message` for people. `id` identifies its kind to programs: 32
    /// hexadecimal digits.
    #[must_use]
    pub fn new(message: &str, priority: Priority, id: &str) -> Self {
        Self(Vec::with_capacity(256))
            .with("MESSAGE", message)
            .with("PRIORITY", priority as u8)
            .with("MESSAGE_ID", id)
            .with("SYSLOG_IDENTIFIER", "chatroom")
    }

    /// Adds a field. Its name has upper case letters, digits and underscores. The value
    /// becomes one line: this replaces every character that is not printable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let mut value: String = value.to_string().chars().map(printable).collect();
        value.truncate(value.floor_char_boundary(VALUE_LIMIT));
        for part in [name, "=", &value, "\n"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        self
    }

    /// The bytes to send to the journal.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The character itself, or U+FFFD if it could end a field, control a terminal or change
/// the direction of a line.
#[must_use]
pub fn printable(c: char) -> char {
    match c {
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Whether a file, such as standard output, is connected to the journal. Then the program
/// should send records instead of lines.
#[must_use]
pub fn is_journal(file: impl AsFd) -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(file).is_ok_and(|it| stream == format!("{}:{}", it.st_dev, it.st_ino))
}

/// Sends records to the journal.
#[derive(Debug)]
pub struct Sender(UnixDatagram);

impl Sender {
    /// Creates the socket to send from.
    ///
    /// # Errors
    /// If the system has no socket to give.
    pub fn new() -> io::Result<Self> {
        UnixDatagram::unbound().map(Self)
    }

    /// Sends a record, and waits while the journal accepts none.
    ///
    /// # Errors
    /// If nobody listens at `journal`.
    pub fn send(&self, record: &Record, journal: &Path) -> io::Result<()> {
        loop {
            match self.0.send_to(record.bytes(), journal) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map(drop),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_is_a_line_for_each_field() {
        let record = Record::new("hi", Priority::Info, "00").with("CHATROOM_NAME", "ada");
        let lines = "MESSAGE=hi\nPRIORITY=6\nMESSAGE_ID=00\nSYSLOG_IDENTIFIER=chatroom\n\
                     CHATROOM_NAME=ada\n";
        assert_eq!(std::str::from_utf8(record.bytes()).unwrap(), lines);
    }

    #[test]
    fn a_file_that_is_not_the_journal_is_told_from_it() {
        assert!(!is_journal(std::fs::File::open("/dev/null").unwrap()));
    }

    proptest! {
        #[test]
        fn no_value_makes_a_second_field_or_a_character_that_acts(value in any::<String>()) {
            let record = Record::new("x", Priority::Info, "0").with("CHATROOM_NAME", &value);
            let text = std::str::from_utf8(record.bytes()).unwrap();
            prop_assert_eq!(text.lines().count(), 5);
            let acts = |c: char| c != '\n' && (c.is_control() || printable(c) != c);
            prop_assert!(!text.contains(acts));
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let record = Record::new(&"é".repeat(100_000), Priority::Info, "0");
        assert!(record.bytes().len() < VALUE_LIMIT + 100);
        assert!(std::str::from_utf8(record.bytes()).is_ok());
    }
}
