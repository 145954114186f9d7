//! Ncat as a broker: it passes each client's bytes to all others unchanged.

use std::process::Command;

use super::{Peer, Protocol};

pub const NCAT: Peer = Peer {
    name: "ncat",
    protocol: &PROTOCOL,
    at_door: 5,
    command: |_, port| {
        let mut command = Command::new("ncat");
        command.args(["--listen", "--broker", "--max-conns", "100000", "127.0.0.1"]);
        command.arg(port.to_string());
        Ok(command)
    },
    encrypted: None,
    version: "--version",
};

const PROTOCOL: Protocol = Protocol {
    hello: |_| Vec::new(),
    // It sends no greeting.
    steps: &[],
    say: |text| format!("{text}\n").into_bytes(),
    bye: b"",
    echoes: false,
};
