//! The server's options. Each is a flag of the command line and a key of the
//! configuration file, with the same name. A flag wins over the file, and the file wins
//! over the default.

pub(crate) mod file;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::protocol::address::BindAddress;
use crate::room::{RateLimit, Rules};
use crate::server::Settings;
use crate::store::Keep;

pub use self::file::{FileError, Source, read};

use self::value::{number, readable_name, room_name, size, size_of, within};

/// The most older messages that a new member can receive.
const HISTORY_MOST: u64 = 10_000;
/// The longest time that a client may take to give a name, in seconds.
const NAME_TIMEOUT_MOST: u64 = 3_600;
/// The longest time that a room waits for members, in seconds.
const DAY: u64 = 86_400;
/// The highest accepted number of stored messages.
const KEEP_MESSAGES_MOST: u64 = u32::MAX as u64;
/// The highest accepted number of days for which messages are stored.
const KEEP_DAYS_MOST: u64 = 36_500;
/// The highest value of any other limit.
const MANY: u64 = 1_000_000;
/// The most bytes of text a second that an address can be allowed.
const TEXT_MOST: u64 = 1_000_000_000;

/// The options of a server; `None` means that the option is not given.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[command(next_help_heading = "Server")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// The TCP port; 0 picks a free one [default: 53000]
    #[arg(long, value_name = "N", requires = "about-a-server")]
    #[serde(deserialize_with = "number::<_, _, 0, 65_535>")]
    pub port: Option<u16>,

    /// An IP address of this computer to listen on, with % and its interface if it is
    /// link-local; can be given several times [default: all of them]
    #[arg(long, value_name = "ADDR", requires = "server")]
    pub bind: Vec<BindAddress>,

    /// The name of the room [default: made from the name of this computer]
    #[arg(long, value_name = "TEXT", requires = "server", value_parser = room_name)]
    #[serde(deserialize_with = "readable_name")]
    pub room_name: Option<String>,

    /// Keep the room open after everyone has left
    #[arg(long, value_name = "true|false", requires = "server", num_args = 0..=1,
          hide_possible_values = true, require_equals = true, default_missing_value = "true")]
    pub stay_open: Option<bool>,

    /// Close the room after it has been empty for this long, 1 to 86400, even if nobody
    /// ever came [default: when the last member leaves]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(1..=DAY))]
    #[serde(deserialize_with = "number::<_, _, 1, DAY>")]
    pub idle_timeout: Option<u64>,

    /// How many older messages a new member receives, up to 10000 [default: 100]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u64>(0..=HISTORY_MOST))]
    #[serde(deserialize_with = "number::<_, _, 0, HISTORY_MOST>")]
    pub history: Option<u64>,

    /// How long a client may take to give a name, 1 to 3600 [default: 10]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(1..=NAME_TIMEOUT_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, NAME_TIMEOUT_MOST>")]
    pub name_timeout: Option<u64>,

    /// The most members at the same time, 1 to 1000000 [default: 10000]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<usize>(1..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 1, MANY>")]
    pub max_members: Option<usize>,

    /// The most connections from one address; 0 lifts the limit [default: 256]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<usize>(0..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 0, MANY>")]
    pub max_per_address: Option<usize>,

    /// How many bytes of text a second the members from one address may send together,
    /// and eight times as many at once; 0 lifts the limit [default: 262144]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u32>(0..=TEXT_MOST))]
    #[serde(deserialize_with = "number::<_, _, 0, TEXT_MOST>")]
    pub text_per_address: Option<u32>,

    /// How many messages a second each member may send, and four times as many at
    /// once; 0 lifts the limit [default: 5]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u32>(0..=MANY))]
    #[serde(deserialize_with = "number::<_, _, 0, MANY>")]
    pub rate: Option<u32>,

    /// How long a member may take to come back after losing the connection, up to
    /// 86400; 0 waits for nobody [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "server",
          value_parser = within::<u64>(0..=DAY))]
    #[serde(deserialize_with = "number::<_, _, 0, DAY>")]
    pub grace: Option<u64>,

    /// Save messages in FILE, which is created if it does not exist: members see a
    /// message only when it is on disk, and the room goes on after a restart
    #[arg(long, value_name = "FILE", requires = "server")]
    pub store: Option<PathBuf>,

    /// How many messages the store keeps, at least 1 [default: all]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u64>(1..=KEEP_MESSAGES_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, KEEP_MESSAGES_MOST>")]
    pub keep_messages: Option<u64>,

    /// For how many days the store keeps messages, at least 1 [default: for ever]
    #[arg(long, value_name = "N", requires = "server",
          value_parser = within::<u32>(1..=KEEP_DAYS_MOST))]
    #[serde(deserialize_with = "number::<_, _, 1, KEEP_DAYS_MOST>")]
    pub keep_days: Option<u32>,

    /// How much of it may be in use, at least 1M; as 500M, 1G, … [default: no limit]
    #[arg(long, value_name = "SIZE", requires = "server", value_parser = size)]
    #[serde(deserialize_with = "size_of")]
    pub keep_size: Option<u64>,
}

impl Options {
    /// These options; `others` supplies those that are not given here.
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
            // --idle-timeout on the command line overrides a stay-open in the file.
            stay_open: (self.stay_open)
                .or(self.idle_timeout.map(|_| false))
                .or(others.stay_open),
            idle_timeout: self.idle_timeout.or(others.idle_timeout),
            history: self.history.or(others.history),
            name_timeout: self.name_timeout.or(others.name_timeout),
            max_members: self.max_members.or(others.max_members),
            max_per_address: self.max_per_address.or(others.max_per_address),
            text_per_address: self.text_per_address.or(others.text_per_address),
            rate: self.rate.or(others.rate),
            grace: self.grace.or(others.grace),
            store: self.store.or(others.store),
            keep_messages: self.keep_messages.or(others.keep_messages),
            keep_days: self.keep_days.or(others.keep_days),
            keep_size: self.keep_size.or(others.keep_size),
        }
    }
}

impl Options {
    /// The keys that differ from the options that a server was `started` with and that
    /// take effect only after a restart.
    #[must_use]
    pub fn need_restart(&self, started: &Self) -> Vec<&'static str> {
        let changed = [
            ("port", self.port != started.port),
            ("bind", self.bind != started.bind),
            ("store", self.store != started.store),
            ("keep-messages", self.keep_messages != started.keep_messages),
            ("keep-days", self.keep_days != started.keep_days),
            ("keep-size", self.keep_size != started.keep_size),
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
            text_per_address: (options.text_per_address).unwrap_or(default.text_per_address),
            store: options.store,
            keep: Keep {
                messages: options.keep_messages,
                days: options.keep_days,
                bytes: options.keep_size,
            },
            rules: Rules {
                max_members: options.max_members.unwrap_or(default.rules.max_members),
                rate_limit: options
                    .rate
                    .map_or(default.rules.rate_limit, RateLimit::per_second),
                grace: (options.grace).map_or(default.rules.grace, Duration::from_secs),
                ..default.rules
            },
            ..default
        }
    }
}
