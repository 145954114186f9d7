//! This computer's own network: its interfaces, the addresses by which others can reach
//! it, its links, and reports of changes.
//!
//! [`LocalNetwork`] is the state that the kernel reports at one moment. The conclusions
//! from it (which address comes first, who counts as one subscriber) are pure functions.

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
pub use self::subscriber::{Links, Prefix, Subscriber, network_of};
