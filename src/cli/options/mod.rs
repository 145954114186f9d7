//! The options of a server. Each is a flag of the command line and a key of the
//! configuration file, with the same name. A flag wins over the file, and the file wins
//! over the default.
//!
//! [`OPTIONS`] defines each option once. Everything else about options is made from that
//! list: the flags, the help, the manual page, the keys of the file and its example, and
//! the settings that a reload changes.

mod kind;
mod list;

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

use crate::server::Settings;

pub use self::kind::{Kind, Value};
pub use self::list::OPTIONS;

/// The definition of an option.
#[derive(Debug)]
pub struct Definition {
    /// The key in the file, and the long flag.
    pub key: &'static str,
    /// The placeholder for the value in the help.
    pub value: &'static str,
    /// The accepted values, and the setting that they change.
    pub kind: Kind,
    /// What applies where the option is not given.
    pub default: Default,
    /// The setting in the example of the file, in TOML; `None` stands for the default.
    pub example: Option<&'static str>,
    /// Whether a reload (SIGHUP) changes the setting while the room is open.
    pub reload: Reload,
    /// The option without which this one has no meaning.
    pub needs: Option<&'static str>,
    /// The help: one sentence without the full stop.
    pub help: &'static str,
    /// Further sentences, for the long help and the file; may be empty.
    pub more: &'static str,
}

/// What applies where an option is not given.
#[derive(Debug)]
pub enum Default {
    /// The server's own default value.
    Of(fn(&Settings) -> String),
    /// A default that is not a value, in words.
    Words(&'static str),
}

/// Whether a reload changes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new value applies at once.
    Applies,
    /// The new value applies after a restart.
    NeedsRestart,
}

/// The options that are given, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, Value>);

/// The definition of the option with this key.
pub(super) fn find(key: &str) -> Option<&'static Definition> {
    OPTIONS.iter().find(|option| option.key == key)
}

impl Definition {
    /// The default, as the help shows it.
    pub(super) fn default(&self) -> String {
        match self.default {
            Default::Of(of) => of(&Settings::default()),
            Default::Words(words) => words.to_owned(),
        }
    }

    /// The limits of a number, with the unit; `None` if there are none.
    pub(super) fn limits(&self) -> Option<String> {
        let limits = self.kind.limits()?;
        Some(match self.value {
            "SECONDS" => limits + " seconds",
            _ => limits,
        })
    }

    /// The limits and the default, as the help shows them.
    fn range_and_default(&self) -> String {
        let default = format!("default: {}", self.default());
        match self.limits() {
            Some(limits) => format!("[{limits}; {default}]"),
            None => format!("[{default}]"),
        }
    }

    fn arg(&self) -> Arg {
        let shown = self.range_and_default();
        let help = format!("{} {shown}", self.help);
        let long = [self.help, self.more].join(". ");
        let long = format!("{} {shown}", long.trim_end_matches([' ', '.']));
        let arg = Arg::new(self.key)
            .long(self.key)
            .help_heading("Server")
            .value_name(self.value)
            .value_parser(self.kind.parser())
            .help(help)
            .long_help(long)
            // --status can be about the server on one port.
            .requires(if self.key == "port" {
                "about-a-server"
            } else {
                "server"
            });
        match self.kind {
            Kind::Addresses(_) => arg.action(ArgAction::Append),
            Kind::Switch(_) => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
            _ => arg,
        }
    }
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
