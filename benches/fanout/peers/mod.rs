//! The servers of other projects, without limits, penalties, name lookups, storage or logs.

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
use super::tls::Files;

/// A server that Debian packages.
pub struct Peer {
    /// The name of the server, its program and its package.
    pub name: &'static str,
    pub protocol: &'static Protocol,
    /// The most connections that may be on their way in at once. With more, its backlog
    /// would overflow, and each would wait a second.
    pub at_door: usize,
    /// Writes its configuration into an empty folder, and returns the command that starts it
    /// on a port of the loopback interface.
    pub command: fn(folder: &Path, port: u16) -> io::Result<Command>,
    /// The same, inside TLS with this certificate; `None` if it is not measured so.
    pub encrypted: Option<Encrypted>,
    /// The argument that makes it print its version.
    pub version: &'static str,
}

type Encrypted = fn(folder: &Path, port: u16, files: &Files) -> io::Result<Command>;

/// All peers.
pub const PEERS: [&Peer; 5] = [
    &ngircd::NGIRCD,
    &inspircd::INSPIRCD,
    &nats::NATS,
    &mosquitto::MOSQUITTO,
    &ncat::NCAT,
];

/// Writes a configuration file, and makes a command whose last argument is its path.
fn configured(program: &str, folder: &Path, text: &str, arguments: &[&str]) -> io::Result<Command> {
    let path = folder.join("configuration");
    std::fs::write(&path, text)?;
    let mut command = Command::new(program);
    command.args(arguments).arg(path);
    Ok(command)
}
