//! What defines an option.

use clap::{Arg, ArgAction};

use crate::server::Settings;

use super::kind::Kind;

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

impl Definition {
    /// The default, as the help shows it.
    pub(in crate::cli) fn default(&self) -> String {
        match self.default {
            Default::Of(of) => of(&Settings::default()),
            Default::Words(words) => words.to_owned(),
        }
    }

    /// The limits of a number, with the unit; `None` if there are none.
    pub(in crate::cli) fn limits(&self) -> Option<String> {
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

    /// The flag on the command line.
    pub(super) fn arg(&self) -> Arg {
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
            .long_help(long);
        match self.kind {
            // The default says which there are.
            Kind::Word(..) => arg.hide_possible_values(true),
            Kind::Addresses(_) => arg.action(ArgAction::Append),
            Kind::Switch(_) => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
            _ => arg,
        }
    }
}
