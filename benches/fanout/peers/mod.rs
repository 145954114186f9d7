//! The servers of others, with their brakes off: no limits, no penalties, no looking
//! up of names, nothing kept, nothing logged.

mod inspircd;
mod irc;
mod mosquitto;
mod mqtt;
mod nats;
mod ncat;
mod ngircd;

use std::io;
use std::path::Path;
use std::process::Command;

use super::protocol::Protocol;

/// A server that Debian packages.
pub struct Peer {
    /// Its name, which is its program's and its package's too.
    pub name: &'static str,
    pub protocol: &'static Protocol,
    /// How many may be on their way in at once, so that its queue of connections does
    /// not overflow: then each waits for a second.
    pub at_door: usize,
    /// Writes its configuration into an empty folder, and tells how to start it on a
    /// port of the loopback.
    pub command: fn(folder: &Path, port: u16) -> io::Result<Command>,
    /// The argument with which it tells its version.
    pub version: &'static str,
}

/// All of them.
pub const PEERS: [&Peer; 5] = [
    &ngircd::NGIRCD,
    &inspircd::INSPIRCD,
    &nats::NATS,
    &mosquitto::MOSQUITTO,
    &ncat::NCAT,
];

/// Writes a file of configuration, and makes a command that is to get its path last.
fn configured(program: &str, folder: &Path, text: &str, arguments: &[&str]) -> io::Result<Command> {
    let path = folder.join("configuration");
    std::fs::write(&path, text)?;
    let mut command = Command::new(program);
    command.args(arguments).arg(path);
    Ok(command)
}
