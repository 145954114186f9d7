//! How a room copes with the computer's network, and with systems that lack something.

mod namespaced;
mod options;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

use self::support::Program;

/// A server that the command starts, and the addresses that it tells when it is open.
fn serve(command: &mut Command) -> (Program, Vec<String>) {
    let mut server = Program::start_command(command.args(["--server", "--stay-open"]));
    let (addresses, _) = server.opening();
    (server, addresses)
}
