//! Tests of encrypted connections to a whole server, with a client of rustls.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::super::{Event, Refusal, Running, Server, Settings};
use crate::protocol::sniff::{Foreign, Unserved};
use crate::room::Why;
use crate::tls::ALPN;
use crate::tls::testing::client;

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn server(change: impl FnOnce(&mut Settings)) -> (Running, async_channel::Receiver<Event>) {
    let (events, told) = async_channel::bounded(100);
    let mut settings = Settings {
        port: 0,
        bind: vec![std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into()],
        stay_open: true,
        events: Some(events),
        ..Settings::default()
    };
    change(&mut settings);
    (Server::bind(settings).unwrap().start().unwrap(), told)
}

fn plain(server: &Running) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).unwrap();
    stream
}

fn secured(server: &Running) -> Stream {
    StreamOwned::new(client(&[ALPN]), plain(server))
}

/// Everything up to the end, which an encrypted connection has to announce.
fn rest(mut stream: impl io::Read) -> String {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    String::from_utf8(rest).unwrap()
}

fn line(reader: &mut impl io::BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line
}

/// Why the member of this name left.
fn left(told: &async_channel::Receiver<Event>, wanted: &str) -> Why {
    loop {
        if let Event::Left { name, why, .. } = told.recv_blocking().unwrap()
            && &*name == wanted
        {
            return why;
        }
    }
}

fn refused(told: &async_channel::Receiver<Event>) -> Refusal {
    loop {
        if let Event::Refused { why, .. } = told.recv_blocking().unwrap() {
            return why;
        }
    }
}

#[test]
fn every_door_is_the_same_inside() {
    let (server, told) = server(|_| {});
    for (said, answer, door) in [
        (
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            "HTTP/1.1 501",
            Unserved::Browser,
        ),
        (b"NICK ada\r\n", "ERROR :", Unserved::Irc),
        (b"SSH-2.0-x\r\n", "", Unserved::Foreign(Foreign::Ssh)),
        // TLS in TLS.
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            "",
            Unserved::Tls,
        ),
    ] {
        let mut stream = secured(&server);
        stream.write_all(said).unwrap();
        let answered = rest(stream);
        assert!(answered.starts_with(answer), "{answered}");
        assert_eq!(answered.is_empty(), answer.is_empty(), "{answered}");
        assert_eq!(refused(&told), Refusal::ClosedDoor(door));
    }
    let mut native = secured(&server);
    native
        .write_all(b"\xef\xbb\xbf {\"hello\":{\"protocol\":1,\"name\":\"bot\"}}\n")
        .unwrap();
    let mut native = BufReader::new(native);
    assert!(line(&mut native).starts_with("{\"welcome\""));
    let mut text = secured(&server);
    text.write_all(b"ada\r\nhi\r\n?{quit}\r\n").unwrap();
    assert!(rest(text).starts_with("SERVER: Welcome"));
    assert_eq!(left(&told, "ada"), Why::Quit);
    let mut heard = String::new();
    while !heard.contains("\"left\"") {
        heard += &line(&mut native);
    }
    assert!(heard.contains("\"text\":\"hi\""), "{heard}");
    native.get_mut().write_all(b"{\"bye\":{}}\n").unwrap();
    assert!(rest(native).contains("\"bye\""));
}

#[test]
fn an_end_that_was_not_announced_is_a_lost_connection() {
    let (server, told) = server(|_| {});
    for (name, announced, why) in [("ada", true, Why::Quit), ("bob", false, Why::Lost)] {
        let mut stream = secured(&server);
        stream.write_all(format!("{name}\n").as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        assert!(line(&mut stream).contains("Welcome"));
        let mut stream = stream.into_inner();
        if announced {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        } else {
            stream.sock.shutdown(Shutdown::Write).unwrap();
        }
        assert_eq!(left(&told, name), why, "{name}");
    }
    // A record that is cut off is no announcement.
    let mut stream = secured(&server);
    stream.write_all(b"cyd\n").unwrap();
    let mut stream = BufReader::new(stream);
    assert!(line(&mut stream).contains("Welcome"));
    let mut stream = stream.into_inner();
    stream.conn.writer().write_all(b"half").unwrap();
    let mut record = Vec::new();
    stream.conn.write_tls(&mut record).unwrap();
    stream.sock.write_all(&record[..record.len() / 2]).unwrap();
    stream.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(left(&told, "cyd"), Why::Lost);
}

#[test]
fn a_handshake_without_an_end_is_ended_in_time_and_is_not_asked_for_a_name() {
    let (server, told) = server(|it| it.name_timeout = Duration::from_millis(300));
    let mut stream = plain(&server);
    stream.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    assert_eq!(refused(&told), Refusal::ClosedDoor(Unserved::Tls));
    assert_eq!(server.handle().members(), 0);
    // After the handshake it is as outside: one that says nothing is asked, and joins.
    let mut silent = secured(&server);
    silent.conn.complete_io(&mut silent.sock).unwrap();
    let mut silent = BufReader::new(silent);
    assert!(line(&mut silent).contains("USR") || line(&mut silent).contains("USR"));
}

#[test]
fn a_full_room_says_so_inside() {
    let (server, told) = server(|it| it.max_per_address = 1);
    let mut first = secured(&server);
    first.write_all(b"ada\n").unwrap();
    let mut first = BufReader::new(first);
    assert!(line(&mut first).contains("Welcome"));
    let mut second = secured(&server);
    second.write_all(b"{\"hello\":{\"protocol\":1}}\n").unwrap();
    let answer = rest(second);
    assert!(answer.contains("too-many-connections"), "{answer}");
    assert_eq!(refused(&told), Refusal::TooManyConnections);
}

#[test]
fn a_peer_that_stops_reading_gets_every_message_once_it_reads() {
    let (server, _told) = server(|it| it.rules.rate_limit.per_second = 0);
    let mut reader = secured(&server);
    reader
        .write_all(b"{\"hello\":{\"protocol\":1,\"name\":\"slow\"}}\n")
        .unwrap();
    let mut reader = BufReader::new(reader);
    assert!(line(&mut reader).starts_with("{\"welcome\""));
    let mut writer = secured(&server);
    writer
        .write_all(b"{\"hello\":{\"protocol\":1,\"name\":\"fast\"}}\n")
        .unwrap();
    let mut writer = BufReader::new(writer);
    assert!(line(&mut writer).starts_with("{\"welcome\""));
    // More than the sockets between them hold; the log holds it all.
    let text = "x".repeat(3_900);
    let count = 4_000;
    for number in 0..count {
        let say = format!("{{\"say\":{{\"text\":\"{number} {text}\"}}}}\n");
        writer.get_mut().write_all(say.as_bytes()).unwrap();
        while !line(&mut writer).contains(&format!("\"{number} x")) {}
    }
    let mut next = 0;
    while next < count {
        let got = line(&mut reader);
        assert!(!got.is_empty() && !got.contains("\"gap\""), "{got}");
        if got.starts_with("{\"message\"") {
            assert!(
                got.contains(&format!("\"text\":\"{next} x")),
                "{next}: {got}"
            );
            next += 1;
        }
    }
}

#[test]
fn a_certificate_is_replaced_without_losing_a_member() {
    use crate::protocol::Pin;
    use crate::tls::{Certificate, testing::pem};

    let (server, _told) = server(|_| {});
    let mut member = secured(&server);
    member.write_all(b"ada\n").unwrap();
    let mut member = BufReader::new(member);
    assert!(line(&mut member).contains("Welcome"));
    let pem = pem();
    let certificate = Certificate::from_pem(pem.as_bytes(), pem.as_bytes()).unwrap();
    server.handle().set_certificate(Some(&certificate));
    let pin = |alpn: &[&[u8]]| {
        let mut stream = StreamOwned::new(client(alpn), plain(&server));
        stream.conn.complete_io(&mut stream.sock).unwrap();
        Pin::of(&stream.conn.peer_certificates().unwrap()[0])
    };
    assert_eq!(pin(&[ALPN]), server.handle().pin());
    assert_eq!(pin(&[]), certificate.pin());
    let mut other = secured(&server);
    other.write_all(b"bob\nhello\n").unwrap();
    while !line(&mut member).contains("hello") {}
}
