//! Does a command, and tells how it went.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::room::Banned;
use crate::server::{HeldBan, Kicked, NotModerated};

use super::super::span::span;
use super::command::{Command, NotACommand, help};
use super::moderator::Moderator;

/// The answer to every command except `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the server did it.
    pub ok: bool,
    /// What happened, in sentences for people. With `invite` it has the link: a secret.
    pub text: String,
    /// Why it did not do it, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// More for programs, by command.
    #[serde(flatten)]
    pub data: Map<String, Value>,
}

impl Answer {
    fn done(text: impl Into<String>, data: Value) -> Self {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self {
            ok: true,
            text: text.into(),
            code: None,
            data,
        }
    }

    fn failed(code: &str, text: impl Into<String>) -> Self {
        Self {
            ok: false,
            text: text.into(),
            code: Some(code.to_owned()),
            data: Map::new(),
        }
    }
}

impl From<NotModerated> for Answer {
    fn from(why: NotModerated) -> Self {
        let code = serde_json::to_value(why.code());
        let code = code.ok().and_then(|it| Some(it.as_str()?.to_owned()));
        Self::failed(&code.unwrap_or_default(), why.to_string())
    }
}

impl From<NotACommand> for Answer {
    fn from(wrong: NotACommand) -> Self {
        Self::failed("bad-command", wrong.to_string())
    }
}

/// Does a command other than `status`.
pub fn answer(command: &Command, server: &impl Moderator) -> Answer {
    act(command, server).unwrap_or_else(Answer::from)
}

fn act(command: &Command, server: &impl Moderator) -> Result<Answer, NotModerated> {
    Ok(match command {
        Command::Kick { who, ban } => kicked(&server.kick(who, *ban)?, ban.is_some()),
        Command::Bans => bans(&server.bans()),
        Command::Unban(whom) => unbanned(whom, server.unban(whom.clone())?),
        Command::Mute { who, time } => {
            let name = server.mute(who, *time)?;
            let text = if time.is_zero() {
                format!("“{name}” may send messages again.")
            } else {
                format!("“{name}” can send no messages for {}.", span(*time))
            };
            Answer::done(text, json!({ "name": &*name, "for_s": time.as_secs() }))
        }
        Command::Slow(every) => {
            server.slow(*every)?;
            let text = if every.is_zero() {
                "Members may send messages as fast as usual.".to_owned()
            } else {
                format!("Each member may send one message in {}.", span(*every))
            };
            Answer::done(text, json!({ "every_s": every.as_secs() }))
        }
        Command::Erase(seq) => {
            server.erase(*seq)?;
            Answer::done(format!("Message {seq} is erased."), json!({ "seq": seq }))
        }
        Command::Host(who) => {
            let name = server.make_host(who)?;
            Answer::done(
                format!("“{name}” is a host now."),
                json!({ "name": &*name }),
            )
        }
        Command::Invite { new, host } => {
            if *new {
                server.new_invitation()?;
            }
            let link = server.invitation(*host).ok_or(NotModerated::NoAddress)?;
            let link = link.link();
            Answer::done(link.clone(), json!({ "link": link, "new": new }))
        }
        Command::Status | Command::Help => Answer::done(help(), Value::Null),
    })
}

/// The answer to `kick`, whether it was `to_ban` or not.
fn kicked(kicked: &Kicked, to_ban: bool) -> Answer {
    let Kicked { name, ban, shared } = kicked;
    let mut text = format!("“{name}” is removed.");
    if let Some(time) = ban {
        let _ = write!(
            text,
            " Nobody can join from the same address for {}.",
            span(*time)
        );
    } else if to_ban {
        text += " Their address is not kept out: it is one of this computer.";
    }
    match shared {
        0 => {}
        1 => text += " Another member has the same address.",
        many => {
            let _ = write!(text, " {many} other members have the same address.");
        }
    }
    let mut data = json!({ "name": &**name, "shared": shared });
    if let Some(time) = ban {
        data["ban_s"] = time.as_secs().into();
    }
    Answer::done(text, data)
}

fn unbanned(whom: &Banned, count: usize) -> Answer {
    let whom = match whom {
        Banned::Address(address) => address.to_string(),
        Banned::Name(name) => format!("“{name}”"),
    };
    if count == 0 {
        let text = format!("{whom} is not kept out; “bans” lists who is.");
        return Answer::failed("no-such-ban", text);
    }
    Answer::done(format!("{whom} may join again."), json!({ "count": count }))
}

fn bans(bans: &[HeldBan]) -> Answer {
    let line = |ban: &HeldBan| {
        let rest = span(ban.remaining);
        match (ban.network, &ban.name) {
            (Some(network), Some(name)) => format!("{network} (“{name}”) for {rest} more"),
            (Some(network), None) => format!("{network} for {rest} more"),
            (None, Some(name)) => format!("“{name}” for {rest} more"),
            (None, None) => format!("a removed member for {rest} more"),
        }
    };
    let lines: Vec<String> = bans.iter().map(line).collect();
    let text = if lines.is_empty() {
        "Nobody is kept out.".to_owned()
    } else {
        lines.join("\n")
    };
    let list: Vec<Value> = bans
        .iter()
        .map(|ban| {
            let mut entry = json!({ "rest_s": ban.remaining.as_secs() });
            if let Some(network) = ban.network {
                entry["address"] = network.to_string().into();
            }
            if let Some(name) = &ban.name {
                entry["name"] = (**name).into();
            }
            entry
        })
        .collect();
    Answer::done(text, json!({ "bans": list }))
}
