//! NATS without its persistence: a message broker in Go, on all cores.

use super::{Peer, Protocol, configured};

pub const NATS: Peer = Peer {
    name: "nats-server",
    protocol: &PROTOCOL,
    at_door: 100,
    command: |folder, port| {
        let text = format!(
            "host: 127.0.0.1\nport: {port}\nmax_connections: 100000\nmax_pending: 512MB\n\
             write_deadline: \"60s\"\nping_interval: \"1h\"\nlogtime: false\n"
        );
        configured("nats-server", folder, &text, &["--config"])
    },
    encrypted: None,
    version: "--version",
};

const PROTOCOL: Protocol = Protocol {
    hello: |_| {
        b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true}\r\nSUB room 1\r\nPING\r\n"
            .to_vec()
    },
    // The answer to the ping comes after the subscription.
    steps: &[(b"PONG\r\n", b"")],
    say: |text| format!("PUB room {}\r\n{text}\r\n", text.len()).into_bytes(),
    bye: b"",
    echoes: true,
};

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::super::super::protocol::Entry;
    use super::*;

    #[test]
    fn who_has_its_pong_is_in() {
        let mut entry = Entry::default();
        assert!(!entry.take(&PROTOCOL, b"INFO {\"port\":4222}\r\nPO").1);
        assert!(entry.take(&PROTOCOL, b"NG\r\n").1);
    }

    #[test]
    fn a_message_tells_its_length() {
        assert_eq!((PROTOCOL.say)("hi^"), b"PUB room 3\r\nhi^\r\n");
    }
}
