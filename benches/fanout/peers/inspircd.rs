//! `InspIRCd`, an IRC server in C++: one process, one thread.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{Peer, configured, irc};

pub const INSPIRCD: Peer = Peer {
    name: "inspircd",
    protocol: &irc::IRC,
    // It accepts the waiting connections once a second.
    at_door: 1_000,
    command: |folder, port| command(folder, port, "", ""),
    encrypted: Some(|folder, port, files| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let more = format!(
            "<module name=\"ssl_gnutls\">\n<sslprofile name=\"tls\" provider=\"gnutls\" \
             certfile=\"{certificate}\" keyfile=\"{key}\">\n"
        );
        command(folder, port, " sslprofile=\"tls\"", &more)
    }),
    version: "--version",
};

fn command(folder: &Path, port: u16, bind: &str, more: &str) -> io::Result<Command> {
    let text = format!(
        "<server name=\"irc.test\" description=\"test\" network=\"test\">\n\
         <admin name=\"test\" nick=\"test\" email=\"test@irc.test\">\n\
         <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\"{bind}>\n{more}\
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
}
