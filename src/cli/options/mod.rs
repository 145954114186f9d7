//! The options of a server. Each is a flag of the command line and a key of the
//! configuration file, with the same name. A flag wins over the file, and the file wins
//! over the default.
//!
//! [`OPTIONS`] defines each option once. Everything else about options is made from that
//! list: the flags, the help, the manual page, the keys of the file and its example, and
//! the settings that a reload changes.

mod definition;
mod kind;
mod list;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::server::Settings;
use crate::terminal::Files;

pub use self::definition::{Definition, Reload};
pub use self::kind::Value;
pub use self::list::OPTIONS;

/// The options that are given, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, Value>);

/// The definition of the option with this key.
pub(super) fn find(key: &str) -> Option<&'static Definition> {
    OPTIONS.iter().find(|option| option.key == key)
}

impl Options {
    /// The value of an option that is given.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The port, if it is given.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self.get("port") {
            Some(Value::Number(port)) => u16::try_from(*port).ok(),
            _ => None,
        }
    }

    /// The path that is the value of an option, if it is given.
    #[must_use]
    pub fn file(&self, key: &str) -> Option<PathBuf> {
        match self.get(key) {
            Some(Value::File(path)) => Some(path.clone()),
            _ => None,
        }
    }

    /// Gives an option its value.
    pub(super) fn set(&mut self, option: &Definition, value: Value) {
        self.0.insert(option.key, value);
    }

    /// These options; `others` supplies those that are not given here.
    #[must_use]
    pub fn or(self, mut others: Self) -> Self {
        // --idle-timeout on the command line overrides a stay-open in the file.
        if self.0.contains_key("idle-timeout") {
            others.0.remove("stay-open");
        }
        others.0.extend(self.0);
        others
    }

    /// The keys that differ from the options that a server was `started` with and that
    /// take effect only after a restart.
    #[must_use]
    pub fn need_restart(&self, started: &Self) -> Vec<&'static str> {
        OPTIONS
            .iter()
            .filter(|option| option.reload == Reload::NeedsRestart)
            .map(|option| option.key)
            .filter(|key| self.get(key) != started.get(key))
            .collect()
    }

    /// An option that is given without the one that it needs, and that one.
    pub(super) fn lacking(&self) -> Option<(&'static str, &'static str)> {
        OPTIONS.iter().find_map(|option| {
            let needed = option.needs?;
            let lacks = self.0.contains_key(option.key) && !self.0.contains_key(needed);
            lacks.then_some((option.key, needed))
        })
    }
}

impl From<&Options> for Settings {
    fn from(options: &Options) -> Self {
        let mut settings = Self::default();
        for option in &OPTIONS {
            if let Some(value) = options.get(option.key) {
                option.kind.apply(value, &mut settings);
            }
        }
        settings
    }
}

impl From<&Options> for Files {
    fn from(options: &Options) -> Self {
        let mut files = Self::default();
        for option in &OPTIONS {
            if let Some(value) = options.get(option.key) {
                option.kind.choose(value, &mut files);
            }
        }
        files
    }
}

impl Args for Options {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(Definition::arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Options {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options = Self::default();
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for option in &OPTIONS {
            let given = matches
                .try_get_many::<Value>(option.key)
                .map_err(|error| clap::Error::raw(ErrorKind::InvalidValue, error))?;
            if let Some(value) = given.and_then(|values| values.cloned().reduce(Value::joined)) {
                self.set(option, value);
            }
        }
        Ok(())
    }
}
