//! `ngIRCd`, an IRC server in C: one process, one thread.

use super::{Peer, configured, irc};

pub const NGIRCD: Peer = Peer {
    name: "ngircd",
    protocol: &irc::IRC,
    at_door: 8,
    command: |folder, port| {
        let text = format!(
            "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\n\
             MotdPhrase = \"hello\"\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
             MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 3600\nMaxListSize = 0\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n"
        );
        configured("ngircd", folder, &text, &["--nodaemon", "--config"])
    },
    version: "--version",
};
