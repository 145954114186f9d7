//! How a connection is protected, and who can read along.

use gettextrs::gettext;

use crate::client::{Security, Trust};
use crate::protocol::Pin;

/// The sentence that is true of every encrypted room.
pub fn host_sentence() -> String {
    gettext("Encrypted on the way. Whoever hosts the room can read it.")
}

/// The fingerprint of a server in short lines, which people can compare.
pub fn fingerprint(pin: Pin) -> String {
    const PAIRS: usize = 8;
    let fingerprint = pin.fingerprint();
    let pairs: Vec<&str> = fingerprint.split(':').collect();
    let lines: Vec<String> = pairs.chunks(PAIRS).map(|line| line.join(":")).collect();
    lines.join("\n")
}

/// Whether a connection is encrypted, in two words.
pub fn security_summary(security: Security) -> String {
    match security {
        Security::Plain => gettext("Not encrypted"),
        Security::Tls { .. } => gettext("Encrypted"),
    }
}

/// How a connection is protected, and why the host is trusted, in sentences.
pub fn security(security: Security) -> (String, String) {
    match security {
        Security::Plain => (
            gettext("Everyone on the way can read and change what is written here."),
            gettext("The host’s version of Chatroom does not encrypt. A newer one does."),
        ),
        Security::Tls { trust, .. } => (host_sentence(), trusted(trust)),
    }
}

fn trusted(trust: Trust) -> String {
    match trust {
        Trust::Pinned => gettext("The host has the fingerprint of your invitation."),
        Trust::Key => gettext("The host has proved that it knows the key of the room."),
        Trust::Known => gettext("You have met this host before."),
        Trust::FirstUse => gettext(
            "You meet this host for the first time. To be sure who it is, compare the fingerprint with the host’s.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_has_four_lines_to_compare() {
        let lines = fingerprint(Pin([0xab; 32]));
        let line = ["AB"; 8].join(":");
        assert_eq!(lines, [line.as_str(); 4].join("\n"));
    }
}
