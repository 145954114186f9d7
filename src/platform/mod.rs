//! The system around the program: signals, and the service manager.

pub mod signals;
pub mod systemd;
