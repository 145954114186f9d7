//! The exit status of a program that cannot go on.

use std::error::Error;

use crate::platform::systemd::SocketError;
use crate::server::BindError;

use crate::terminal::FilesError;
use crate::terminal::control::NotACommand;

use super::file::FileError;

/// The exit status of a program that cannot go on.
const FAILED: u8 = 1;

/// The exit status of a program whose command line is wrong.
const WRONG_COMMAND: u8 = 2;

/// The exit status of a program whose settings are wrong: `EX_CONFIG` of sysexits.h. A
/// service manager need not start it again before a person has corrected them.
const WRONG_SETTINGS: u8 = 78;

/// The exit status for an error that ends the program: 78 if the error is in the settings
/// and stays until a person corrects them, 2 if it is in the command of `--control`, else 1.
#[must_use]
pub fn exit_status(error: &(dyn Error + 'static)) -> u8 {
    if error.is::<NotACommand>() {
        return WRONG_COMMAND;
    }
    let is_wrong = error.is::<FileError>()
        || error
            .downcast_ref::<FilesError>()
            .is_some_and(FilesError::is_lasting)
        || error.is::<SocketError>()
        || error
            .downcast_ref::<BindError>()
            .is_some_and(BindError::is_lasting);
    if is_wrong { WRONG_SETTINGS } else { FAILED }
}

#[cfg(test)]
mod tests {
    use std::io;
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
        assert_eq!(exit_status(&FileError::Lacking("keep-days", "store")), 78);
        let wrong = "kik".parse::<crate::terminal::control::Command>();
        assert_eq!(exit_status(&wrong.unwrap_err()), 2);
        assert_eq!(exit_status(&io::Error::other("x")), 1);
    }
}
