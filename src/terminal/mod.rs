//! The faces of the program that need no desktop: the server and the listener,
//! in a terminal or under a service manager.

mod fold;
mod listen;
mod log;
mod manager;
mod note;
mod printer;
mod queue;
mod serve;
mod signals;
mod status;

use std::error::Error;
use std::io;
use std::path::Path;

use crate::systemd::journal;

use self::log::Records;
use self::note::Note;

pub use self::listen::{LISTENER_NAME, listen};
pub use self::printer::{PRINT_BYTES, Printer};
pub use self::serve::serve;
#[cfg(feature = "gui")]
pub(crate) use self::signals::{Signal, Signals};
pub use self::status::status;

/// Tells in the journal or on standard error, in one sentence, why the program
/// cannot go on. Does not wait for a terminal that is stopped.
pub fn complain(error: &dyn Error) {
    let out = io::stderr();
    if journal::is_journal(&out) {
        let _ = Records::start(Path::new(journal::SOCKET)).map(|records| {
            records.send(Note::failed(&error).record());
            records.finish();
        });
        return;
    }
    // Where there is no thread to be had there are no words either.
    if let Ok(printer) = Printer::start(&out, || {}) {
        printer.print(format!("{error}\n").as_bytes());
        printer.finish();
    }
}
