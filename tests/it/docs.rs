//! Tests of what docs/protocol.md says.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use chatroom::protocol::native::frame::{read_reply, read_request};
use serde_json::Value;

use crate::common::{Host as _, Peer, TestServer};
use crate::sentences::ROOM_CLOSED;

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// The page's fenced code blocks in this language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    PROTOCOL
        .split("\n```")
        .filter_map(move |part| part.strip_prefix(&fence[3..]))
}

#[test]
fn every_frame_on_the_page_is_one() {
    let mut count = 0;
    for block in blocks("json") {
        for frame in serde_json::Deserializer::from_str(block).into_iter::<Value>() {
            let line = frame.unwrap().to_string();
            let known = [
                read_request(line.as_bytes()).is_ok_and(|frame| frame.is_some()),
                read_reply(line.as_bytes()).is_ok_and(|frame| frame.is_some()),
            ];
            assert!(known.contains(&true), "{line}");
            count += 1;
        }
    }
    assert!(count >= 18, "{count}");
}

/// Starts the page's bot with this `index`.
fn bot(index: usize, address: SocketAddr) -> Child {
    let bot = blocks("python").nth(index).unwrap();
    Command::new("python3")
        .args(["-c", bot, "127.0.0.1", &address.port().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs the bot")
}

/// A proxy between a client and a server. It lets one connection through for each value
/// sent to it, and hands over the stream by which the test can cut that connection.
fn proxy(server: SocketAddr) -> (SocketAddr, Sender<()>, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (allow, allowed) = channel();
    let (open, opened) = channel();
    thread::spawn(move || {
        while allowed.recv().is_ok() {
            let client = listener.accept().unwrap().0;
            let server = TcpStream::connect(server).unwrap();
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    for end in [from, to] {
                        let _ = end.shutdown(Shutdown::Both);
                    }
                });
            }
            if open.send(client).is_err() {
                return;
            }
        }
    });
    (address, allow, opened)
}

#[test]
fn the_bot_that_comes_back_answers_every_question_once() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let (address, allow, opened) = proxy(server.address());
    allow.send(()).unwrap();
    let process = bot(1, address);
    assert_eq!(ada.expect("joined")["name"], "clock");
    // A bot that is cut off before it reads its welcome would join as a new member.
    ada.chat("!time");
    while !ada.heard().starts_with("ada, it is ") {}
    for _ in 0..3 {
        // At the cut its answer may be on the way, in the room, or confirmed.
        ada.chat("!time");
        assert_eq!(ada.heard(), "!time");
        opened.recv().unwrap().shutdown(Shutdown::Both).unwrap();
        let mut answers = 0;
        loop {
            let frame = ada.frame();
            answers += usize::from(frame.get("message").is_some());
            if frame.get("away").is_some() {
                break;
            }
        }
        ada.chat("!time");
        ada.chat("!time");
        allow.send(()).unwrap();
        let mut frames = Vec::new();
        while answers < 3 {
            let frame = ada.frame();
            let text = frame["message"]["text"].as_str().unwrap_or_default();
            answers += usize::from(text.starts_with("ada, it is "));
            frames.push(frame);
        }
        assert!(
            frames.iter().any(|frame| frame.get("back").is_some()),
            "{frames:?}"
        );
    }
    ada.chat("enough");
    assert_eq!(ada.heard(), "enough");
    server.close(chatroom::room::Closing::ForGood);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, format!("{ROOM_CLOSED}\n").as_bytes());
}

#[test]
fn the_bot_on_the_page_works() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let process = bot(0, server.address());
    assert_eq!(ada.expect("joined")["name"], "clock");
    ada.say("1", "!time");
    assert_eq!(ada.heard(), "!time");
    let answer = ada.heard();
    assert!(answer.starts_with("ada, it is "), "{answer}");
    server.close(chatroom::room::Closing::ForGood);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, format!("{ROOM_CLOSED}\n").as_bytes());
}
