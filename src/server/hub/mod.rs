//! The hub of one room: everything that its connections share. Each module does one job;
//! none of them assumes that there is only one hub in a process.

mod backlog;
mod closing;
mod commands;
mod commit;
mod core;
mod ending;
mod expiry;
mod guest;
mod history;
mod inviting;
mod keys;
mod moderation;
#[cfg(any(test, feature = "fuzzing"))]
mod ordering;
mod presence;
mod room_lock;
mod snapshot;
mod soon;
mod statistics;
mod tracing;

pub use self::commands::{Arrival, NotLetIn, Wish};
pub use self::commit::{OpenedStore, Writer};
pub use self::core::{Foundation, Hub, random_seed};
pub use self::guest::Guest;
pub use self::keys::Proven;
pub use self::moderation::{Kicked, Moderator};
pub use self::soon::{Soon, Ticket};
