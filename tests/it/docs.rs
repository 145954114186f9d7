//! What docs/protocol.md says is true.

use std::process::{Command, Stdio};

use chatroom::wire::frame::{read_reply, read_request};
use serde_json::Value;

use crate::common::{Host as _, Peer, TestServer};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// The fenced blocks of a language.
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

#[test]
fn the_bot_on_the_page_works() {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let bot = blocks("python").next().unwrap();
    let process = Command::new("python3")
        .args(["-c", bot, "127.0.0.1", &server.address().port().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs the bot");
    assert_eq!(ada.expect("joined")["name"], "clock");
    ada.say("1", "!time");
    assert_eq!(ada.heard(), "!time");
    let answer = ada.heard();
    assert!(answer.starts_with("ada, it is "), "{answer}");
    server.close(chatroom::room::Closing::ForGood);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"The room was closed.\n");
}
