//! The faces of the program that need no desktop: the server and the listener,
//! in a terminal or under a service manager.

mod fold;
mod listen;
mod printer;
mod serve;
mod signals;

use std::error::Error;
use std::io;

pub use self::listen::{LISTENER_NAME, listen};
pub use self::printer::{PRINT_BYTES, Printer};
pub use self::serve::serve;
#[cfg(feature = "gui")]
pub(crate) use self::signals::{Signal, Signals};

/// Tells on standard error, in one sentence, why the program cannot go on. Does
/// not wait for a terminal that is stopped.
pub fn complain(error: &dyn Error) {
    // Where there is no thread to be had there are no words either.
    if let Ok(printer) = Printer::start(&io::stderr(), || {}) {
        printer.print(format!("{error}\n").as_bytes());
        printer.finish();
    }
}
