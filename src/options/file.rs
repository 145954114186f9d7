//! The configuration file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::systemd::journal::printable;

use super::Options;

/// Where the server's options come from. They can be asked for again.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// What the command line told.
    pub flags: Options,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
}

impl Source {
    /// What counts at this moment.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong.
    pub fn options(&self) -> Result<Options, FileError> {
        let file = self.file.as_deref().map(read).transpose()?;
        let options = self.flags.clone().or(file.unwrap_or_default());
        let keeps = options.keep_messages.is_some() || options.keep_days.is_some();
        if keeps && options.store.is_none() {
            return Err(FileError::NothingToKeep);
        }
        Ok(options)
    }
}

/// What is wrong with a configuration file, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{} cannot be read: {error}. {}", path.display(), remedy(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What is kept is limited, and nothing is.
    #[error(
        "keep-messages and keep-days need a store: say which file with --store, or leave them out."
    )]
    NothingToKeep,
    /// It is wrong in one place.
    #[error("{}, line {line}, column {column}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "Write it (the example that comes with Chatroom is a start), or leave --config out."
        }
        std::io::ErrorKind::PermissionDenied => {
            "The user that runs the server has to be able to read it: chmod a+r."
        }
        _ => "Is it a text file in UTF-8?",
    }
}

/// Reads a configuration file.
///
/// # Errors
/// If it cannot be read, has a key that is not known, or a value that cannot be.
pub fn read(path: &Path) -> Result<Options, FileError> {
    let text = fs::read_to_string(path).map_err(|error| FileError::Unreadable {
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

/// The parser's message in one line that says what to do. It quotes the file, which may
/// hold anything.
fn in_words(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let message: String = message.chars().map(printable).collect();
    if message.starts_with("unknown field") {
        format!("{message}. Correct the key or remove it.")
    } else if message.starts_with("invalid type") {
        format!(
            "{message}. Numbers stand alone, texts in double quotes, true and false alone, \
             several addresses as [\"::1\", \"127.0.0.1\"]."
        )
    } else {
        format!("{message}.")
    }
}

#[cfg(test)]
mod tests {
    use crate::room::Pace;
    use crate::server::Settings;
    use clap::Args;

    use super::*;

    const EXAMPLE: &str = include_str!("../../data/chatroom.toml");

    fn read_text(text: &str) -> Result<Options, FileError> {
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
        assert_eq!(read_text(EXAMPLE).unwrap(), Options::default());
        // A key that is commented out, with the value that counts without it.
        let keys = EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && line.contains(" = "));
        // These have no value of their own to be without.
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
                ]
                .contains(&key_of(key))
            })
            .collect();
        let options = read_text(&shown.join("\n")).unwrap();
        assert_eq!(settings(options), settings(Options::default()));
        let all = read_text(&keys.collect::<Vec<_>>().join("\n")).unwrap();
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
        let file = read_text("port = 1\nhistory = 2\nstay-open = true\nbind = [\"::1\"]").unwrap();
        let flags = Options {
            port: Some(3),
            stay_open: Some(false),
            ..Options::default()
        };
        let settings = Settings::from(flags.or(file.clone()));
        assert_eq!((settings.port, settings.history), (3, 2));
        assert!(!settings.stay_open);
        assert_eq!(settings.bind.len(), 1);
        assert_eq!(settings.rules.pace, Pace::default());
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
            ("port = \"x\"", "line 1, column 8", "Numbers stand alone"),
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
                "a name that can be read",
            ),
            ("stay-open = 1", "line 1, column 13", "true and false alone"),
            ("history 5", "line 1, column 9", "="),
        ] {
            let error = read_text(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("chatroom.toml, {place}: ")),
                "{error}"
            );
            assert!(error.contains(words), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let missing = read(Path::new("/nonexistent/chatroom.toml")).unwrap_err();
        assert!(
            missing.to_string().contains("leave --config out"),
            "{missing}"
        );
    }
}
