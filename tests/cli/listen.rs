//! `chatroom --listen`, in a room of the test's own.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};

use super::sentences::{self, from_server};
use super::support::{CHATROOM, Peer, Program};

const WELCOME: &str = concat!(
    r#"{"welcome":{"protocol":1,"room":"R","epoch":"e","durable":false,"session":"s","next":1,"#,
    r#""you":{"id":2,"name":"ServerListener"},"members":{"count":2,"list":[],"more":true},"#,
    r#""limits":{"frame":65536,"text":4000}}}"#,
);

const CLOSED: &str = r#"{"closed":{"code":"host-closed","text":""}}"#;

/// A listener that has joined, and the server's side.
fn listening() -> (Program, Peer) {
    welcome(|address| Program::start(&["--listen", "--plain", address]))
}

fn welcome(start: impl FnOnce(&str) -> Program) -> (Program, Peer) {
    let (program, peer, _) = welcome_at(start);
    (program, peer)
}

/// The same, with the server's listener, for another connection.
fn welcome_at(start: impl FnOnce(&str) -> Program) -> (Program, Peer, TcpListener) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut program = start(&server.local_addr().unwrap().to_string());
    let mut peer = Peer::new(server.accept().unwrap().0);
    let hello = r#"{"hello":{"protocol":1,"name":"ServerListener"}}"#;
    assert_eq!(peer.line(), hello);
    peer.tell(WELCOME);
    let start = from_server(&format!("{}R", sentences::WELCOME));
    assert!(program.line().starts_with(&start));
    // Where the welcome is wrapped, the rest of it comes first.
    let mut line = program.line();
    while !line.starts_with(&from_server("")) {
        line = program.line();
    }
    assert!(
        from_server(sentences::NOT_ENCRYPTED).starts_with(&line),
        "{line}"
    );
    (program, peer, server)
}

/// Waits until the listener says goodbye, and answers.
fn part(peer: &mut Peer) {
    peer.line_with(r#"{"bye":{}}"#);
    peer.tell(r#"{"closed":{"code":"bye","text":""}}"#);
}

/// The next message.
fn message(text: &str) -> String {
    static SEQ: AtomicU64 = AtomicU64::new(1);
    let seq = SEQ.fetch_add(1, Ordering::Relaxed);
    format!(
        r#"{{"message":{{"seq":{seq},"at":"2026-11-22T10:00:00Z","from":{{"id":1,"name":"bob"}},"text":"{text}"}}}}"#
    )
}

#[test]
fn nobody_to_listen_to_ends_it_with_1_and_a_sentence() {
    // Bound, so that nobody else takes the port, but not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let program = Program::start(&["--listen", &address.to_string()]);
    let complaint = sentences::no_room_at(address) + "\n";
    assert_eq!(program.end(), (String::new(), complaint, Some(1)));
}

#[test]
fn what_is_said_is_printed_until_the_room_is_closed() {
    let (program, mut peer) = listening();
    peer.tell(r#"{"joined":{"id":3,"name":"eve","count":3}}"#);
    peer.tell(&message("hi\\nthere"));
    // Bytes that could move the cursor, colour the terminal or forge a line.
    let forged = message("\\u001b[2J\\rSERVER: bye\\u009b31m\\u0007");
    peer.tell(&forged.replace("bob", "b\\nob:"));
    peer.tell(CLOSED);
    let (out, complaint, code) = program.end();
    assert_eq!(
        out,
        format!(
            "{}\n\
             bob: hi\n\
             bob: there\n\
             b ob: [2J\n\
             b ob: SERVER: bye31m\n\
             {}\n",
            from_server(&sentences::joined("eve", 3)),
            from_server(sentences::ROOM_CLOSED),
        )
    );
    assert_eq!((&*complaint, code), ("", Some(0)));
}

#[test]
fn in_a_terminal_no_line_goes_on_where_another_could_begin() {
    let (mut program, mut peer) =
        welcome(|address| Program::start_in_terminal(30, &["--listen", "--plain", address]));
    // The rest of the line about encryption, which does not fit in one line.
    while !program.line().ends_with("along.") {}
    peer.tell(&message(&format!("{}SERVER: closed", " ".repeat(25))));
    peer.tell(&message("next"));
    assert_eq!(program.line(), "bob:");
    assert_eq!(program.line(), "    SERVER: closed");
    assert_eq!(program.line(), "bob: next");
}

#[test]
fn a_lost_connection_is_restored_and_no_line_comes_twice() {
    let (mut program, mut peer, server) =
        welcome_at(|address| Program::start(&["--listen", "--plain", address]));
    let first = message("hi").replace(r#""seq":"#, r#""seq":1,"was":"#);
    peer.tell(&first);
    assert_eq!(program.line(), "bob: hi");
    peer.stream.shutdown(Shutdown::Both).unwrap();
    assert_eq!(program.line(), from_server(sentences::LISTENER_LOST));
    let mut peer = Peer::new(server.accept().unwrap().0);
    let hello =
        r#"{"hello":{"protocol":1,"name":"ServerListener","epoch":"e","session":"s","after":1}}"#;
    assert_eq!(peer.line(), hello);
    peer.tell(&WELCOME.replace(r#""next":1"#, r#""next":2,"resumed":true"#));
    peer.tell(&first);
    peer.tell(
        &first
            .replace(r#""seq":1"#, r#""seq":2"#)
            .replace("hi", "there"),
    );
    peer.tell(CLOSED);
    let (out, complaint, code) = program.end();
    assert_eq!(
        out,
        format!(
            "{}\nbob: there\n{}\n",
            from_server(sentences::LISTENER_BACK),
            from_server(sentences::ROOM_CLOSED),
        )
    );
    assert_eq!((&*complaint, code), ("", Some(0)));
}

#[test]
fn who_is_not_let_back_in_ends_with_1_and_a_sentence() {
    let (mut program, peer, server) =
        welcome_at(|address| Program::start(&["--listen", "--plain", address]));
    drop(peer);
    assert_eq!(program.line(), from_server(sentences::LISTENER_LOST));
    let mut peer = Peer::new(server.accept().unwrap().0);
    peer.line();
    peer.tell(r#"{"error":{"code":"room-full","text":"x","fatal":true}}"#);
    let complaint = format!("{}\n", sentences::LISTENER_FULL);
    assert_eq!(program.end(), (String::new(), complaint, Some(1)));
}

#[test]
fn a_signal_ends_it_while_it_tries_to_come_back() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (mut program, mut peer) = listening();
        peer.tell(r#"{"closed":{"code":"service-stopping","text":"","retry_ms":60000}}"#);
        assert_eq!(program.line(), from_server(sentences::LISTENER_STOPPING));
        program.send(signal);
        let nothing = String::new();
        let wanted = (nothing.clone(), nothing, Some(0));
        assert_eq!(program.end(), wanted, "{signal:?}");
    }
}

#[test]
fn each_signal_makes_it_leave_properly() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (program, mut peer) = listening();
        program.send(signal);
        part(&mut peer);
        let nothing = String::new();
        let wanted = (nothing.clone(), nothing, Some(0));
        assert_eq!(program.end(), wanted, "{signal:?}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (mut program, mut peer) = listening();
        program.send(Signal::INT);
        peer.line_with(r#"{"bye":{}}"#);
        program.send(signal);
        assert_eq!(program.code(), Some(code));
    }
}

#[test]
fn under_nohup_it_outlives_its_terminal() {
    let (mut program, mut peer) = welcome(|address| {
        let script = "trap '' HUP; exec \"$0\" --listen --plain \"$1\"";
        let arguments = ["-c", script, CHATROOM, address];
        Program::start_command(Command::new("sh").args(arguments))
    });
    program.send(Signal::HUP);
    peer.tell(&message("still here"));
    assert_eq!(program.line(), "bob: still here");
    program.send(Signal::TERM);
    part(&mut peer);
    assert_eq!(program.code(), Some(0));
}

#[test]
fn when_nobody_reads_it_it_leaves_properly() {
    let (mut program, mut peer) = listening();
    program.close_output();
    // The listener notices when it prints. The first time may be too early: if another test
    // has just forked, the pipe has a reader until that child has executed its program.
    let mut out = peer.stream.try_clone().unwrap();
    let (parted, is_parted) = mpsc::channel::<()>();
    let teller = thread::spawn(move || {
        let words = message("is anybody there?") + "\n";
        while is_parted.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            out.write_all(words.as_bytes()).unwrap();
        }
    });
    peer.line_with(r#"{"bye":{}}"#);
    drop(parted);
    teller.join().unwrap();
    peer.tell(r#"{"closed":{"code":"bye","text":""}}"#);
    let nothing = String::new();
    assert_eq!(program.end(), (nothing.clone(), nothing, Some(0)));
}

#[test]
fn output_that_is_stuck_does_not_keep_it() {
    let (mut program, mut peer) = listening();
    // More than the pipe and the program's own queue can hold.
    let text = message(&"x".repeat(4_000));
    for _ in 0..1_000 {
        peer.tell(&text);
    }
    program.send(Signal::TERM);
    part(&mut peer);
    assert_eq!(program.code(), Some(0));
}
