//! The command line, and the mode of the program that it asks for.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::protocol::address::Address;
use crate::protocol::invitation::Invitation;
use crate::terminal::{Inviting, Joining, Link, read_invitation};

use super::command_line::{CommandLine, Generated};
use super::faces;
use super::file::Source;

/// How the user started the program.
#[derive(Debug)]
pub enum Mode {
    /// The GNOME app. With an invitation, it joins the room there at once.
    App(Option<Box<Invitation>>),
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
    /// A command for a server that runs on this computer.
    Control {
        /// The command.
        command: String,
        /// The port of the server.
        port: Option<u16>,
        /// Print JSON, for programs.
        json: bool,
    },
    /// The link to a room that runs on this computer.
    Invite(Box<Inviting>),
    /// A text that is made from the definition of the command line.
    Generate(Generated),
    /// The listener in a terminal.
    Listener(Box<Joining>),
}

impl Mode {
    /// Reads the command line; the first of `arguments` is the program's name.
    ///
    /// # Errors
    /// The text to print, with the exit code: a description of what is wrong (2), or
    /// the help or the version that the user asked for (0). It shows no key of a link.
    pub fn read<T>(arguments: impl IntoIterator<Item = T>) -> Result<Self, clap::Error>
    where
        T: Into<OsString> + Clone,
    {
        let given: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        Self::parse(given.clone()).map_err(|error| {
            // The same error of a command line without what is secret in a link. An error
            // about that part itself does not show it.
            Self::parse(given.into_iter().map(without_secret))
                .err()
                .unwrap_or(error)
        })
    }

    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = CommandLine::command();
        let matches = command.try_get_matches_from_mut(arguments);
        let read = matches.and_then(|matches| {
            faces::check(&mut command, &matches)?;
            let given = CommandLine::from_arg_matches(&matches)?;
            Self::of(given).map_err(|what| command.error(ErrorKind::ValueValidation, what))
        });
        read.map_err(|mut error| {
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

    /// The mode that a command line asks for.
    ///
    /// # Errors
    /// What is wrong with the address.
    fn of(given: CommandLine) -> Result<Self, String> {
        let options = &given.server.options;
        let port = options.port();
        let json = given.administrator.json;
        let link = given.address.map(read_link);
        let address = |link| match link {
            Link::Given(invitation) => Ok(*invitation),
            _ => Err("the address cannot come from standard input here".to_owned()),
        };
        Ok(if given.gapplication_service {
            Self::Service
        } else if given.server.server {
            Self::Server(Box::new(Source {
                flags: given.server.options,
                file: given.server.config,
                fallback: given.server.default_config,
            }))
        } else if let Some(file) = given.server.check_config {
            Self::CheckConfig(Source {
                file: Some(file),
                fallback: given.server.default_config,
                ..Source::default()
            })
        } else if given.administrator.status {
            Self::Status { port, json }
        } else if let Some(words) = given.administrator.control {
            let command = words.join(" ");
            Self::Control {
                command,
                port,
                json,
            }
        } else if given.administrator.invite {
            let address = link.transpose()?.map(address).transpose()?;
            Self::Invite(Box::new(Inviting {
                address: address.map(|it| it.address),
                host: given.administrator.host,
                new: given.administrator.new,
                port,
                json,
            }))
        } else if let Some(what) = given.server.generate {
            Self::Generate(what)
        } else if given.listener.listen {
            let link = match given.listener.link_file {
                Some(file) => Some(Link::File(file)),
                None => link.transpose()?,
            };
            Self::Listener(Box::new(Joining {
                link: link.unwrap_or_else(|| Link::Given(Box::new(Address::default().into()))),
                key_file: options.file("key-file"),
                plain: given.listener.plain,
                name: given.listener.name,
            }))
        } else {
            Self::App(link.transpose()?.map(address).transpose()?.map(Box::new))
        })
    }
}

/// Reads the address on a command line.
///
/// # Errors
/// Why it is none.
fn read_link(written: OsString) -> Result<Link, String> {
    let written = written
        .into_string()
        .map_err(|_| "an address is text in UTF-8".to_owned())?;
    if written == "-" {
        return Ok(Link::Input);
    }
    let invitation = read_invitation(&written).map_err(|error| error.to_string())?;
    Ok(Link::Given(Box::new(invitation)))
}

/// An argument without what follows a `#`: in a link, the secrets.
fn without_secret(argument: OsString) -> OsString {
    match argument.to_str().and_then(|it| it.split_once('#')) {
        Some((before, _)) => format!("{before}#…").into(),
        None => argument,
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
    use crate::terminal::LISTENER_NAME;

    use super::super::options::{OPTIONS, Value};

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
        assert_eq!(address.address.to_string(), "example.org:4000");
        assert_eq!(address.link(), "chatroom://example.org:4000?x=1#y");
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
            let Ok(Mode::Listener(joining)) = read(arguments) else {
                panic!("{arguments}")
            };
            let address = joining.link.read().unwrap().address;
            assert_eq!((&*address.to_string(), &*joining.name), (wanted, named));
        }
    }

    #[test]
    fn the_listener_takes_an_invitation_and_no_error_shows_its_key() {
        let key = "k=abcdefghijklmnop";
        let link = format!("chatroom://h:1#{key}");
        let Ok(Mode::Listener(joining)) = read(&format!("--listen {link} --key-file x")) else {
            panic!()
        };
        assert_eq!(joining.link.read().unwrap().link(), link);
        assert_eq!(joining.key_file.as_deref(), Some(Path::new("x")));
        let input = read("--listen - --plain");
        assert!(
            matches!(input, Ok(Mode::Listener(it)) if it.plain && matches!(it.link, Link::Input))
        );
        let file = read("--listen --link-file x");
        assert!(matches!(file, Ok(Mode::Listener(it)) if matches!(it.link, Link::File(_))));
        for wrong in [
            format!("--listen {link} {link}"),
            format!("--listne {link}"),
            format!("{link}&p=damaged"),
            format!("--server {link}"),
            format!("--listen http://h#{key}"),
            format!("--listen h#{key}"),
            format!("--port 1#{key}"),
            format!("--control kick --nonsense {link}"),
            format!("{link} -"),
            format!("--listen {link} --link-file x"),
            "-".to_owned(),
            "--invite -".to_owned(),
        ] {
            let error = read(&wrong).expect_err(&wrong).to_string();
            assert!(!error.contains("abcdef"), "{wrong}: {error}");
            assert!(error.contains("Usage: chatroom"), "{wrong}: {error}");
        }
    }

    #[test]
    fn an_administrator_has_a_command_in_one_word_or_several() {
        for arguments in [
            "kick ada ban 10m --json",
            "--json --port 1 kick ada ban 10m",
        ] {
            let words = arguments.replace("kick", "--control kick");
            let Ok(Mode::Control { command, json, .. }) = read(&words) else {
                panic!("{words}")
            };
            assert_eq!((&*command, json), ("kick ada ban 10m", true));
        }
        let Ok(Mode::Invite(it)) = read("--invite example.org --new --host --port 2") else {
            panic!()
        };
        assert_eq!(it.address.map(|it| it.port), Some(53_000));
        assert_eq!(
            (it.new, it.host, it.json, it.port),
            (true, true, false, Some(2))
        );
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
              --grace 9 --store room.db --keep-messages 9 --keep-days 10 --private --tls only",
        );
        assert!(settings.private && settings.tls.only);
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
            let value = if option == "private" { "true" } else { value };
            let value = if option == "tls" { "only" } else { value };
            for mode in ["", "--listen", "--status", "--invite", "--control help"] {
                let told = read(&format!("{mode} --{option}={value}"));
                let may = match option {
                    "port" => !matches!(mode, "" | "--listen"),
                    "key-file" => mode == "--listen",
                    _ => false,
                };
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
            "--server --private=x",
            "--server --tls off",
            "--server --plain",
            "--server --host",
            "--listen --new",
            "--listen --private",
            "--status --new",
            "--key-file x",
            "--link-file x",
            "--plain",
            "--new",
            "--host",
            "--control",
            "--control kick --status",
            "--control kick --new",
            "--invite --status",
            "--invite --listen",
            "--invite --config x",
        ] {
            let error = read(wrong).expect_err(wrong);
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(error.use_stderr(), "{wrong}");
            let words = error.to_string();
            assert!(words.contains("Usage: chatroom"), "{wrong}: {words}");
        }
    }
}
