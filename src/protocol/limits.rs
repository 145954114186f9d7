//! The version, the limits and the times of the protocol. `docs/protocol.md` has them in
//! one table, with those of a [room](crate::room) and a [server](crate::server).

use std::time::Duration;

/// The default port of a room.
pub const DEFAULT_PORT: u16 = 53_000;

/// The version of the native protocol.
pub const PROTOCOL: u32 = 1;

/// The most bytes of a native frame, not counting its line break.
pub const FRAME_LIMIT: usize = 64 << 10;

/// The time that a new connection has to give a name.
pub const NAME_TIMEOUT: Duration = Duration::from_secs(10);

/// The silence after which the server asks a new connection for a name, in words.
pub const NAME_PROMPT: Duration = Duration::from_secs(2);

/// The silence after which one side pings the other.
pub const HEARTBEAT: Duration = Duration::from_secs(20);

/// The silence after which a connection counts as lost.
pub const DEAD_AFTER: Duration = Duration::from_mins(1);

/// The default number of past messages that a newcomer gets.
pub const HISTORY: u64 = 100;

/// The most members that a welcome lists.
pub const WELCOME_MEMBERS: usize = 100;

/// The most members that one answer lists.
pub const MEMBERS_LIMIT: usize = 500;

/// The most messages in one page of the past.
pub const PAGE_LIMIT: u64 = 100;

/// The most bytes of the messages in one page; it has at least one message.
pub const PAGE_BYTES: usize = 256 << 10;
