//! The parts of the program that need no desktop: the server and the listener, in a
//! terminal or under a service manager.

mod announce;
pub mod control;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod invitation_file;
mod link;
mod listen;
mod log;
mod log_entry;
mod printer;
mod prompt;
mod queue;
mod serve;

mod span;
mod validity;
mod wrap;

use std::error::Error;
use std::io;
use std::path::Path;

use crate::platform::systemd::journal;

use self::log::JournalWriter;
use self::log_entry::LogEntry;

pub use self::control::status;
pub use self::control::{Inviting, control, invite};
pub use self::files::{Files, FilesError};
pub use self::link::{Link, SecretError, read_invitation};
pub use self::listen::{Joining, LISTENER_NAME, listen};
pub use self::printer::{PRINT_BYTES, Printer};
pub use self::serve::{Configuration, serve};

/// Says in the journal or on standard error, in one sentence, why the program cannot go
/// on. Does not wait for a terminal that is stopped.
pub fn complain(error: &dyn Error) {
    let out = io::stderr();
    if journal::is_journal(&out) {
        let _ = JournalWriter::start(Path::new(journal::SOCKET)).map(|journal| {
            journal.send(LogEntry::failed(&error).to_journal());
            journal.finish();
        });
        return;
    }
    // Without a thread nothing can be printed either.
    if let Ok(printer) = Printer::start(&out, || {}) {
        // The error may have a file name with any characters.
        let words = error.to_string();
        let words: String = words.chars().map(journal::printable).collect();
        printer.print(format!("{words}\n").as_bytes());
        printer.finish();
    }
}
