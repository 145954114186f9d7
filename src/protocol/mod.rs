//! The protocols of a connection.
//!
//! One port serves several of them; the first bytes tell which one a connection speaks
//! ([sniff]). The [native] one carries JSON, one object a line; the [text] one is for a
//! person with `nc` and for the original program. `docs/protocol.md` specifies all of
//! them for other implementers.

pub mod address;
mod encodings;
pub mod invitation;
mod limits;
pub mod lines;
pub mod native;
mod pin;
pub mod proof;
mod sentences;
pub mod sniff;
pub mod text;

pub use self::encodings::{ENCODINGS, NATIVE, TEXT};
pub use self::limits::*;
pub use self::pin::{NotAPin, Pin};
