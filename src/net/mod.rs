//! This computer's own network: its interfaces, the addresses by which others can
//! reach it, the links it is on, and news of all of these.
//!
//! [`LocalNetwork`] is what the kernel tells at one moment; deciding what follows from
//! it (which address comes first, who counts as one subscriber) is pure.

mod interface;
mod local;
mod monitor;
mod netlink;
mod reachable;
mod subscriber;

pub use self::interface::{Class, Interface, LocalAddress, State};
pub use self::local::LocalNetwork;
pub(crate) use self::monitor::Monitor;
pub use self::reachable::{Listening, reachable};
pub use self::subscriber::{Links, Prefix, Subscriber};
