//! What goes over a connection.
//!
//! One port has several [doors](door); the first bytes tell which. The
//! [native](frame) one carries JSON, one object a line; the [text] one is for a
//! person with `nc` and for the original program. All is written down for
//! strangers in `docs/protocol.md`.

pub mod address;
pub mod door;
pub mod frame;
pub mod lines;
pub mod native;
pub mod telnet;
pub mod text;

use std::time::Duration;

/// The port of a room, unless another is asked for.
pub const DEFAULT_PORT: u16 = 53_000;

/// The version of the native protocol.
pub const PROTOCOL: u32 = 1;

/// The most bytes of a native frame, its line break not counted.
pub const FRAME_LIMIT: usize = 64 << 10;

/// The time that a new connection has to give a name.
pub const NAME_TIMEOUT: Duration = Duration::from_secs(10);

/// The silence after which the server asks a new connection for a name, in words.
pub const NAME_PROMPT: Duration = Duration::from_secs(2);

/// The silence after which one side asks the other whether it is there.
pub const HEARTBEAT: Duration = Duration::from_secs(20);

/// The silence after which a connection counts as lost.
pub const DEAD_AFTER: Duration = Duration::from_mins(1);

/// The number of past messages that a newcomer is sent, unless it asks for others.
pub const HISTORY: u64 = 100;

/// The most members that a welcome lists.
pub const WELCOME_MEMBERS: usize = 100;

/// The most members that one answer lists.
pub const MEMBERS_LIMIT: usize = 500;

/// The most messages of one page of the past.
pub const PAGE_LIMIT: u64 = 100;

/// The most bytes of the messages of one page; it has one message at least.
pub const PAGE_BYTES: usize = 256 << 10;
