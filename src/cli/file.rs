//! The configuration file.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use toml::de::DeTable;

use crate::platform::systemd::journal::printable;
use crate::server::Settings;
use crate::terminal::{Configuration, Files};

use super::options::{OPTIONS, Options, find};

/// Where the server's options come from. They can be read again.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The options on the command line.
    pub flags: Options,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// The file that is read if the configuration file does not exist.
    pub fallback: Option<PathBuf>,
}

impl Source {
    /// Whether there are files that a reload reads again.
    #[must_use]
    pub fn can_change(&self) -> bool {
        let files = Files::from(&self.flags);
        self.file.is_some() || files.certificate.is_some() || files.key.is_some()
    }

    /// The options that apply at this moment.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong, or if an option is given without the one
    /// that it needs.
    pub fn options(&self) -> Result<Options, FileError> {
        let options = self.flags.clone().or(self.in_file()?);
        match options.lacking() {
            Some((key, needed)) => Err(FileError::Lacking(key, needed)),
            None => Ok(options),
        }
    }

    /// The options in the file; none if there is no file.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong.
    pub fn in_file(&self) -> Result<Options, FileError> {
        let Some(file) = &self.file else {
            return Ok(Options::default());
        };
        match (read(file), &self.fallback) {
            (Err(FileError::Unreadable { error, .. }), Some(fallback))
                if error.kind() == io::ErrorKind::NotFound =>
            {
                read(fallback)
            }
            (read, _) => read,
        }
    }

    /// A function that reads the configuration, at the start and at each reload.
    pub fn into_reader(self) -> impl FnMut() -> Result<Configuration, FileError> + Send + 'static {
        let mut started = None;
        move || {
            let options = self.options()?;
            let started = started.get_or_insert_with(|| options.clone());
            Ok(Configuration {
                settings: Settings::from(&options),
                files: Files::from(&options),
                need_restart: options.need_restart(started),
            })
        }
    }
}

/// An error in a configuration file. Its text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("{} cannot be read: {error}. {}", path.display(), remedy(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// An option is given without the one that it needs.
    #[error("{0} needs {1}: give it as --{1}, or leave {0} out.")]
    Lacking(&'static str, &'static str),
    /// The file is wrong in one place.
    #[error("{}, line {line}, column {column}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// A description of the error, and of the accepted values.
        what: String,
    },
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "Create it (chatroom --generate config prints an example), or leave --config out."
        }
        std::io::ErrorKind::PermissionDenied => {
            "The user who runs the server must be able to read it: chmod a+r."
        }
        _ => "Is it a text file in UTF-8?",
    }
}

/// Reads a configuration file.
///
/// # Errors
/// If the file cannot be read, has an unknown key, or has a value that is not accepted.
pub fn read(path: &Path) -> Result<Options, FileError> {
    let text = read_text(path).map_err(|error| FileError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    parse(&text, path)
}

/// Reads the text of a configuration file; errors name it by its path.
pub(crate) fn parse(text: &str, path: &Path) -> Result<Options, FileError> {
    read_table(text).map_err(|(start, what)| {
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        FileError::Wrong {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: in_words(&what),
        }
    })
}

/// Reads the keys and their values.
///
/// # Errors
/// The place of the first error, in bytes, and its description.
fn read_table(text: &str) -> Result<Options, (usize, String)> {
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        (start, error.message().to_owned())
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut options = Options::default();
    for (key, value) in entries {
        let option = find(key.get_ref()).ok_or_else(|| {
            let keys: Vec<String> = OPTIONS.iter().map(|it| format!("`{}`", it.key)).collect();
            let what = format!(
                "unknown field `{}`, expected one of {}. Correct the key or remove it",
                key.get_ref(),
                keys.join(", ")
            );
            (key.span().start, what)
        })?;
        let read = option.kind.read(value);
        options.set(option, read.map_err(|(place, what)| (place.start, what))?);
    }
    Ok(options)
}

/// The most bytes that a configuration file may have; every option takes a few dozen.
const FILE_LIMIT: u64 = 1 << 20;

/// Reads a file as text. Does not wait for whoever should write a pipe, and does not
/// read a device without end.
fn read_text(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    if file.take(FILE_LIMIT + 1).read_to_string(&mut text)? as u64 > FILE_LIMIT {
        return Err(io::Error::other("it has more than 1 MiB"));
    }
    Ok(text)
}

/// The message on one line. It quotes the file, which may hold anything.
fn in_words(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let message: String = message.chars().map(printable).collect();
    format!("{message}.")
}

#[cfg(test)]
mod tests {
    use crate::cli::options::Value;
    use crate::room::RateLimit;
    use std::fs;

    use super::*;

    fn read_example(text: &str) -> Result<Options, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom.toml");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_flag_counts_more_than_the_file_and_the_file_more_than_the_default() {
        let file =
            read_example("port = 1\nhistory = 2\nstay-open = true\nbind = [\"::1\"]").unwrap();
        let flags = read_example("port = 3\nstay-open = false").unwrap();
        let settings = Settings::from(&flags.or(file.clone()));
        assert_eq!((settings.port, settings.history), (3, 2));
        assert!(!settings.stay_open);
        assert_eq!(settings.bind.len(), 1);
        assert_eq!(settings.rules.rate_limit, RateLimit::default());
        let flags = read_example("idle-timeout = 30").unwrap();
        assert!(!Settings::from(&flags.or(file)).stay_open);
    }

    #[test]
    fn what_is_to_be_kept_needs_a_store() {
        for key in ["keep-messages = 1", "keep-days = 1", "keep-size = \"1G\""] {
            let mut source = Source {
                flags: read_example(key).unwrap(),
                ..Source::default()
            };
            let error = source.options().unwrap_err().to_string();
            assert!(error.contains("needs store: give it as --store"), "{error}");
            source.flags = source
                .flags
                .or(read_example("store = \"room.db\"").unwrap());
            source.options().unwrap();
        }
    }

    #[test]
    fn only_a_missing_file_is_replaced_by_the_fallback() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        fs::write(folder.path().join("shipped"), "history = 7").unwrap();
        fs::write(folder.path().join("own"), "history = 8").unwrap();
        fs::write(folder.path().join("wrong"), "histroy = 8").unwrap();
        let source = |file: &str, fallback: Option<PathBuf>| Source {
            file: path(file),
            fallback,
            ..Source::default()
        };
        let history = |source: &Source| source.options().unwrap().get("history").cloned();
        let missing = source("missing", path("shipped"));
        assert_eq!(history(&missing), Some(Value::Number(7)));
        assert_eq!(
            history(&source("own", path("shipped"))),
            Some(Value::Number(8))
        );
        source("wrong", path("shipped")).options().unwrap_err();
        source("missing", path("missing")).options().unwrap_err();
        source("missing", None).options().unwrap_err();
        // A folder is no file, but it is there.
        source("", path("shipped")).options().unwrap_err();
    }

    #[test]
    fn a_reload_says_which_of_the_changes_need_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom.toml");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("port = 1\nhistory = 2");
        let mut read = Source {
            file: Some(path.clone()),
            ..Source::default()
        }
        .into_reader();
        assert!(read().unwrap().need_restart.is_empty());
        write("port = 3\nhistory = 4\nstore = \"room.db\"");
        let again = read().unwrap();
        assert_eq!(again.need_restart, ["port", "store"]);
        assert_eq!(again.settings.history, 4);
        write("port = 1\nhistory = 2");
        assert!(read().unwrap().need_restart.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
        for (text, place, words) in [
            ("\nprot = 1", "line 2, column 1", "expected one of `port`"),
            (
                "port = 65536",
                "line 1, column 8",
                "65536 is not from 0 to 65535",
            ),
            ("port = -1", "line 1, column 8", "-1 is not from 0 to 65535"),
            (
                "port = \"x\"",
                "line 1, column 8",
                "Write numbers, true and false without quotes",
            ),
            (
                "name-timeout = 0",
                "line 1, column 16",
                "not from 1 to 3600",
            ),
            (
                "idle-timeout = 0",
                "line 1, column 16",
                "not from 1 to 86400",
            ),
            ("rate = 1\nrate = 2", "line 2, column 1", "duplicate key"),
            ("bind = [\"::1\", \"x\"]", "line 1, column 16", "IP address"),
            (
                "room-name = \"\\u200b\"",
                "line 1, column 13",
                "at least one visible character",
            ),
            (
                "stay-open = 1",
                "line 1, column 13",
                "true and false without quotes",
            ),
            ("history 5", "line 1, column 9", "="),
            ("keep-size = \"1X\"", "line 1, column 13", "such as 500M"),
            ("keep-size = 5", "line 1, column 13", "at least 1M"),
            ("keep-size = true", "line 1, column 13", "a size such as"),
        ] {
            let error = read_example(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("chatroom.toml, {place}: ")),
                "{error}"
            );
            assert!(error.contains(words), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn only_a_regular_file_of_a_reasonable_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom.toml");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        for path in [&path, Path::new("/dev/zero"), folder.path()] {
            let error = read(path).unwrap_err().to_string();
            assert!(error.contains("it is not a regular file"), "{error}");
        }
        let long = folder.path().join("long.toml");
        fs::write(&long, " ".repeat(1 << 20) + "\n").unwrap();
        let error = read(&long).unwrap_err().to_string();
        assert!(error.contains("more than 1 MiB"), "{error}");
    }

    #[test]
    fn a_file_that_is_missing_is_told_with_what_to_do() {
        let missing = read(Path::new("/nonexistent/chatroom.toml")).unwrap_err();
        assert!(
            missing.to_string().contains("leave --config out"),
            "{missing}"
        );
    }
}
