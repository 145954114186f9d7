//! The command line.

use std::ffi::OsString;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::room::{Pace, Rules, clean_room_name};
use crate::server::Settings;
use crate::store::Keep;
use crate::terminal::LISTENER_NAME;
use crate::wire::address::Address;
use crate::wire::{DEFAULT_PORT, HISTORY, NAME_TIMEOUT};

/// What the program was started as.
#[derive(Debug)]
pub enum Face {
    /// The GNOME app; it joins the room at an address at once, if there is one.
    App(Option<Address>),
    /// The GNOME app without a window, for the desktop to ask for one.
    Service,
    /// The server in a terminal.
    Server(Box<Settings>),
    /// The listener in a terminal.
    Listener {
        /// Where the room is.
        address: Address,
        /// The name to join with.
        name: String,
    },
}

const USAGE: &str = "chatroom [ADDRESS]
       chatroom --server [OPTIONS]
       chatroom --listen [ADDRESS] [--name NAME]";

const MORE: &str = "\
An ADDRESS is host, host:port, [v6]:port or chatroom://host:port; what is left out \
is localhost and port 53000.

Examples:
  chatroom --server                    host a room on port 53000
  chatroom --server --port 4000 --room-name \"Ada's room\"
  chatroom --listen                    print what is said in the room on this computer
  chatroom --listen 192.168.1.5:4000
  nc 192.168.1.5 53000                 join a room without this program

A server ends by itself when the last one has left, unless it has --stay-open. \
Ctrl+C closes the room and tells everyone in it.

Exit codes: 0 when it has ended as it should, 1 with a sentence when something \
failed, 2 when the command line is wrong.";

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
    /// The room to join at once; without it, the app asks and the listener takes
    /// localhost:53000
    #[arg(conflicts_with = "server")]
    address: Option<Address>,

    /// How the desktop starts an app that it will then ask for a window (`GApplication`).
    #[arg(long, hide = true, exclusive = true)]
    gapplication_service: bool,

    #[command(flatten)]
    server: ServerOptions,

    #[command(flatten)]
    listener: ListenerOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Server")]
struct ServerOptions {
    /// Host a room, without a desktop; prints who comes and goes
    #[arg(long)]
    server: bool,

    /// The TCP port; 0 takes a free one
    #[arg(long, value_name = "N", requires = "server", default_value_t = DEFAULT_PORT)]
    port: u16,

    /// An IP address of this computer to listen on; can be given several times
    /// [default: all of them]
    #[arg(long, value_name = "ADDR", requires = "server")]
    bind: Vec<IpAddr>,

    /// The name of the room [default: made from the name of this computer]
    #[arg(long, value_name = "TEXT", requires = "server", value_parser = room_name)]
    room_name: Option<String>,

    /// Keep the room open when everyone has left
    #[arg(long, requires = "server")]
    stay_open: bool,

    /// How many messages of the past a newcomer is sent, up to 10000
    #[arg(long, value_name = "N", requires = "server", default_value_t = HISTORY,
          value_parser = within::<u64>(0..=10_000))]
    history: u64,

    /// How long a newcomer may take to give a name, 1 to 3600
    #[arg(long, value_name = "SECONDS", requires = "server",
          default_value_t = NAME_TIMEOUT.as_secs(), value_parser = within::<u64>(1..=3_600))]
    name_timeout: u64,

    /// The most members at a time, 1 to 1000000
    #[arg(long, value_name = "N", requires = "server",
          default_value_t = Rules::default().max_members,
          value_parser = within::<usize>(1..=1_000_000))]
    max_members: usize,

    /// The most connections from one address; 0 lifts the limit
    #[arg(long, value_name = "N", requires = "server",
          default_value_t = Settings::default().max_per_address,
          value_parser = within::<usize>(0..=1_000_000))]
    max_per_address: usize,

    /// The most messages a second of each member, and four times as many at once; 0
    /// lifts the limit
    #[arg(long, value_name = "N", requires = "server",
          default_value_t = Pace::default().per_second,
          value_parser = within::<u32>(0..=1_000_000))]
    rate: u32,

    /// How long a member whose connection was lost may take to come back, up to
    /// 86400; 0 waits for nobody
    #[arg(long, value_name = "SECONDS", requires = "server",
          default_value_t = Rules::default().grace.as_secs(),
          value_parser = within::<u64>(0..=86_400))]
    grace: u64,

    #[command(flatten)]
    store: StoreOptions,
}

/// Where what is said is kept, and how much of it.
#[derive(Args)]
struct StoreOptions {
    /// Keep what is said in a file, which is made if it is not there: members see a
    /// message when it is on disk, and the room goes on after a restart
    #[arg(long, value_name = "FILE", requires = "server")]
    store: Option<PathBuf>,

    /// How many messages are kept in it, at least 1 [default: all]
    #[arg(long, value_name = "N", requires = "store",
          value_parser = within::<u64>(1..=u64::from(u32::MAX)))]
    keep_messages: Option<u64>,

    /// For how many days messages are kept in it, at least 1 [default: for ever]
    #[arg(long, value_name = "N", requires = "store", value_parser = within::<u32>(1..=36_500))]
    keep_days: Option<u32>,
}

#[derive(Args)]
#[command(next_help_heading = "Listener")]
struct ListenerOptions {
    /// Join a room and print what is said in it
    // What another face requires counts as given where that face is ruled out: each
    // option has to be ruled out by itself.
    #[arg(long, conflicts_with_all = [
        "server", "port", "bind", "room_name", "stay_open", "history", "name_timeout",
        "max_members", "max_per_address", "rate", "grace", "store", "keep_messages", "keep_days",
    ])]
    listen: bool,

    /// The name to join with
    #[arg(long, requires = "listen", conflicts_with = "server", default_value = LISTENER_NAME)]
    name: String,
}

/// Reads a number within limits.
fn within<T>(range: RangeInclusive<u64>) -> RangedU64ValueParser<T>
where
    T: TryFrom<u64>,
{
    RangedU64ValueParser::new().range(range)
}

fn room_name(wanted: &str) -> Result<String, &'static str> {
    clean_room_name(wanted).ok_or("a room needs a name that can be read")
}

impl Face {
    /// Reads the command line; the first of `arguments` is the program's name.
    ///
    /// # Errors
    /// What to print instead, and the exit code to end with: what is wrong with
    /// it (2), or the help or the version that was asked for (0).
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
                // It tells no usage where only a value is wrong.
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

impl From<CommandLine> for Face {
    fn from(line: CommandLine) -> Self {
        if line.gapplication_service {
            Self::Service
        } else if line.server.server {
            Self::Server(Box::new(line.server.into()))
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

impl From<ServerOptions> for Settings {
    fn from(options: ServerOptions) -> Self {
        Self {
            port: options.port,
            bind: options.bind,
            room_name: options.room_name,
            stay_open: options.stay_open,
            history: options.history,
            name_timeout: Duration::from_secs(options.name_timeout),
            max_per_address: options.max_per_address,
            store: options.store.store,
            keep: Keep {
                messages: options.store.keep_messages,
                days: options.store.keep_days,
            },
            rules: Rules {
                max_members: options.max_members,
                pace: Pace::per_second(options.rate),
                grace: Duration::from_secs(options.grace),
                ..Rules::default()
            },
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(arguments: &str) -> Result<Face, clap::Error> {
        Face::read(std::iter::once("chatroom").chain(arguments.split_whitespace()))
    }

    fn server(arguments: &str) -> Settings {
        match read(&format!("--server {arguments}")).unwrap() {
            Face::Server(settings) => *settings,
            face => panic!("{face:?}"),
        }
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_app_is_what_is_not_asked_otherwise() {
        assert!(matches!(read(""), Ok(Face::App(None))));
        let service = read("--gapplication-service");
        assert!(matches!(service, Ok(Face::Service)));
        let Ok(Face::App(Some(address))) = read("chatroom://example.org:4000/?x=1#y") else {
            panic!()
        };
        assert_eq!(address.to_string(), "example.org:4000");
        assert_eq!(address.fragment.as_deref(), Some("y"));
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
            let Ok(Face::Listener { address, name }) = read(arguments) else {
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
             --name-timeout 6 --max-members 7 --max-per-address 0 --rate 0 --grace 8 \
             --store room.db --keep-messages 9 --keep-days 10",
        );
        assert_eq!(settings.port, 0);
        let loopback: [IpAddr; 2] = [[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()];
        assert_eq!(settings.bind, loopback);
        assert_eq!(settings.room_name.as_deref(), Some("Ada's"));
        assert!(settings.stay_open);
        assert_eq!(settings.history, 5);
        assert_eq!(settings.name_timeout, Duration::from_secs(6));
        assert_eq!(settings.rules.max_members, 7);
        assert_eq!(settings.max_per_address, 0);
        assert_eq!(settings.rules.pace.per_second, 0);
        assert_eq!(settings.rules.grace, Duration::from_secs(8));
        assert_eq!(settings.store.as_deref(), Some(Path::new("room.db")));
        assert_eq!(settings.keep.messages, Some(9));
        assert_eq!(settings.keep.days, Some(10));
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
            "--listen --history 1",
            "--listen --name-timeout 1",
            "--listen --max-members 1",
            "--listen --max-per-address 1",
            "--listen --rate 0",
            "--listen --store x",
            "--listen --keep-messages 1",
            "--listen --keep-days 1",
            "--server --keep-messages 1",
            "--server --keep-days 1",
            "--server --store x --keep-messages 0",
            "--server --store x --keep-days 0",
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
