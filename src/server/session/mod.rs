//! One connection after it has shown its protocol: the requests of its peer, and the data
//! to write to it.
//!
//! A [`PeerSession`] does no I/O, reads no clock and draws no random numbers. The
//! [connection](super::connection) passes it the bytes that arrived and the time, and asks
//! it for the bytes to write.

mod awaited;
mod buffer;
mod hosting;
mod input;
mod moderation;
mod native;
mod output;
mod past;
mod peer;
mod phase;
mod private;
mod rejected;
#[cfg(test)]
mod tests;
mod text;
mod wanted;

pub use self::output::{Found, Slices};
pub use self::peer::{PeerSession, Start, later};
pub use self::phase::Farewell;
pub use self::private::prompt;
pub use self::wanted::Wanted;
