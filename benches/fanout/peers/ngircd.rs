//! `ngIRCd`, an IRC server in C: one process, one thread.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{Peer, configured, irc};

pub const NGIRCD: Peer = Peer {
    name: "ngircd",
    protocol: &irc::IRC,
    at_door: 8,
    command: |folder, port| command(folder, &format!("Ports = {port}\n"), ""),
    encrypted: Some(|folder, port, files| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let more = format!("[SSL]\nCertFile = {certificate}\nKeyFile = {key}\nPorts = {port}\n");
        command(folder, "", &more)
    }),
    version: "--version",
};

fn command(folder: &Path, ports: &str, more: &str) -> io::Result<Command> {
    let text = format!(
        "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\n{ports}\
         MotdPhrase = \"hello\"\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
         MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 3600\nMaxListSize = 0\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\n{more}"
    );
    configured("ngircd", folder, &text, &["--nodaemon", "--config"])
}
