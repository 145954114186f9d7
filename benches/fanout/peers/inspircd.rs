//! `InspIRCd`, an IRC server in C++: one process, one thread.

use super::{Peer, configured, irc};

pub const INSPIRCD: Peer = Peer {
    name: "inspircd",
    protocol: &irc::IRC,
    // It accepts the waiting connections once a second.
    at_door: 1_000,
    command: |folder, port| {
        let text = format!(
            "<server name=\"irc.test\" description=\"test\" network=\"test\">\n\
             <admin name=\"test\" nick=\"test\" email=\"test@irc.test\">\n\
             <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
             <connect allow=\"*\" limit=\"100000\" localmax=\"100000\" globalmax=\"100000\" \
             maxchans=\"10\" timeout=\"60s\" pingfreq=\"1h\" hardsendq=\"500M\" \
             softsendq=\"500M\" recvq=\"1M\" threshold=\"1000000\" commandrate=\"1000000000\" \
             fakelag=\"no\" resolvehostnames=\"no\" useident=\"no\" useconnectban=\"no\" \
             useconnflood=\"no\" usednsbl=\"no\">\n\
             <performance netbuffersize=\"65534\" softlimit=\"100000\" somaxconn=\"4096\" \
             quietbursts=\"yes\">\n\
             <options defaultmodes=\"\">\n\
             <log method=\"stderr\" level=\"critical\" type=\"*\">\n"
        );
        let arguments = ["--nofork", "--nopid", "--runasroot", "--config"];
        configured("inspircd", folder, &text, &arguments)
    },
    version: "--version",
};
