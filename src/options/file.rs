//! The configuration file.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::platform::systemd::journal::printable;

use super::Options;

/// Where the server's options come from. They can be read again.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The options on the command line.
    pub flags: Options,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
}

impl Source {
    /// The options that apply at this moment.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong, or if stored messages are limited without a
    /// store.
    pub fn options(&self) -> Result<Options, FileError> {
        let file = self.file.as_deref().map(read).transpose()?;
        let options = self.flags.clone().or(file.unwrap_or_default());
        let keeps = options.keep_messages.is_some()
            || options.keep_days.is_some()
            || options.keep_size.is_some();
        if keeps && options.store.is_none() {
            return Err(FileError::NothingToKeep);
        }
        Ok(options)
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
    /// The stored messages are limited, but there is no store.
    #[error(
        "keep-messages, keep-days and keep-size need a store: name its file with --store, or \
         leave them out."
    )]
    NothingToKeep,
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
            "Create it (start from the example that comes with Chatroom), or leave --config out."
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
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        FileError::Wrong {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: in_words(error.message()),
        }
    })
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

/// The parser's message on one line, with what to do. It quotes the file, which may hold
/// anything.
fn in_words(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let message: String = message.chars().map(printable).collect();
    if message.starts_with("unknown field") {
        format!("{message}. Correct the key or remove it.")
    } else if message.starts_with("invalid type") {
        format!(
            "{message}. Write numbers, true and false without quotes, texts in double quotes, \
             and several addresses as [\"::1\", \"127.0.0.1\"]."
        )
    } else {
        format!("{message}.")
    }
}

#[cfg(test)]
mod tests {
    use crate::room::RateLimit;
    use crate::server::Settings;
    use clap::Args;
    use std::fs;

    use super::*;

    const EXAMPLE: &str = include_str!("../../data/chatroom.toml");

    fn read_example(text: &str) -> Result<Options, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatroom.toml");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    fn settings(options: Options) -> String {
        format!("{:?}", Settings::from(options))
    }

    #[test]
    fn the_example_changes_nothing_and_what_it_shows_are_the_defaults() {
        assert_eq!(read_example(EXAMPLE).unwrap(), Options::default());
        // A key that is commented out, with its default value.
        let keys = EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && line.contains(" = "));
        // These have no default value to show.
        let shown: Vec<&str> = keys
            .clone()
            .filter(|key| {
                ![
                    "room-name",
                    "bind",
                    "idle-timeout",
                    "store",
                    "keep-messages",
                    "keep-days",
                    "keep-size",
                ]
                .contains(&key_of(key))
            })
            .collect();
        let options = read_example(&shown.join("\n")).unwrap();
        assert_eq!(settings(options), settings(Options::default()));
        let all = read_example(&keys.collect::<Vec<_>>().join("\n")).unwrap();
        assert!(all.room_name.is_some() && !all.bind.is_empty() && all.idle_timeout.is_some());
    }

    fn key_of(line: &str) -> &str {
        line.split(" = ").next().unwrap()
    }

    #[test]
    fn the_example_has_every_key_and_each_is_a_flag() {
        let command = Options::augment_args(clap::Command::new("chatroom"));
        let flags: Vec<&str> = command
            .get_arguments()
            .filter_map(|it| it.get_long())
            .collect();
        let keys: Vec<&str> = EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && line.contains(" = "))
            .map(key_of)
            .collect();
        assert_eq!(keys, flags);
    }

    #[test]
    fn a_flag_counts_more_than_the_file_and_the_file_more_than_the_default() {
        let file =
            read_example("port = 1\nhistory = 2\nstay-open = true\nbind = [\"::1\"]").unwrap();
        let flags = Options {
            port: Some(3),
            stay_open: Some(false),
            ..Options::default()
        };
        let settings = Settings::from(flags.or(file.clone()));
        assert_eq!((settings.port, settings.history), (3, 2));
        assert!(!settings.stay_open);
        assert_eq!(settings.bind.len(), 1);
        assert_eq!(settings.rules.rate_limit, RateLimit::default());
        let flags = Options {
            idle_timeout: Some(30),
            ..Options::default()
        };
        assert!(!Settings::from(flags.or(file)).stay_open);
    }

    #[test]
    fn what_is_to_be_kept_needs_a_store() {
        let mut source = Source::default();
        source.flags.keep_days = Some(1);
        assert!(matches!(source.options(), Err(FileError::NothingToKeep)));
        source.flags.store = Some("room.db".into());
        source.options().unwrap();
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
