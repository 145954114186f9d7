//! Which options go together.
//!
//! The program has several faces (the app, the server, …), of which one command line asks
//! for one. This says which options each of them takes, in one place.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::options::OPTIONS;

/// The ids of the options that ask for a face. Without any, the user wants the app.
const FACES: [&str; 8] = [
    "server",
    "check_config",
    "generate",
    "status",
    "control",
    "invite",
    "listen",
    "gapplication_service",
];

/// The faces that take this option, or the app if its id is empty.
fn taken_by(id: &str) -> &'static [&'static str] {
    match id {
        "address" => &["", "listen", "invite"],
        "port" => &["server", "status", "control", "invite"],
        "key-file" => &["server", "listen"],
        "default_config" => &["server", "check_config"],
        "json" => &["status", "control", "invite"],
        "host" | "new" => &["invite"],
        "name" | "link_file" | "plain" => &["listen"],
        "config" => &["server"],
        id if OPTIONS.iter().any(|option| option.key == id) => &["server"],
        _ => &[],
    }
}

/// Checks that the options on a command line go together.
///
/// # Errors
/// What does not, with the usage.
pub(super) fn check(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let given: Vec<&str> = matches
        .ids()
        .map(clap::Id::as_str)
        .filter(|id| command.get_arguments().any(|it| it.get_id() == id))
        .filter(|id| is_given(matches, id))
        .collect();
    let mut faces = given.iter().copied().filter(|id| FACES.contains(id));
    let face = faces.next().unwrap_or_default();
    let wrong = if let Some(other) = faces.next() {
        Some(together(face, other))
    } else {
        let options = given.iter().copied().filter(|id| !FACES.contains(id));
        let mut strangers = options.filter(|id| !taken_by(id).contains(&face));
        let stranger = strangers.next().map(|id| {
            let takers: Vec<String> = taken_by(id).iter().map(|it| shown(it)).collect();
            match face {
                "" => format!("{} needs {}", shown(id), takers.join(" or ")),
                _ => together(id, face),
            }
        });
        stranger.or_else(|| {
            let lacks = |id, needed| given.contains(&id) && !given.contains(&needed);
            if face == "server" && lacks("default_config", "config") {
                return Some("--default-config needs --config".to_owned());
            }
            (given.contains(&"link_file") && given.contains(&"address"))
                .then(|| together("address", "link_file"))
        })
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(command.error(ErrorKind::ArgumentConflict, wrong)),
    }
}

fn is_given(matches: &ArgMatches, id: &str) -> bool {
    // A switch that is not given has a default as well.
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn together(one: &str, other: &str) -> String {
    format!("{} cannot be used with {}", shown(one), shown(other))
}

/// An option as the user writes it.
fn shown(id: &str) -> String {
    match id {
        "address" => "ADDRESS".to_owned(),
        "" => "the app".to_owned(),
        id => format!("--{}", id.replace('_', "-")),
    }
}
