//! The definition of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Parser};

use crate::terminal::LISTENER_NAME;
use crate::terminal::control::WORDS;

use super::options::Options;

const USAGE: &str = "chatroom [ADDRESS]
       chatroom --server [--config FILE] [OPTIONS]
       chatroom --status [--json] [--port N]
       chatroom --control COMMAND [--json] [--port N]
       chatroom --invite [ADDRESS] [--host] [--new] [--port N]
       chatroom --listen [ADDRESS] [--name NAME]";

const MORE: &str = "\
An ADDRESS is host, host:port, [v6]:port or chatroom://host:port. Without a host it \
means localhost, without a port 53000. It can also be an invitation, such as \
chatroom://host:port#p=…&k=…: a link that lets its reader into a private room. Other users \
of this computer can see a command line, so give such a link on standard input (with - as \
the ADDRESS) or in a file.

Examples:
  chatroom --server                    host a room on port 53000
  chatroom --server --private          host a room for those whom you invite
  chatroom --server --port 4000 --room-name \"Ada's room\"
  chatroom --listen                    print the messages of the room on this computer
  chatroom --listen 192.168.1.5:4000
  chatroom --listen - <link.txt        join with an invitation
  chatroom --invite                    print the link to the room that runs here
  chatroom --control kick ada ban 10m  remove someone, for ten minutes
  chatroom --control help              list these commands
  nc 192.168.1.5 53000                 join a room without this program

A server ends by itself when the last member leaves, unless it has --stay-open. \
Ctrl+C closes the room and tells everyone in it. With --config, --tls-cert or --key-file, \
SIGHUP makes the server read those files again. If the server writes to a terminal, SIGHUP \
means that the terminal went away, and the server closes the room.

Exit codes: 0 when it ended normally, 1 with a message when something failed, 2 when \
the command line is wrong, 78 when the settings or the store have to be changed before \
it can start.";

#[derive(Parser)]
#[command(
    name = "chatroom",
    version,
    about = "Open a room and talk.",
    long_about = "Open a room and talk: a desktop app, a server and a listener for the terminal.",
    override_usage = USAGE,
    after_help = "An ADDRESS is host, host:port, [v6]:port, chatroom://host:port, or an \
                  invitation; - reads it from standard input.",
    after_long_help = MORE,
    max_term_width = 100
)]
pub(super) struct CommandLine {
    /// The room to join at once; without it, the app asks and the listener joins
    /// localhost:53000
    // Read later: an error that clap makes of it would show the key in a link.
    pub address: Option<OsString>,

    /// The desktop starts an app with this, and then asks it for a window (`GApplication`).
    #[arg(long, hide = true)]
    pub gapplication_service: bool,

    #[command(flatten)]
    pub server: ServerOptions,

    #[command(flatten)]
    pub administrator: AdministratorOptions,

    #[command(flatten)]
    pub listener: ListenerOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerOptions {
    /// Host a room without a desktop, and print who joins and leaves
    #[arg(long)]
    pub server: bool,

    /// Read settings from FILE; options on the command line win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Read FILE instead if the file of --config does not exist
    #[arg(long, value_name = "FILE")]
    pub default_config: Option<PathBuf>,

    #[command(flatten)]
    pub options: Options,

    /// Check a configuration file, and report what is wrong in it
    #[arg(long, value_name = "FILE")]
    pub check_config: Option<PathBuf>,

    /// Print the manual page, completions for a shell or an example of the file.
    #[arg(long, hide = true)]
    pub generate: Option<Generated>,
}

// Each is a switch of its own.
#[expect(clippy::struct_excessive_bools)]
#[derive(Args)]
#[command(next_help_heading = "Administrator")]
pub(super) struct AdministratorOptions {
    /// Show the state of the servers on this computer, or of the one with --port
    #[arg(long)]
    pub status: bool,

    /// Have the server on this computer do a command, such as kick ada; help lists them
    #[arg(long, value_name = "COMMAND", num_args = 1.., value_parser = Words)]
    #[arg(hide_possible_values = true)]
    pub control: Option<Vec<String>>,

    /// Print the link to the room that runs on this computer, with ADDRESS in it if one is
    /// given. The link to a private room is a secret
    #[arg(long)]
    pub invite: bool,

    /// Print the link for hosts, who may remove others: a secret
    #[arg(long)]
    pub host: bool,

    /// Make a new key first, so that earlier links let nobody in
    #[arg(long)]
    pub new: bool,

    /// Print JSON, for programs: an object, or one line for each server
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Listener")]
pub(super) struct ListenerOptions {
    /// Join a room and print its messages
    #[arg(long)]
    pub listen: bool,

    /// The name to join with
    #[arg(long, default_value = LISTENER_NAME)]
    pub name: String,

    /// Read the address or the invitation from FILE
    #[arg(long, value_name = "FILE")]
    pub link_file: Option<PathBuf>,

    /// Do not encrypt the connection
    #[arg(long)]
    pub plain: bool,
}

/// A text that the program makes from the definition of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Generated {
    /// The manual page.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for fish.
    Fish,
    /// Completions for zsh.
    Zsh,
    /// An example of the configuration file.
    Config,
}

/// Reads a word of a command. Shells complete the first one.
#[derive(Clone)]
struct Words;

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = WORDS.iter();
        Some(Box::new(
            words.map(|it| PossibleValue::new(it.word).help(it.help)),
        ))
    }
}
