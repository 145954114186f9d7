//! How a connection is protected, and who can read along.

use gettextrs::gettext;

use crate::client::{Security, Trust};

/// The sentence that is true of every encrypted room.
pub fn host_sentence() -> String {
    gettext("Encrypted on the way. Whoever hosts the room can read it.")
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
