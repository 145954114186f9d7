//! The program's start: the command line, the options of a server and their file, and the
//! manual page.

mod command_line;
mod exit;
mod faces;
mod file;
mod manual;
mod mode;
mod options;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::file::parse;

pub use self::command_line::Generated;
pub use self::exit::exit_status;
pub use self::file::{FileError, Source};
pub use self::manual::generate;
pub use self::mode::Mode;
pub use self::options::Options;
