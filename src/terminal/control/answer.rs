//! Does a command, and tells how it went.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::span::span;
use super::command::{Command, NotACommand, help};
use super::moderator::{Ban, Kicked, Moderator, Refused};

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

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        Self::failed(refused.code, refused.text)
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

fn act(command: &Command, server: &impl Moderator) -> Result<Answer, Refused> {
    Ok(match command {
        Command::Kick { who, ban } => kicked(&server.kick(who, *ban)?, *ban),
        Command::Bans => bans(&server.bans()),
        Command::Unban(address) => {
            if server.unban(*address)? {
                let text = format!("{address} may join again.");
                Answer::done(text, json!({ "address": address }))
            } else {
                let text = format!("{address} is not kept out; “bans” lists who is.");
                Answer::failed("no-such-ban", text)
            }
        }
        Command::Mute { who, time } => {
            let name = server.mute(who, *time)?;
            let text = if time.is_zero() {
                format!("“{name}” may send messages again.")
            } else {
                format!("“{name}” can send no messages for {}.", span(*time))
            };
            Answer::done(text, json!({ "name": name, "for_s": time.as_secs() }))
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
            Answer::done(format!("“{name}” is a host now."), json!({ "name": name }))
        }
        Command::Invite { new, host } => {
            if *new {
                server.renew_invitation()?;
            }
            let link = server.invitation(*host)?;
            Answer::done(link.clone(), json!({ "link": link, "new": new }))
        }
        Command::Status | Command::Help => Answer::done(help(), Value::Null),
    })
}

fn kicked(kicked: &Kicked, ban: Option<Duration>) -> Answer {
    let Kicked { id, name, shared } = kicked;
    let mut text = format!("“{name}” is removed.");
    let also = match shared {
        0 => String::new(),
        1 => " Another member has the same address.".to_owned(),
        many => format!(" {many} other members have the same address."),
    };
    if let Some(time) = ban {
        let _ = write!(
            text,
            " Nobody can join from their address for {}.",
            span(time)
        );
    }
    text += &also;
    let mut data = json!({ "id": id, "name": name, "shared": shared });
    if let Some(time) = ban {
        data["ban_s"] = time.as_secs().into();
    }
    Answer::done(text, data)
}

fn bans(bans: &[Ban]) -> Answer {
    let network = |ban: &Ban| match (ban.network.is_ipv4(), ban.prefix) {
        (true, 32..) | (false, 128..) => ban.network.to_string(),
        (_, prefix) => format!("{}/{prefix}", ban.network),
    };
    let lines: Vec<String> = bans
        .iter()
        .map(|ban| format!("{} for {} more", network(ban), span(ban.rest)))
        .collect();
    let text = if lines.is_empty() {
        "No address is kept out.".to_owned()
    } else {
        lines.join("\n")
    };
    let list: Vec<Value> = bans
        .iter()
        .map(|ban| json!({ "address": network(ban), "rest_s": ban.rest.as_secs() }))
        .collect();
    Answer::done(text, json!({ "bans": list }))
}
