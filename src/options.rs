//! What the server can be told: each option is a flag of the command line and a key
//! of the configuration file, by the same name. A flag counts more than the file,
//! and the file more than the default.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde::de::{self, Deserialize, Deserializer};

use crate::room::{Pace, Rules, clean_room_name};
use crate::server::Settings;
use crate::store::Keep;

/// The most messages of the past that a newcomer can be sent.
const HISTORY_MOST: u64 = 10_000;
/// The longest time to give a name, in seconds.
const NAME_TIMEOUT_MOST: u64 = 3_600;
/// The longest time that a room is kept for those who may come, in seconds.
const DAY: u64 = 86_400;
/// The most messages that can be asked to be kept.
const KEEP_MESSAGES_MOST: u64 = u32::MAX as u64;
/// The most days for which messages can be asked to be kept.
const KEEP_DAYS_MOST: u64 = 36_500;
/// The most that any other limit can be.
const MANY: u64 = 1_000_000;

/// What the server is told; `None` where it is not told anything.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[command(next_help_heading = "Server")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// The TCP port; 0 takes a free one [default: 53000]
    #[arg(long, value_name = "N", requires = "about-a-server")]
    #[serde(deserialize_with = "number::<_, _, 0, 65_535>")]
    pub port: Option<u16>,

    /// An IP address of this computer to listen on; can be given several times
    /// [default: all of them]
    #[arg(long, value_name = "ADDR", requires = "server")]
    pub bind: Vec<IpAddr>,

    /// The name of the room [default: made from the name of this computer]
    #[arg(long, value_name = "TEXT", requires = "server", value_parser = room_name)]
    #[serde(deserialize_with = "readable_name")]
    pub room_name: Option<String>,

    /// Keep the room open when everyone has left
    #[arg(long, value_name = "true|false", requires = "server", num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub stay_open: Option<bool>,

    /// Close the room when it was empty for this long, 1 to 86400, also if nobody
    /// ever came [default: when the last one leaves]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(1..=DAY))]
    #[serde(deserialize_with = "number::<_, _, 1, DAY>")]
    pub idle_timeout: Option<u64>,

    /// How many messages of the past a newcomer is sent, up to 10000 [default: 100]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u64>(0..=HISTORY_MOST))]
    #[serde(deserialize_with = "number::<_, _, 0, HISTORY_MOST>")]
    pub history: Option<u64>,

    /// How long a newcomer may take to give a name, 1 to 3600 [default: 10]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(1..=NAME_TIMEOUT_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, NAME_TIMEOUT_MOST>")]
    pub name_timeout: Option<u64>,

    /// The most members at a time, 1 to 1000000 [default: 10000]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<usize>(1..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 1, MANY>")]
    pub max_members: Option<usize>,

    /// The most connections from one address; 0 lifts the limit [default: 256]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<usize>(0..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 0, MANY>")]
    pub max_per_address: Option<usize>,

    /// The most messages a second of each member, and four times as many at once; 0
    /// lifts the limit [default: 5]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u32>(0..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 0, MANY>")]
    pub rate: Option<u32>,

    /// How long a member whose connection was lost may take to come back, up to
    /// 86400; 0 waits for nobody [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(0..=DAY))]
    #[serde(deserialize_with = "number::<_, _, 0, DAY>")]
    pub grace: Option<u64>,

    /// Keep what is said in a file, which is made if it is not there: members see a
    /// message when it is on disk, and the room goes on after a restart
    #[arg(long, value_name = "FILE", requires = "server")]
    pub store: Option<PathBuf>,

    /// How many messages are kept in it, at least 1 [default: all]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u64>(1..=KEEP_MESSAGES_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, KEEP_MESSAGES_MOST>")]
    pub keep_messages: Option<u64>,

    /// For how many days messages are kept in it, at least 1 [default: for ever]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u32>(1..=KEEP_DAYS_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, KEEP_DAYS_MOST>")]
    pub keep_days: Option<u32>,
}

impl Options {
    /// These, and of others what these do not tell.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            port: self.port.or(others.port),
            bind: if self.bind.is_empty() {
                others.bind
            } else {
                self.bind
            },
            room_name: self.room_name.or(others.room_name),
            // A flag that tells when the room ends is a word against a file's that
            // keeps it open.
            stay_open: (self.stay_open)
                .or(self.idle_timeout.map(|_| false))
                .or(others.stay_open),
            idle_timeout: self.idle_timeout.or(others.idle_timeout),
            history: self.history.or(others.history),
            name_timeout: self.name_timeout.or(others.name_timeout),
            max_members: self.max_members.or(others.max_members),
            max_per_address: self.max_per_address.or(others.max_per_address),
            rate: self.rate.or(others.rate),
            grace: self.grace.or(others.grace),
            store: self.store.or(others.store),
            keep_messages: self.keep_messages.or(others.keep_messages),
            keep_days: self.keep_days.or(others.keep_days),
        }
    }
}

impl Options {
    /// The keys in which these differ from those that a server was started with,
    /// and that count only after a restart.
    #[must_use]
    pub fn need_restart(&self, started: &Self) -> Vec<&'static str> {
        let changed = [
            ("port", self.port != started.port),
            ("bind", self.bind != started.bind),
            ("store", self.store != started.store),
            ("keep-messages", self.keep_messages != started.keep_messages),
            ("keep-days", self.keep_days != started.keep_days),
        ];
        let changed = changed.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(key, _)| key).collect()
    }
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        let default = Self::default();
        Self {
            port: options.port.unwrap_or(default.port),
            bind: options.bind,
            room_name: options.room_name,
            stay_open: options.stay_open.unwrap_or(default.stay_open),
            idle_timeout: options.idle_timeout.map(Duration::from_secs),
            history: options.history.unwrap_or(default.history),
            name_timeout: options
                .name_timeout
                .map_or(default.name_timeout, Duration::from_secs),
            max_per_address: options.max_per_address.unwrap_or(default.max_per_address),
            store: options.store,
            keep: Keep {
                messages: options.keep_messages,
                days: options.keep_days,
            },
            rules: Rules {
                max_members: options.max_members.unwrap_or(default.rules.max_members),
                pace: options.rate.map_or(default.rules.pace, Pace::per_second),
                grace: (options.grace).map_or(default.rules.grace, Duration::from_secs),
                ..default.rules
            },
            ..default
        }
    }
}

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
    toml::from_str(&text).map_err(|error| {
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

/// The parser's message in one line that says what to do.
fn in_words(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
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

/// Reads a number within limits, of the command line.
fn within<T>(range: RangeInclusive<u64>) -> RangedU64ValueParser<T>
where
    T: TryFrom<u64>,
{
    RangedU64ValueParser::new().range(range)
}

/// Reads a number within limits, of the file.
fn number<'de, D, T, const LEAST: u64, const MOST: u64>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = i64::deserialize(from)?;
    u64::try_from(number)
        .ok()
        .filter(|number| (LEAST..=MOST).contains(number))
        .and_then(|number| T::try_from(number).ok())
        .map(Some)
        .ok_or_else(|| wrong(format!("{number} is not from {LEAST} to {MOST}")))
}

fn readable_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let wanted = String::deserialize(from)?;
    room_name(&wanted).map(Some).map_err(wrong)
}

fn wrong<E: de::Error>(what: impl fmt::Display) -> E {
    E::custom(what)
}

fn room_name(wanted: &str) -> Result<String, &'static str> {
    clean_room_name(wanted).ok_or("a room needs a name that can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../data/chatroom.toml");

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
