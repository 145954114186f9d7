//! Systems whose sockets can do less.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::serve;
use crate::support::{self, CHATROOM, Program, port_of};

/// The library loaded into the program.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| support::library("net/options.c", &["-ldl"]))
}

/// The program on a system that lacks what is named.
fn program(lacks: &str) -> Command {
    let mut command = Command::new(CHATROOM);
    command
        .env("LD_PRELOAD", library())
        .env("CHATROOM_LACKS", lacks);
    command
}

/// Whether two people can talk in a room on such a system, the second by a client that
/// lacks the same.
fn a_room_works(lacks: &str) {
    let mut command = program(lacks);
    let (mut server, addresses) = serve(command.args(["--port", "0"]));
    let address = format!("127.0.0.1:{}", port_of(&addresses));
    let mut listener = Program::start_command(program(lacks).args(["--listen", &address]));
    assert!(server.line().contains("joined"));
    let mut ada = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut ada, b"ada\nhello\n").unwrap();
    while !listener.line().ends_with("ada: hello") {}
}

#[test]
fn a_room_opens_where_sockets_lack_what_only_improves_them() {
    // Of TCP: TCP_NODELAY, keep-alive, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT.
    a_room_works("tcp");
    // SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER.
    a_room_works("socket");
    a_room_works("tcp socket netlink limits");
}

#[test]
fn where_one_socket_cannot_have_both_versions_of_ip_there_are_two() {
    let mut command = program("dual");
    let (_server, addresses) = serve(command.args(["--port", "0"]));
    let port = port_of(&addresses);
    for ip in ["127.0.0.1", "::1"] {
        std::net::TcpStream::connect((ip, port)).expect(ip);
    }
}

#[test]
fn where_there_is_no_ipv6_a_room_is_reached_by_ipv4() {
    for lacks in ["v6", "v6-forbidden"] {
        let mut command = program(lacks);
        let (_server, addresses) = serve(command.args(["--port", "0"]));
        std::net::TcpStream::connect(("127.0.0.1", port_of(&addresses))).expect(lacks);
    }
}
