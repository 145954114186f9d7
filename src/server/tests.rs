//! Tests of the whole server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::room::Closing;

use super::{Running, Server, Settings};

fn server() -> Running {
    let settings = Settings {
        port: 0,
        bind: vec![std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into()],
        stay_open: true,
        ..Settings::default()
    };
    Server::bind(settings).unwrap().start().unwrap()
}

/// A member, which has read its welcome.
fn join(server: &Running, name: &str) -> (TcpStream, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let hello = format!("{{\"hello\":{{\"protocol\":1,\"name\":\"{name}\"}}}}\n");
    stream.write_all(hello.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let welcome = line(&mut reader);
    assert!(welcome.starts_with("{\"welcome\""), "{welcome}");
    // In a room of its own, everyone has the name that it wants.
    assert!(welcome.contains(&format!("\"{name}\"")), "{welcome}");
    (stream, reader)
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line
}

#[test]
fn two_rooms_in_one_process_do_not_hear_each_other() {
    let servers = [server(), server()];
    assert_ne!(
        servers[0].handle().host_key(),
        servers[1].handle().host_key()
    );
    let mut members = [join(&servers[0], "ada"), join(&servers[1], "ada")];
    for (index, (stream, reader)) in members.iter_mut().enumerate() {
        let say = format!("{{\"say\":{{\"text\":\"in {index}\"}}}}\n");
        stream.write_all(say.as_bytes()).unwrap();
        let echo = line(reader);
        // Each counts its own messages.
        assert!(
            echo.contains("\"seq\":1") && echo.contains(&format!("in {index}")),
            "{echo}"
        );
    }
    let [first, second] = servers;
    assert_eq!(
        (first.handle().messages(), second.handle().messages()),
        (1, 1)
    );
    first.close(Closing::ForGood).unwrap();
    // The other room goes on, and its member has heard nothing of all that.
    let [(_, mut closed), (mut stream, mut reader)] = members;
    assert!(line(&mut closed).starts_with("{\"closed\""));
    stream.write_all(b"{\"ping\":{}}\n").unwrap();
    assert_eq!(line(&mut reader), "{\"pong\":{}}\n");
    second.close(Closing::ForGood).unwrap();
}
