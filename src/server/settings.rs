//! What a server is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::room::{Rules, clean_room_name};
use crate::store::Keep;
use crate::wire::{self, address::BindAddress};

use super::budget::HELD_LIMIT;
use super::event::Event;

/// The most bytes of text a second from one address, unless another number is asked
/// for: as much as a few members say who write as fast as they may, and far less than
/// all who may come from there.
const TEXT_PER_ADDRESS: u32 = 256 << 10;

/// What can change while a server runs (see [`Settings`]).
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) room_name: Arc<str>,
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
            stay_open: settings.stay_open,
            idle_timeout: settings.idle_timeout,
            history: settings.history,
            name_timeout: settings.name_timeout,
            max_per_address: settings.max_per_address,
            max_members: settings.rules.max_members,
            text_per_address: match settings.rules.pace.per_second {
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

/// What a server is started with. The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The TCP port; 0 takes a free one.
    pub port: u16,
    /// The addresses to listen on; all of this computer if there are none.
    pub bind: Vec<BindAddress>,
    /// The name of the room; made from the computer's if there is none.
    pub room_name: Option<String>,
    /// Whether the server goes on when everyone has left.
    pub stay_open: bool,
    /// Unless it stays open, the server ends when the room was empty for this long,
    /// also if nobody ever came; without it, when the last one leaves.
    pub idle_timeout: Option<Duration>,
    /// How many messages of the past a newcomer is sent.
    pub history: u64,
    /// How long someone at the door may take to give a name.
    pub name_timeout: Duration,
    /// The most connections from one [subscriber](crate::net::Subscriber); 0 lifts the
    /// limit.
    pub max_per_address: usize,
    /// The most bytes of text a second that the members from one address may say,
    /// counted as for `max_per_address`, and 8 seconds' worth at once; 0 lifts the limit,
    /// and so does a pace without one.
    pub text_per_address: u32,
    /// The most bytes that may be held for all peers together, in buffers and by the
    /// kernel. Beyond it, the connection that holds most is let go of.
    pub held_limit: usize,
    /// What members are held to. A few connections more than members are let in:
    /// of those at the door, and of those who are leaving.
    pub rules: Rules,
    /// A native client that is silent for this long is asked whether it is there.
    pub heartbeat: Duration,
    /// A native client that is silent for this long is taken for lost.
    pub dead_after: Duration,
    /// The file in which what is said is kept; without one it lives in memory, and
    /// is gone when the server ends.
    pub store: Option<PathBuf>,
    /// How much of it is kept.
    pub keep: Keep,
    /// Where to tell what happens, for a journal. Events that find the channel
    /// full are dropped and [counted](Event::Missed).
    pub events: Option<async_channel::Sender<Event>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: wire::DEFAULT_PORT,
            bind: Vec::new(),
            room_name: None,
            stay_open: false,
            idle_timeout: None,
            history: wire::HISTORY,
            name_timeout: wire::NAME_TIMEOUT,
            max_per_address: 256,
            text_per_address: TEXT_PER_ADDRESS,
            held_limit: HELD_LIMIT,
            rules: Rules::default(),
            heartbeat: wire::HEARTBEAT,
            dead_after: wire::DEAD_AFTER,
            store: None,
            keep: Keep::default(),
            events: None,
        }
    }
}
