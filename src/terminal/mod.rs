//! The parts of the program that need no desktop: the server and the listener, in a
//! terminal or under a service manager.

mod fold;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
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

use crate::options::FileError;
use crate::platform::systemd::{SocketError, journal};
use crate::server::BindError;

use self::log::Records;
use self::note::Note;

pub use self::listen::{LISTENER_NAME, listen};
pub use self::printer::{PRINT_BYTES, Printer};
pub use self::serve::serve;
#[cfg(feature = "gui")]
pub(crate) use self::signals::{Signal, Signals};
pub use self::status::status;

/// The exit status of a program that cannot go on.
const FAILED: u8 = 1;

/// The exit status of a program whose settings are wrong: `EX_CONFIG` of sysexits.h. A
/// service manager need not start it again before a person has corrected them.
const WRONG_SETTINGS: u8 = 78;

/// The exit status for an error that ends the program: 78 if the error is in the settings
/// and stays until a person corrects them, else 1.
#[must_use]
pub fn exit_status(error: &(dyn Error + 'static)) -> u8 {
    let is_wrong = error.is::<FileError>()
        || error.is::<SocketError>()
        || error
            .downcast_ref::<BindError>()
            .is_some_and(BindError::is_lasting);
    if is_wrong { WRONG_SETTINGS } else { FAILED }
}

/// Says in the journal or on standard error, in one sentence, why the program cannot go
/// on. Does not wait for a terminal that is stopped.
pub fn complain(error: &dyn Error) {
    let out = io::stderr();
    if journal::is_journal(&out) {
        let _ = Records::start(Path::new(journal::SOCKET)).map(|records| {
            records.send(Note::failed(&error).record());
            records.finish();
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use crate::store::OpenError;

    use super::*;

    #[test]
    fn what_stays_wrong_has_a_status_of_its_own_and_what_may_pass_has_not() {
        let status = |error: BindError| exit_status(&error);
        assert_eq!(status(BindError::Forbidden(80)), 78);
        let store = |error| status(BindError::Store(error));
        assert_eq!(store(OpenError::NotAStore("x".into())), 78);
        assert_eq!(store(OpenError::InUse("x".into())), 1);
        assert_eq!(store(OpenError::NoDirectory("x".into())), 1);
        assert_eq!(status(BindError::PortTaken(53_000)), 1);
        assert_eq!(status(BindError::RoomOpen(53_000)), 1);
        assert_eq!(status(BindError::NotHere(Ipv4Addr::LOCALHOST.into())), 1);
        assert_eq!(exit_status(&FileError::NothingToKeep), 78);
        assert_eq!(exit_status(&io::Error::other("x")), 1);
    }
}
