//! The settings with which a server starts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::{self, address::BindAddress};
use crate::room::{RoomKey, Rules, clean_room_name};
use crate::store::Keep;
use crate::tls::{Certificate, Identity};

use super::budget::HELD_LIMIT;
use super::event::Event;

/// The default limit of text from one address, in bytes a second. It is as much as a few
/// members send who write as fast as they may, and far less than all members who may
/// connect from there could send.
const TEXT_PER_ADDRESS: u32 = 256 << 10;

/// The settings that can change while a server runs (see [`Settings`]).
#[derive(Clone, Debug)]
// Each is a setting of its own.
#[expect(clippy::struct_excessive_bools)]
pub(super) struct Live {
    pub(super) room_name: Arc<str>,
    pub(super) private: bool,
    /// Whether nobody may replace the key from the room.
    pub(super) key_is_fixed: bool,
    /// Whether only encrypted connections may join.
    pub(super) tls_only: bool,
    pub(super) stay_open: bool,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) history: u64,
    pub(super) name_timeout: Duration,
    pub(super) max_per_address: usize,
    pub(super) max_members: usize,
    pub(super) text_per_address: u32,
}

impl Live {
    pub(super) fn new(settings: &Settings) -> Self {
        let room_name = settings.room_name.as_deref().and_then(clean_room_name);
        Self {
            room_name: room_name.unwrap_or_else(default_room_name).into(),
            private: settings.private,
            key_is_fixed: settings.key_is_fixed,
            tls_only: settings.tls.only,
            stay_open: settings.stay_open,
            idle_timeout: settings.idle_timeout,
            history: settings.history,
            name_timeout: settings.name_timeout,
            max_per_address: settings.max_per_address,
            max_members: settings.rules.max_members,
            text_per_address: match settings.rules.rate_limit.per_second {
                0 => 0,
                _ => settings.text_per_address,
            },
        }
    }
}

fn default_room_name() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    clean_room_name(&format!("Room on {host}")).unwrap_or_else(|| "Room".to_owned())
}

/// The settings with which a server starts. The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The TCP port; 0 picks a free one.
    pub port: u16,
    /// The addresses to listen on; all of this computer if there are none.
    pub bind: Vec<BindAddress>,
    /// The name of the room; if there is none, it comes from the computer's name.
    pub room_name: Option<String>,
    /// Whether only those may join who prove that they know the room's key.
    pub private: bool,
    /// The key of the room; without one, the store's, or a new one.
    pub key: Option<RoomKey>,
    /// Whether nobody may replace the key from the room: an administrator has chosen it.
    pub key_is_fixed: bool,
    /// The key by which a client shows to be the host; without one, the store's, or a new
    /// one.
    pub host_key: Option<RoomKey>,
    /// How the server encrypts.
    pub tls: TlsSettings,
    /// Whether the server continues when everyone has left.
    pub stay_open: bool,
    /// Unless it stays open, the server ends when the room was empty for this long, even
    /// if nobody ever joined; without it, when the last member leaves.
    pub idle_timeout: Option<Duration>,
    /// The number of past messages that a newcomer gets.
    pub history: u64,
    /// The time that a new connection has to give a name.
    pub name_timeout: Duration,
    /// The most connections from one [subscriber](crate::net::Subscriber); 0 lifts the
    /// limit.
    pub max_per_address: usize,
    /// The most bytes of text a second that the members from one address may send,
    /// counted as for `max_per_address`, and 8 seconds' worth at once. 0 lifts the limit,
    /// and so does a rate of messages without a limit.
    pub text_per_address: u32,
    /// The most bytes that the server and the kernel may hold in buffers for all peers
    /// together. Beyond it, the server ends the connection that holds most.
    pub held_limit: usize,
    /// The rules for members. The server accepts a few connections more than members, for
    /// those that have not joined yet and those that are leaving.
    pub rules: Rules,
    /// The silence after which the server pings a native client.
    pub heartbeat: Duration,
    /// The silence after which a native client counts as lost.
    pub dead_after: Duration,
    /// The file in which messages are saved; without one they live in memory, and are
    /// lost when the server ends.
    pub store: Option<PathBuf>,
    /// The limits of the saved messages.
    pub keep: Keep,
    /// The channel for events, such as for a journal. If the channel is full, the server
    /// drops events and [counts](Event::Missed) them.
    pub events: Option<async_channel::Sender<Event>>,
}

/// How a server encrypts its connections.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Who the server is; without one, it gets a new identity, which lives as long as the
    /// server.
    pub identity: Option<Arc<Identity>>,
    /// A certificate of the administrator, which clients that are no clients of a room get.
    pub certificate: Option<Certificate>,
    /// Whether it takes encrypted connections only.
    pub only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: protocol::DEFAULT_PORT,
            bind: Vec::new(),
            room_name: None,
            private: false,
            key: None,
            key_is_fixed: false,
            host_key: None,
            tls: TlsSettings::default(),
            stay_open: false,
            idle_timeout: None,
            history: protocol::HISTORY,
            name_timeout: protocol::NAME_TIMEOUT,
            max_per_address: 256,
            text_per_address: TEXT_PER_ADDRESS,
            held_limit: HELD_LIMIT,
            rules: Rules::default(),
            heartbeat: protocol::HEARTBEAT,
            dead_after: protocol::DEAD_AFTER,
            store: None,
            keep: Keep::default(),
            events: None,
        }
    }
}
