//! The list of the options of a server: the one place where an option is defined.

use std::time::Duration;

use crate::room::RateLimit;

use super::definition::{Default, Definition, Reload};
use super::kind::Kind;

/// A day, in seconds: the longest time that a room waits for members.
const DAY: u64 = 86_400;
/// An hour, in seconds: the longest time that a client may take to send a name.
const HOUR: u64 = 3_600;
/// The highest value of a limit of a number.
const MANY: u64 = 1_000_000;

/// The options, in the order of the help and of the file.
pub static OPTIONS: [Definition; 22] = [
    Definition {
        key: "port",
        value: "N",
        kind: Kind::Number(0, u16::MAX as u64, |to, port| {
            to.port = u16::try_from(port).unwrap_or(u16::MAX);
        }),
        default: Default::Of(|of| of.port.to_string()),
        example: None,
        reload: Reload::NeedsRestart,
        needs: None,
        help: "The TCP port; 0 picks a free one",
        more: "If systemd opens the port (chatroom-ondemand.socket), set it in the .socket unit \
               instead.",
    },
    Definition {
        key: "bind",
        value: "ADDR",
        kind: Kind::Addresses(|to, addresses| to.bind = addresses),
        default: Default::Words("all of them"),
        example: Some("[\"192.168.1.5\", \"::1\"]"),
        reload: Reload::NeedsRestart,
        needs: None,
        help: "An IP address of this computer to listen on, with % and its interface if it is \
               link-local; can be given several times",
        more: "The service waits for an address that the computer does not have yet.",
    },
    Definition {
        key: "room-name",
        value: "TEXT",
        kind: Kind::RoomName(|to, name| to.room_name = Some(name)),
        default: Default::Words("made from the name of this computer"),
        example: Some("\"Ada's room\""),
        reload: Reload::Applies,
        needs: None,
        help: "The name of the room",
        more: "",
    },
    Definition {
        key: "private",
        value: "true|false",
        kind: Kind::Switch(|to, on| to.private = on),
        default: Default::Of(|of| of.private.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "Let only those join who have an invitation",
        more: "“chatroom --invite” prints the invitation. A room with a store keeps its key.",
    },
    Definition {
        key: "key-file",
        value: "FILE",
        kind: Kind::Contents(|to, path| to.key = Some(path)),
        default: Default::Words("made by the server"),
        example: Some("\"/etc/chatroom/key\""),
        reload: Reload::Applies,
        needs: None,
        help: "Read the key of a private room from FILE",
        more: "A key has 16 letters and digits. Nobody can replace it from the room then: \
               replace the file, and reload. The listener joins with the key in FILE.",
    },
    Definition {
        key: "tls",
        value: "on|only",
        kind: Kind::Word(&["on", "only"], |to, word| to.tls.only = word == "only"),
        default: Default::Words("on"),
        example: Some("\"only\""),
        reload: Reload::Applies,
        needs: None,
        help: "Take encrypted connections, or only those",
        more: "A private room takes only those in any case.",
    },
    Definition {
        key: "tls-cert",
        value: "FILE",
        kind: Kind::Contents(|to, path| to.certificate = Some(path)),
        default: Default::Words("the server's own certificate"),
        example: Some("\"/var/lib/chatroom/tls/fullchain.pem\""),
        reload: Reload::Applies,
        needs: Some("tls-key"),
        help: "Show programs other than Chatroom the certificate in FILE (PEM, with its chain)",
        more: "A reload reads it again. Chatroom's clients know the server by its own \
               certificate, which never changes.",
    },
    Definition {
        key: "tls-key",
        value: "FILE",
        kind: Kind::Contents(|to, path| to.certificate_key = Some(path)),
        default: Default::Words("none"),
        example: Some("\"/var/lib/chatroom/tls/privkey.pem\""),
        reload: Reload::Applies,
        needs: Some("tls-cert"),
        help: "Read the private key of that certificate from FILE (PEM)",
        more: "",
    },
    Definition {
        key: "identity",
        value: "FILE",
        kind: Kind::Contents(|to, path| to.identity = Some(path)),
        default: Default::Words("identity.pem in the server's state directory"),
        example: Some("\"/var/lib/chatroom/identity.pem\""),
        reload: Reload::NeedsRestart,
        needs: None,
        help: "Keep the server's own certificate and its key in FILE, which is created if it \
               does not exist",
        more: "Clients know the server by it: keep a copy.",
    },
    Definition {
        key: "stay-open",
        value: "true|false",
        kind: Kind::Switch(|to, on| to.stay_open = on),
        default: Default::Of(|of| of.stay_open.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "Keep the room open after everyone has left",
        more: "Chatroom's units set it.",
    },
    Definition {
        key: "idle-timeout",
        value: "SECONDS",
        kind: Kind::Number(1, DAY, |to, seconds| {
            to.idle_timeout = Some(Duration::from_secs(seconds));
        }),
        default: Default::Words("when the last member leaves"),
        example: Some("30"),
        reload: Reload::Applies,
        needs: None,
        help: "Close the room after it has been empty for this long, even if nobody ever came",
        more: "It has no effect with stay-open.",
    },
    Definition {
        key: "history",
        value: "N",
        kind: Kind::Number(0, 10_000, |to, messages| to.history = messages),
        default: Default::Of(|of| of.history.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The number of older messages that a new member receives",
        more: "",
    },
    Definition {
        key: "name-timeout",
        value: "SECONDS",
        kind: Kind::Number(1, HOUR, |to, seconds| {
            to.name_timeout = Duration::from_secs(seconds);
        }),
        default: Default::Of(|of| of.name_timeout.as_secs().to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The time that a client has to send a name; without one, it joins as USR",
        more: "",
    },
    Definition {
        key: "max-members",
        value: "N",
        kind: Kind::Number(1, MANY, |to, members| to.rules.max_members = size(members)),
        default: Default::Of(|of| of.rules.max_members.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The most members at the same time",
        more: "",
    },
    Definition {
        key: "max-per-address",
        value: "N",
        kind: Kind::Number(0, MANY, |to, connections| {
            to.max_per_address = size(connections);
        }),
        default: Default::Of(|of| of.max_per_address.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The most connections from one address; 0 lifts the limit",
        more: "After that many at once, the server accepts a tenth of that number per second \
               from the address. An IPv6 address from elsewhere counts as its /64. On a network \
               that this computer is in, each IPv6 address counts by itself, and the whole \
               network may have 16 times as many, at least 4096. Raise it where many people \
               share one address.",
    },
    Definition {
        key: "text-per-address",
        value: "N",
        kind: Kind::Number(0, 1_000_000_000, |to, bytes| {
            to.text_per_address = u32::try_from(bytes).unwrap_or(u32::MAX);
        }),
        default: Default::Of(|of| of.text_per_address.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The bytes of text a second that the members from one address may send together, \
               and eight times as many at once; 0 lifts the limit",
        more: "A rate of 0 lifts it as well.",
    },
    Definition {
        key: "rate",
        value: "N",
        kind: Kind::Number(0, MANY, |to, messages| {
            to.rules.rate_limit =
                RateLimit::per_second(u32::try_from(messages).unwrap_or(u32::MAX));
        }),
        default: Default::Of(|of| of.rules.rate_limit.per_second.to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The messages a second that each member may send, and four times as many at once; \
               0 lifts the limit",
        more: "",
    },
    Definition {
        key: "grace",
        value: "SECONDS",
        kind: Kind::Number(0, DAY, |to, seconds| {
            to.rules.grace = Duration::from_secs(seconds);
        }),
        default: Default::Of(|of| of.rules.grace.as_secs().to_string()),
        example: None,
        reload: Reload::Applies,
        needs: None,
        help: "The time that a member has to come back after losing the connection; with 0, it \
               leaves at once",
        more: "",
    },
    Definition {
        key: "store",
        value: "FILE",
        kind: Kind::File(|to, path| to.store = Some(path)),
        default: Default::Words("messages are lost when the room closes"),
        example: Some("\"/var/lib/chatroom/room.db\""),
        reload: Reload::NeedsRestart,
        needs: None,
        help: "Save messages in FILE, which is created if it does not exist",
        more: "Members see a message only when it is on disk, and the room goes on after a \
               restart. Chatroom's units set it.",
    },
    Definition {
        key: "keep-messages",
        value: "N",
        kind: Kind::Number(1, u32::MAX as u64, |to, messages| {
            to.keep.messages = Some(messages);
        }),
        default: Default::Words("all"),
        example: Some("100000"),
        reload: Reload::NeedsRestart,
        needs: Some("store"),
        help: "The number of messages that the store keeps",
        more: "The server deletes the oldest messages first.",
    },
    Definition {
        key: "keep-days",
        value: "N",
        kind: Kind::Number(1, 36_500, |to, days| {
            to.keep.days = u32::try_from(days).ok();
        }),
        default: Default::Words("for ever"),
        example: Some("365"),
        reload: Reload::NeedsRestart,
        needs: Some("store"),
        help: "The number of days for which the store keeps messages",
        more: "",
    },
    Definition {
        key: "keep-size",
        value: "SIZE",
        kind: Kind::Size(|to, bytes| to.keep.bytes = Some(bytes)),
        default: Default::Words("no limit"),
        example: Some("\"1G\""),
        reload: Reload::NeedsRestart,
        needs: Some("store"),
        help: "How much of the store's file may be in use, such as 500M or 1G",
        more: "K, M, G and T are 1024 times as much each.",
    },
];

/// A number within a limit, as the server counts.
fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
