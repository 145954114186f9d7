//! The command line, and the mode of the program that it asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser};

use crate::protocol::address::Address;
use crate::terminal::LISTENER_NAME;

use super::file::Source;
use super::options::{OPTIONS, Options};

/// How the user started the program.
#[derive(Debug)]
pub enum Mode {
    /// The GNOME app. With an address, it joins the room there at once.
    App(Option<Address>),
    /// The GNOME app without a window; the desktop then asks it for one.
    Service,
    /// The server in a terminal.
    Server(Box<Source>),
    /// A check of a configuration file.
    CheckConfig(Source),
    /// A report on the servers that run on this computer.
    Status {
        /// Only the server on this port.
        port: Option<u16>,
        /// Print JSON, for programs.
        json: bool,
    },
    /// A text that is made from the definition of the command line.
    Generate(Generated),
    /// The listener in a terminal.
    Listener {
        /// Where the room is.
        address: Address,
        /// The name to join with.
        name: String,
    },
}

const USAGE: &str = "chatroom [ADDRESS]
       chatroom --server [--config FILE] [OPTIONS]
       chatroom --status [--json] [--port N]
       chatroom --listen [ADDRESS] [--name NAME]";

const MORE: &str = "\
An ADDRESS is host, host:port, [v6]:port or chatroom://host:port. Without a host it \
means localhost, without a port 53000.

Examples:
  chatroom --server                    host a room on port 53000
  chatroom --server --port 4000 --room-name \"Ada's room\"
  chatroom --listen                    print the messages of the room on this computer
  chatroom --listen 192.168.1.5:4000
  nc 192.168.1.5 53000                 join a room without this program

A server ends by itself when the last member leaves, unless it has --stay-open. \
Ctrl+C closes the room and tells everyone in it. With --config, SIGHUP makes the \
server read the file again. If the server writes to a terminal, SIGHUP means that the \
terminal went away, and the server closes the room.

Exit codes: 0 when it ended normally, 1 with a message when something failed, 2 when \
the command line is wrong, 78 when the settings or the store have to be changed before \
it can start.";

/// The ids of the arguments that need --server. --port is not one of them: --status takes
/// it too.
fn for_a_server() -> impl Iterator<Item = &'static str> {
    let keys = OPTIONS.iter().map(|option| option.key);
    keys.filter(|key| *key != "port")
        .chain(["config", "default_config"])
}

#[derive(Parser)]
#[command(
    name = "chatroom",
    version,
    about = "Open a room and talk.",
    long_about = "Open a room and talk: a desktop app, a server and a listener for the terminal.",
    override_usage = USAGE,
    after_help = "An ADDRESS is host, host:port, [v6]:port or chatroom://host:port.",
    after_long_help = MORE,
    max_term_width = 100
)]
struct CommandLine {
    /// The room to join at once; without it, the app asks and the listener joins
    /// localhost:53000
    #[arg(conflicts_with = "server")]
    address: Option<Address>,

    /// The desktop starts an app with this, and then asks it for a window (`GApplication`).
    #[arg(long, hide = true, exclusive = true)]
    gapplication_service: bool,

    #[command(flatten)]
    server: ServerOptions,

    #[command(flatten)]
    listener: ListenerOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Server", group = ArgGroup::new("about-a-server"))]
#[command(group = ArgGroup::new("about-a-file"))]
struct ServerOptions {
    /// Host a room without a desktop, and print who joins and leaves
    #[arg(long, group = "about-a-server")]
    server: bool,

    /// Read settings from FILE; options on the command line win
    #[arg(long, value_name = "FILE", requires = "server", group = "about-a-file")]
    config: Option<PathBuf>,

    /// Read FILE instead if the file of --config does not exist
    #[arg(long, value_name = "FILE", requires = "about-a-file")]
    default_config: Option<PathBuf>,

    #[command(flatten)]
    options: Options,

    /// Check a configuration file, and report what is wrong in it
    #[arg(long, value_name = "FILE", group = "about-a-file")]
    #[arg(conflicts_with_all = for_a_server().filter(|it| *it != "default_config"))]
    #[arg(conflicts_with_all = ["server", "port", "status", "json", "listen", "name", "address"])]
    check_config: Option<PathBuf>,

    /// Show the state of the servers on this computer, or of the one with --port
    #[arg(long, group = "about-a-server", conflicts_with_all = for_a_server())]
    #[arg(conflicts_with_all = ["server", "address"])]
    status: bool,

    /// Print the state as JSON, one line for each server
    #[arg(long, requires = "status", conflicts_with = "server")]
    json: bool,

    /// Print the manual page, completions for a shell or an example of the file.
    #[arg(long, hide = true, exclusive = true)]
    generate: Option<Generated>,
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

#[derive(Args)]
#[command(next_help_heading = "Listener")]
struct ListenerOptions {
    /// Join a room and print its messages
    // clap takes an option's `requires` as met if the required option is in conflict with
    // a given one. So each option needs a conflict of its own.
    #[arg(long, conflicts_with_all = for_a_server())]
    #[arg(conflicts_with_all = ["server", "port", "status", "json"])]
    listen: bool,

    /// The name to join with
    #[arg(long, requires = "listen", conflicts_with = "server", default_value = LISTENER_NAME)]
    name: String,
}

impl Mode {
    /// Reads the command line; the first of `arguments` is the program's name.
    ///
    /// # Errors
    /// The text to print, with the exit code: a description of what is wrong (2), or
    /// the help or the version that the user asked for (0).
    pub fn read<T>(arguments: impl IntoIterator<Item = T>) -> Result<Self, clap::Error>
    where
        T: Into<OsString> + Clone,
    {
        let mut command = CommandLine::command();
        command
            .try_get_matches_from_mut(arguments)
            .and_then(|matches| CommandLine::from_arg_matches(&matches))
            .map(Self::from)
            .map_err(|mut error| {
                // clap prints no usage if only a value is wrong.
                if matches!(
                    error.kind(),
                    ErrorKind::ValueValidation | ErrorKind::InvalidValue
                ) {
                    let usage = ContextValue::StyledStr(command.render_usage());
                    error.insert(ContextKind::Usage, usage);
                }
                error
            })
    }
}

impl From<CommandLine> for Mode {
    fn from(line: CommandLine) -> Self {
        if line.gapplication_service {
            Self::Service
        } else if line.server.server {
            Self::Server(Box::new(Source {
                flags: line.server.options,
                file: line.server.config,
                fallback: line.server.default_config,
            }))
        } else if let Some(file) = line.server.check_config {
            Self::CheckConfig(Source {
                file: Some(file),
                fallback: line.server.default_config,
                ..Source::default()
            })
        } else if line.server.status {
            Self::Status {
                port: line.server.options.port(),
                json: line.server.json,
            }
        } else if let Some(what) = line.server.generate {
            Self::Generate(what)
        } else if line.listener.listen {
            Self::Listener {
                address: line.address.unwrap_or_default(),
                name: line.listener.name,
            }
        } else {
            Self::App(line.address)
        }
    }
}

/// The definition of the command line.
pub(super) fn command() -> clap::Command {
    CommandLine::command()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use crate::server::Settings;

    use super::super::options::Value;

    use super::*;

    fn read(arguments: &str) -> Result<Mode, clap::Error> {
        Mode::read(std::iter::once("chatroom").chain(arguments.split_whitespace()))
    }

    fn server(arguments: &str) -> Settings {
        match read(&format!("--server {arguments}")).unwrap() {
            Mode::Server(source) => Settings::from(&source.options().unwrap()),
            mode => panic!("{mode:?}"),
        }
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_app_is_what_is_not_asked_otherwise() {
        assert!(matches!(read(""), Ok(Mode::App(None))));
        let service = read("--gapplication-service");
        assert!(matches!(service, Ok(Mode::Service)));
        let Ok(Mode::App(Some(address))) = read("chatroom://example.org:4000/?x=1#y") else {
            panic!()
        };
        assert_eq!(address.to_string(), "example.org:4000");
    }

    #[test]
    fn the_listener_has_an_address_and_a_name() {
        for (arguments, wanted, named) in [
            ("--listen", "localhost:53000", LISTENER_NAME),
            ("--listen [::1]:4000", "[::1]:4000", LISTENER_NAME),
            (
                "example.org --listen --name ada",
                "example.org:53000",
                "ada",
            ),
        ] {
            let Ok(Mode::Listener { address, name }) = read(arguments) else {
                panic!("{arguments}")
            };
            assert_eq!((&*address.to_string(), &*name), (wanted, named));
        }
    }

    #[test]
    fn the_server_has_its_defaults() {
        let settings = format!("{:?}", server(""));
        assert_eq!(settings, format!("{:?}", Settings::default()));
    }

    #[test]
    fn every_flag_of_the_server_does_what_it_says() {
        let settings = server(
            "--port 0 --bind 127.0.0.1 --bind ::1 --room-name Ada's --stay-open --history 5 \
             --idle-timeout 8 --name-timeout 6 --max-members 7 --max-per-address 0 --rate 0 \
              --grace 9 --store room.db --keep-messages 9 --keep-days 10",
        );
        assert_eq!(settings.port, 0);
        let loopback = ["127.0.0.1", "::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(settings.bind, loopback);
        assert_eq!(settings.room_name.as_deref(), Some("Ada's"));
        assert!(settings.stay_open);
        assert_eq!(settings.idle_timeout, Some(Duration::from_secs(8)));
        assert_eq!(settings.history, 5);
        assert_eq!(settings.name_timeout, Duration::from_secs(6));
        assert_eq!(settings.rules.max_members, 7);
        assert_eq!(settings.max_per_address, 0);
        assert_eq!(settings.rules.rate_limit.per_second, 0);
        assert_eq!(settings.rules.grace, Duration::from_secs(9));
        assert_eq!(settings.store.as_deref(), Some(Path::new("room.db")));
        assert_eq!(settings.keep.messages, Some(9));
        assert_eq!(settings.keep.days, Some(10));
    }

    #[test]
    fn a_server_can_be_looked_at_and_its_file_checked() {
        assert!(matches!(
            read("--status --json --port 4000"),
            Ok(Mode::Status {
                port: Some(4000),
                json: true
            })
        ));
        assert!(matches!(
            read("--status"),
            Ok(Mode::Status {
                port: None,
                json: false
            })
        ));
        let Ok(Mode::CheckConfig(source)) = read("--check-config x --default-config y") else {
            panic!()
        };
        assert_eq!(
            (source.file, source.fallback),
            (Some("x".into()), Some("y".into()))
        );
        let Ok(Mode::Server(source)) = read("--server --config x --stay-open=false") else {
            panic!()
        };
        assert_eq!(source.file, Some("x".into()));
        assert_eq!(source.flags.get("stay-open"), Some(&Value::Switch(false)));
    }

    #[test]
    fn what_a_server_is_told_is_wrong_for_the_other_faces() {
        for option in OPTIONS.iter().map(|option| option.key) {
            // A valid value for each option, so that only the combination is wrong.
            let value = if option == "bind" { "::1" } else { "1" };
            let value = if option == "stay-open" { "true" } else { value };
            let value = if option == "keep-size" { "1M" } else { value };
            for mode in ["", "--listen", "--status"] {
                let told = read(&format!("{mode} --{option}={value}"));
                let may = (mode, option) == ("--status", "port");
                assert_eq!(told.is_ok(), may, "{mode} --{option}");
            }
            read(&format!("--server --{option}={value}")).expect(option);
        }
    }

    #[test]
    fn a_wrong_command_line_is_told_with_the_usage() {
        for wrong in [
            "--nonsense",
            "one two",
            "http://example.org",
            "example.org:0",
            "--port 4000",
            "--stay-open",
            "--listen --port 4000",
            "--listen --bind ::1",
            "--listen --room-name R",
            "--listen --stay-open",
            "--server --store x --keep-messages 0",
            "--server --store x --keep-days 0",
            "--listen --idle-timeout 1",
            "--listen --config x",
            "--listen --default-config x",
            "--status --default-config x",
            "--default-config x",
            "--server --default-config x",
            "--check-config x --history 1",
            "--check-config x --listen",
            "--check-config x --name ada",
            "--listen --status",
            "--config x",
            "--json",
            "--server --status",
            "--server --json",
            "--status --history 1",
            "--status example.org",
            "--server --check-config x",
            "--server --stay-open=x",
            "--server --idle-timeout 0",
            "--listen --history 1",
            "--listen --name-timeout 1",
            "--listen --max-members 1",
            "--listen --max-per-address 1",
            "--listen --rate 0",
            "--listen --grace 0",
            "--name ada",
            "--server --name ada",
            "--server example.org",
            "--server --listen",
            "--server --port",
            "--server --port 65536",
            "--server --port -1",
            "--server --port x",
            "--server --port 1 --port 2",
            "--server --bind example.org",
            "--server --room-name \u{200b}",
            "--server --history 10001",
            "--server --name-timeout 0",
            "--server --name-timeout 3601",
            "--server --max-members 0",
            "--server --max-per-address -1",
            "--server --rate x",
            "--server --grace 86401",
        ] {
            let error = read(wrong).expect_err(wrong);
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(error.use_stderr(), "{wrong}");
            let words = error.to_string();
            assert!(words.contains("Usage: chatroom"), "{wrong}: {words}");
        }
    }
}
