//! The commands of an administrator, as people write them.

use std::time::Duration;

use crate::room::{Banned, MemberId};
use crate::server::Target;

/// The most bytes of a command. The longest has a name of 32 characters.
pub const COMMAND_BYTES: usize = 1 << 10;

/// The longest time that a command may give: a year.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The longest time between two messages of a member.
const SLOWEST: Duration = Duration::from_hours(1);

/// A word that begins a command.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// The word itself.
    pub word: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// What the command does: one sentence without the full stop.
    pub help: &'static str,
}

const fn word(word: &'static str, arguments: &'static str, help: &'static str) -> Word {
    Word {
        word,
        arguments,
        help,
    }
}

/// The commands, in the order of the help.
pub static WORDS: [Word; 11] = [
    word(
        "kick",
        "NAME|#ID [ban DURATION]",
        "Remove a member; with ban, keep their address out for that long",
    ),
    word("bans", "", "List the addresses that are kept out"),
    word(
        "unban",
        "ADDRESS|NAME",
        "Let an address in again, or whoever had that name",
    ),
    word(
        "mute",
        "NAME|#ID DURATION",
        "Accept no messages from a member for that long",
    ),
    word(
        "unmute",
        "NAME|#ID",
        "Accept messages from a muted member again",
    ),
    word(
        "slow",
        "DURATION|off",
        "Let each member send one message in that time, or as many as usual",
    ),
    word("erase", "SEQ", "Erase the text of a message for everyone"),
    word(
        "host",
        "NAME|#ID",
        "Make a member a host, who may do all this",
    ),
    word(
        "invite",
        "[new] [host]",
        "Show the link to the room; new replaces the key, host shows the link for hosts",
    ),
    word("status", "", "Show the state of the server"),
    word("help", "", "Show this list"),
];

/// The explanation under the list.
pub const MORE: &str = "A DURATION is a number of seconds, or a number with s, m, h or d, such as \
                        10m. The number of a member is its #ID. A NAME may be in double quotes.";

/// A command of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Removes a member, and may keep its address out.
    Kick {
        /// The member.
        who: Target,
        /// How long its address is kept out.
        ban: Option<Duration>,
    },
    /// Lists the addresses that are kept out.
    Bans,
    /// Lifts bans.
    Unban(Banned),
    /// Accepts no messages from a member.
    Mute {
        /// The member.
        who: Target,
        /// For how long; zero accepts them again.
        time: Duration,
    },
    /// Lets each member send one message in this time; zero lifts the limit.
    Slow(Duration),
    /// Erases the text of the message with this `seq`.
    Erase(u64),
    /// Makes a member a host.
    Host(Target),
    /// Shows the link to the room.
    Invite {
        /// Replace the key first.
        new: bool,
        /// The link for hosts.
        host: bool,
    },
    /// Shows the state of the server.
    Status,
    /// Lists the commands.
    Help,
}

/// Why a text is no command, in a sentence that says how to write it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACommand {
    /// There is nothing.
    #[error("A command is missing; “help” lists the commands.")]
    Empty,
    /// It is longer than 1 KiB.
    #[error("The command is too long.")]
    TooLong,
    /// It begins with another word.
    #[error("There is no command “{0}”; “help” lists the commands.")]
    Unknown(String),
    /// Something in it is missing, wrong or too much.
    #[error("{what}; write it as: {} {}.", how.word, how.arguments)]
    Wrong {
        /// What is wrong.
        what: String,
        /// The command.
        how: &'static Word,
    },
}

impl std::str::FromStr for Command {
    type Err = NotACommand;

    fn from_str(written: &str) -> Result<Self, NotACommand> {
        if written.len() > COMMAND_BYTES {
            return Err(NotACommand::TooLong);
        }
        let written = written.trim();
        let (first, rest) = split_word(written);
        if first.is_empty() {
            return Err(NotACommand::Empty);
        }
        let how = WORDS.iter().find(|it| it.word == first);
        let how = how.ok_or_else(|| NotACommand::Unknown(shown(first)))?;
        read(how.word, rest).map_err(|what| NotACommand::Wrong { what, how })
    }
}

/// Reads what follows the first word.
///
/// # Errors
/// What is wrong.
fn read(word: &str, rest: &str) -> Result<Command, String> {
    Ok(match word {
        "kick" => {
            let (who, rest) = who(rest, |rest| Some(rest.rsplit_once(" ban ")?.0))?;
            let ban = match split_word(rest) {
                ("", _) => None,
                ("ban", time) => Some(duration(time)?),
                (other, _) => return Err(unexpected(other)),
            };
            Command::Kick { who, ban }
        }
        "mute" => {
            let (who, time) = who(rest, |rest| Some(rest.rsplit_once(' ')?.0))?;
            let time = duration(time)?;
            Command::Mute { who, time }
        }
        "unmute" => Command::Mute {
            who: only_who(rest)?,
            time: Duration::ZERO,
        },
        "host" => Command::Host(only_who(rest)?),
        "unban" => {
            // A network as `bans` lists it: the end of it is implied by its kind.
            let ip = rest.split_once('/').map_or(rest, |(ip, _)| ip);
            match ip.trim_matches(['[', ']']).parse() {
                Ok(ip) => Command::Unban(Banned::Address(ip)),
                Err(_) => match only_who(rest)? {
                    Target::Name(name) => Command::Unban(Banned::Name(name.into())),
                    Target::Id(_) => {
                        return Err("A number is nobody’s when they have left".to_owned());
                    }
                },
            }
        }
        "slow" if rest == "off" => Command::Slow(Duration::ZERO),
        "slow" => match duration(rest)? {
            every if every <= SLOWEST => Command::Slow(every),
            _ => return Err(format!("{} is longer than an hour", shown(rest))),
        },
        "erase" => {
            let seq = rest.parse().ok().filter(|seq| *seq > 0);
            let seq =
                seq.ok_or_else(|| format!("“{}” is not the number of a message", shown(rest)))?;
            Command::Erase(seq)
        }
        "invite" => {
            let (mut new, mut host) = (false, false);
            for word in rest.split_whitespace() {
                match word {
                    "new" => new = true,
                    "host" => host = true,
                    other => return Err(unexpected(other)),
                }
            }
            Command::Invite { new, host }
        }
        _ if !rest.is_empty() => return Err(unexpected(rest)),
        "bans" => Command::Bans,
        "status" => Command::Status,
        _ => Command::Help,
    })
}

fn unexpected(word: &str) -> String {
    format!("“{}” has no meaning here", shown(word))
}

/// The first word, and what follows it.
fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// A member, and what follows it. A name in quotes ends with the last quote. One without
/// quotes is the whole text, or as much of it as `name` returns.
fn who<'a>(
    text: &'a str,
    name: impl FnOnce(&'a str) -> Option<&'a str>,
) -> Result<(Target, &'a str), String> {
    if let Some((quoted, rest)) = text.strip_prefix('"').and_then(|it| it.rsplit_once('"')) {
        return Ok((named(quoted)?, rest.trim()));
    }
    let (first, rest) = split_word(text);
    if let Some(id) = first.strip_prefix('#').and_then(member_id) {
        return Ok((Target::Id(id), rest));
    }
    let name = name(text).unwrap_or(text);
    let rest = text.strip_prefix(name).unwrap_or_default();
    Ok((named(name)?, rest.trim()))
}

fn member_id(digits: &str) -> Option<MemberId> {
    MemberId::new(digits.parse().ok()?)
}

fn only_who(text: &str) -> Result<Target, String> {
    match who(text, |_| None)? {
        (who, "") => Ok(who),
        (_, rest) => Err(unexpected(rest)),
    }
}

fn named(name: &str) -> Result<Target, String> {
    match name.trim() {
        "" => Err("The member is missing".to_owned()),
        name => Ok(Target::Name(name.to_owned())),
    }
}

/// Reads a time of at least a second and at most a year.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("" | "s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3_600),
        Some("d") => Some(86_400),
        _ => None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let (true, Some(unit)) = (is_number, unit) else {
        return Err(match text {
            "" => "The duration is missing".to_owned(),
            _ => format!("“{}” is not a duration", shown(text)),
        });
    };
    let seconds = digits.parse::<u64>().ok();
    seconds
        .and_then(|number| number.checked_mul(unit))
        .map(Duration::from_secs)
        .filter(|time| (Duration::from_secs(1)..=LONGEST).contains(time))
        .ok_or_else(|| format!("{} is not from 1 second to 365 days", shown(text)))
}

/// The part of a text that an error can show.
fn shown(text: &str) -> String {
    crate::room::clean_room_name(text).unwrap_or_default()
}

/// The list of the commands, for people.
#[must_use]
pub fn help() -> String {
    let usage = |it: &Word| format!("{} {}", it.word, it.arguments);
    let width = WORDS.iter().map(|it| usage(it).len()).max().unwrap_or(0);
    let lines = WORDS.iter().map(|it| {
        let usage = usage(it);
        format!("  {usage:width$}  {}\n", it.help)
    });
    format!("{}\n{MORE}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Command {
        written
            .parse()
            .unwrap_or_else(|error| panic!("{written}: {error}"))
    }

    fn named(name: &str) -> Target {
        Target::Name(name.to_owned())
    }

    #[test]
    fn every_command_is_read_as_the_help_shows_it() {
        let minutes = |minutes| Duration::from_mins(minutes);
        let kick = |who, ban| Command::Kick { who, ban };
        let mute = |who, time| Command::Mute { who, time };
        for (written, wanted) in [
            ("kick ada", kick(named("ada"), None)),
            (
                "  kick   #9 ",
                kick(Target::Id(MemberId::new(9).unwrap()), None),
            ),
            (
                "kick #9 ban 600",
                kick(Target::Id(MemberId::new(9).unwrap()), Some(minutes(10))),
            ),
            ("kick ada ban 10m", kick(named("ada"), Some(minutes(10)))),
            (
                "kick ada of 5 ban 2h",
                kick(named("ada of 5"), Some(minutes(120))),
            ),
            ("kick ban", kick(named("ban"), None)),
            ("kick #nine", kick(named("#nine"), None)),
            ("kick \"a ban 1m\"", kick(named("a ban 1m"), None)),
            ("kick \"#9\" ban 1m", kick(named("#9"), Some(minutes(1)))),
            ("kick \"a \" b\"", kick(named("a \" b"), None)),
            ("bans", Command::Bans),
            (
                "unban 192.0.2.1",
                Command::Unban(Banned::Address([192, 0, 2, 1].into())),
            ),
            (
                "unban 2001:db8::/64",
                Command::Unban(Banned::Address("2001:db8::".parse().unwrap())),
            ),
            ("mute ada 5m", mute(named("ada"), minutes(5))),
            (
                "mute #9 300s",
                mute(Target::Id(MemberId::new(9).unwrap()), minutes(5)),
            ),
            ("mute \"ada l\" 1h", mute(named("ada l"), minutes(60))),
            ("mute ada l 1d", mute(named("ada l"), minutes(24 * 60))),
            ("unmute ada l", mute(named("ada l"), Duration::ZERO)),
            ("slow 60", Command::Slow(minutes(1))),
            ("slow off", Command::Slow(Duration::ZERO)),
            ("erase 42", Command::Erase(42)),
            ("host kim", Command::Host(named("kim"))),
            (
                "invite",
                Command::Invite {
                    new: false,
                    host: false,
                },
            ),
            (
                "invite new",
                Command::Invite {
                    new: true,
                    host: false,
                },
            ),
            (
                "invite host new",
                Command::Invite {
                    new: true,
                    host: true,
                },
            ),
            ("status", Command::Status),
            ("help", Command::Help),
        ] {
            assert_eq!(read(written), wanted, "{written}");
        }
        for word in &WORDS {
            assert!(help().contains(word.help), "{}", word.word);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_to_write_it() {
        for (written, words) in [
            ("", "is missing; “help”"),
            ("  ", "is missing; “help”"),
            ("kik ada", "There is no command “kik”"),
            ("Kick ada", "There is no command “Kick”"),
            ("kick", "The member is missing; write it as: kick NAME"),
            ("kick \"\"", "The member is missing"),
            ("kick #9 ben", "“ben” has no meaning here"),
            ("kick \"ada\" ben", "“ben” has no meaning here"),
            ("kick ada ban 0", "not from 1 second to 365 days"),
            ("kick ada ban 366d", "not from 1 second to 365 days"),
            ("kick ada ban 99999999999999999999d", "not from 1 second"),
            ("kick ada ban 10x", "“10x” is not a duration"),
            ("kick ada ban -1m", "“-1m” is not a duration"),
            ("kick ada ban m", "“m” is not a duration"),
            ("kick ada ban 1é", "“1é” is not a duration"),
            ("kick #9 ban", "The duration is missing"),
            ("mute ada", "The duration is missing"),
            ("mute #9", "The duration is missing"),
            ("mute ada ben", "“ben” is not a duration"),
            ("unmute", "The member is missing"),
            ("unmute #9 1m", "“1m” has no meaning here"),
            (
                "unban",
                "The member is missing; write it as: unban ADDRESS|NAME",
            ),
            ("unban #9", "A number is nobody’s"),
            ("slow", "The duration is missing"),
            ("slow on", "“on” is not a duration"),
            ("slow 61m", "61m is longer than an hour"),
            ("erase", "is not the number of a message"),
            ("erase 0", "“0” is not the number of a message"),
            ("erase x", "“x” is not the number of a message"),
            ("invite all", "“all” has no meaning here"),
            ("status now", "“now” has no meaning here"),
            ("\u{1b}[2J", "There is no command “[2J”"),
        ] {
            let error = written.parse::<Command>().expect_err(written).to_string();
            assert!(error.contains(words), "{written}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        let long = format!("kick {}", "x".repeat(COMMAND_BYTES));
        assert_eq!(long.parse::<Command>(), Err(NotACommand::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(written in "(kick|mute|unban|slow|erase)?[ #\"]{0,3}.{0,20}( ban )?[0-9]{0,30}[smhd]?") {
            let _ = written.parse::<Command>();
        }
    }
}
