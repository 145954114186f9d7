//! Mosquitto, an MQTT broker in C: one process, one thread.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{Peer, configured, mqtt};

pub const MOSQUITTO: Peer = Peer {
    name: "mosquitto",
    protocol: &mqtt::MQTT,
    at_door: 50,
    command: |folder, port| command(folder, port, ""),
    encrypted: Some(|folder, port, files| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let more = format!("certfile {certificate}\nkeyfile {key}\n");
        command(folder, port, &more)
    }),
    version: "-h",
};

fn command(folder: &Path, port: u16, more: &str) -> io::Result<Command> {
    let text = format!(
        "listener {port} 127.0.0.1\n{more}allow_anonymous true\npersistence false\n\
         set_tcp_nodelay true\nmax_connections -1\nmax_queued_messages 0\n\
         max_queued_bytes 0\nsys_interval 0\nlog_type error\nlog_dest stderr\n"
    );
    // Otherwise, started by root, it would switch to a user who may not read the file.
    let text = text + "user root\n";
    configured("mosquitto", folder, &text, &["-c"])
}
