//! A port that the kernel gives to outgoing connections too.

use std::process::Stdio;

use super::Namespace;
use crate::support::{CHATROOM, Program};

/// Leaves the kernel one port to give.
const ONE_PORT: &str = "echo '53000 53000' >/proc/sys/net/ipv4/ip_local_port_range";

#[test]
fn a_port_that_an_outgoing_connection_has_is_not_a_room() {
    let namespace = Namespace::new();
    namespace.run(ONE_PORT);
    let mut python = namespace.command("python3");
    let mut holder = Program::start_command(python.stdin(Stdio::piped()).args([
        "-c",
        "import socket
listener = socket.create_server(('127.0.0.1', 4000))
outgoing = socket.create_connection(('127.0.0.1', 4000))
assert outgoing.getsockname()[1] == 53000
print('ready', flush=True)
input()",
    ]));
    assert_eq!(holder.line(), "ready");
    let server = Program::start_command(namespace.command(CHATROOM).arg("--server"));
    let words = "Port 53000 is in use by another program. Choose another port.\n";
    assert_eq!(server.end(), (String::new(), words.to_owned(), Some(1)));
    assert_eq!(going_down(&namespace), "");
    holder.go_on();
}

#[test]
fn a_client_that_meets_itself_has_found_no_room_and_leaves_the_port_free() {
    let namespace = Namespace::new();
    namespace.run(ONE_PORT);
    let listener =
        Program::start_command(namespace.command(CHATROOM).args(["--listen", "127.0.0.1"]));
    let (_, words, status) = listener.end();
    assert!(words.contains(" a room at 127.0.0.1:53000") || words.contains("No room is open at"));
    assert_eq!(status, Some(1));
    assert_eq!(going_down(&namespace), "");
}

/// The connections at the port of which the last parts may still be on their way.
fn going_down(namespace: &Namespace) -> String {
    namespace.run("grep -E '^ *[0-9]+: .*:CF08 [0-9A-F:]+ 06 ' /proc/net/tcp /proc/net/tcp6 || :")
}
