//! Tests of what docs/protocol.md says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use chatroom::protocol::Pin;
use chatroom::protocol::address::Address;
use chatroom::protocol::invitation::{INVITATION_LIMIT, Invitation, MORE_ADDRESSES};
use chatroom::protocol::native::frame::{
    ClosedCode, Code, FrameInfo, NOTICES, Reply, Request, Side, read_reply, read_request,
};
use chatroom::protocol::proof::{Binding, HOW, Label, Nonce};
use chatroom::room::RoomKey;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Host, Peer, TestServer};
use crate::private::{KEY, join, key, private_room};
use crate::sentences::ROOM_CLOSED;
use crate::support::Tunnel;

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

/// The rows of the tables in the page's section with this heading, each as its cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PROTOCOL.split_once(&format!("\n{heading}\n")).unwrap();
    section
        .lines()
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|row| row.starts_with('`'))
        .map(|row| row.split(" | ").collect())
        .collect()
}

/// The names in the first cells of [`rows`].
fn names(heading: &str) -> Vec<&'static str> {
    rows(heading)
        .iter()
        .map(|row| row[0].trim_matches('`'))
        .collect()
}

fn frames() -> impl Iterator<Item = &'static FrameInfo> {
    Request::FRAMES.iter().chain(Reply::FRAMES)
}

#[test]
fn the_page_lists_every_frame_with_its_keys_and_no_other() {
    let row = |frame: &FrameInfo| {
        let from = match frame.from {
            Side::Client => "client",
            Side::Server => "server",
        };
        let keys: Vec<_> = frame.fields.iter().map(|it| format!("`{it}`")).collect();
        let keys = if keys.is_empty() {
            "none".to_owned()
        } else {
            keys.join(", ")
        };
        [
            format!("`{}`", frame.name),
            from.to_owned(),
            keys,
            frame.since.to_owned(),
        ]
    };
    let expected: Vec<_> = frames().map(row).collect();
    assert_eq!(rows("## All frames"), expected);
}

#[test]
fn the_page_explains_every_key_of_joining_and_talking() {
    for (heading, explained) in [
        ("### Joining", ["hello", "welcome"]),
        ("### Talking", ["say", "message"]),
    ] {
        let keys: BTreeSet<_> = frames()
            .filter(|frame| explained.contains(&frame.name))
            .flat_map(|frame| frame.fields.iter().copied())
            .collect();
        assert_eq!(names(heading).into_iter().collect::<BTreeSet<_>>(), keys);
    }
}

#[test]
fn the_page_shows_every_frame() {
    let shown: Vec<_> = blocks("json")
        .flat_map(|block| serde_json::Deserializer::from_str(block).into_iter::<Value>())
        .map(Result::unwrap)
        .collect();
    for frame in frames() {
        let is_shown = shown.iter().any(|it| it.get(frame.name).is_some());
        assert!(is_shown, "{}", frame.name);
    }
}

/// The second cells of the table in this section whose first cells are these.
fn values<const COUNT: usize>(heading: &str, keys: [&str; COUNT]) -> [&'static str; COUNT] {
    let (_, section) = PROTOCOL.split_once(&format!("\n{heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    keys.map(|key| {
        let start = format!("| {key} | ");
        let row = section.lines().find_map(|line| line.strip_prefix(&start));
        row.unwrap().trim_matches(['`', '|', ' '])
    })
}

/// The example of the page is of Python's `hmac`: it is not made by the code that it checks.
#[test]
fn the_proofs_on_the_page_are_those_of_its_example() {
    let [key, server, client, certificate] = values(
        "## Private rooms",
        [
            "the room's key",
            "server's nonce",
            "client's nonce",
            "certificate",
        ],
    );
    let nonce = |written: &str| written.split('`').next().unwrap().parse().unwrap();
    let certificate = certificate.rsplit('`').next().unwrap();
    let binding = Binding {
        server: nonce(server),
        client: nonce(client),
        certificate: Pin::of(b"certificate"),
    };
    assert_eq!(certificate, binding.certificate.to_string());
    assert_eq!(
        binding.server,
        Nonce(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    );
    let key: RoomKey = key.parse().unwrap();
    for (label, name) in [
        (Label::Member, "`chatroom-1 member`"),
        (Label::Host, "`chatroom-1 host`"),
        (Label::Room, "`chatroom-1 room`"),
    ] {
        let [written] = values("## Private rooms", [name]);
        assert_eq!(binding.prove(&key, label).to_base64(), written, "{name}");
    }
    let frames: Vec<Value> = blocks("json")
        .flat_map(|block| serde_json::Deserializer::from_str(block).into_iter())
        .map(Result::unwrap)
        .collect();
    let field = |frame: &str, key: &str| {
        let frame = frames.iter().find_map(|it| it.get(frame)?.get(key));
        frame.and_then(Value::as_str).unwrap().to_owned()
    };
    assert_eq!(field("challenge", "nonce"), binding.server.to_string());
    assert_eq!(field("hello", "nonce"), binding.client.to_string());
    let mac = binding.prove(&key, Label::Member).to_base64();
    assert_eq!(field("proof", "mac"), mac);
    assert_eq!(field("proof", "how"), HOW);
}

#[test]
fn the_invitation_on_the_page_is_one() {
    let link = blocks("").find(|it| it.starts_with("chatroom://")).unwrap();
    let invitation: Invitation = link.parse().unwrap();
    assert_eq!(invitation.pin, Some(Pin::of(b"certificate")));
    assert_eq!(invitation.key, Some("abcdefghijklmnop".parse().unwrap()));
    assert_eq!(invitation.more.len(), 1);
    let [parts, addresses] = ["p", "a"].map(|part| {
        let row = rows("### Invitations");
        row.into_iter()
            .find(|row| row[0].trim_matches('`') == part)
            .unwrap()[1]
    });
    assert!(parts.contains("pin") && addresses.contains("four"));
    assert_eq!(MORE_ADDRESSES, 4);
    assert!(PROTOCOL.contains("An invitation has at most 2,048 bytes."));
    assert_eq!(INVITATION_LIMIT, 2_048);
}

#[test]
fn the_page_lists_every_code_and_no_other() {
    let codes: Vec<_> = ClosedCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names("### Leaving, and the end"), codes);
    assert_eq!(names("### Notices"), NOTICES);
    let errors = rows("### Errors");
    assert_eq!(errors.len(), Code::ALL.len());
    for (row, code) in errors.iter().zip(Code::ALL) {
        let fatal = match code {
            // Only before the welcome, or if the line is no frame at all.
            Code::BadFrame => "see `fatal`",
            code if code.is_fatal() => "yes",
            _ => "no",
        };
        assert_eq!(row[..2], [&*format!("`{}`", code.name()), fatal]);
    }
}

/// The bots of the page of version 0.1, which must work for ever.
const BOTS: [&str; 2] = [
    include_str!("bots/clock.py"),
    include_str!("bots/returning_clock.py"),
];

/// The page's bot with this `index`.
fn page_bot(index: usize) -> &'static str {
    blocks("python").nth(index).unwrap()
}

fn run(bot: &str, address: SocketAddr) -> Child {
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
    answers_every_question_once(page_bot(1));
}

#[test]
fn the_bot_of_the_first_page_that_comes_back_still_answers_every_question_once() {
    answers_every_question_once(BOTS[1]);
}

fn answers_every_question_once(bot: &str) {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let (address, allow, opened) = proxy(server.address());
    allow.send(()).unwrap();
    let process = run(bot, address);
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
    tells_the_time(page_bot(0));
}

#[test]
fn the_bot_of_the_first_page_still_works() {
    tells_the_time(BOTS[0]);
}

#[test]
fn the_bot_that_comes_back_counts_an_entry_of_a_kind_that_it_does_not_know() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut process = run(page_bot(1), listener.local_addr().unwrap());
    let accept = || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let hello: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        (stream, hello["hello"]["after"].as_u64())
    };
    let welcome = |next: u64| {
        format!(
            r#"{{"welcome":{{"protocol":1,"room":"R","epoch":"e","durable":false,"session":"s","next":{next},"you":{{"id":2,"name":"clock"}},"members":{{"count":1,"list":[],"more":false}},"limits":{{"frame":65536,"text":4000}}}}}}"#
        )
    };
    let (mut room, after) = accept();
    assert_eq!(after, None);
    let unknown = r#"{"reaction":{"seq":5,"to":1,"text":"+1"}}"#;
    writeln!(room, "{}\n{unknown}", welcome(5)).unwrap();
    // The bot has read everything when the end comes.
    room.shutdown(Shutdown::Write).unwrap();
    let (mut room, after) = accept();
    assert_eq!(after, Some(5));
    let closed = r#"{"closed":{"code":"host-closed","text":"The end."}}"#;
    writeln!(room, "{}\n{closed}", welcome(6)).unwrap();
    assert!(process.wait().unwrap().success());
}

/// The page's bot with an invitation, which finds it in a file.
pub struct InvitedBot {
    process: Child,
    _folder: TempDir,
}

impl InvitedBot {
    /// Lets it follow the invitation of this server, to the address of `host`.
    pub fn start(server: &TestServer, host: impl Host) -> Self {
        let handle = server.running().handle();
        let mut invitation = handle.invitation(false).unwrap();
        invitation.address = Address::new("127.0.0.1", host.address().port());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("invitation");
        fs::write(&file, invitation.link() + "\n").unwrap();
        let process = Command::new("python3")
            .args(["-c", page_bot(2)])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3 runs the bot");
        Self {
            process,
            _folder: folder,
        }
    }

    /// What it has printed until its end.
    pub fn end(self) -> String {
        let output = self.process.wait_with_output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

#[test]
fn the_bot_with_an_invitation_tells_the_time_in_a_private_room() {
    let server = private_room();
    let tunnel = Tunnel::to(&server);
    let (mut ada, _) = join(&tunnel, "ada", &key(KEY));
    let bot = InvitedBot::start(&server, &server);
    assert_eq!(ada.expect("joined")["name"], "clock");
    ada.chat("!time");
    assert_eq!(ada.heard(), "!time");
    let answer = ada.heard();
    assert!(answer.starts_with("ada, it is "), "{answer}");
    server.close(chatroom::room::Closing::ForGood);
    assert_eq!(bot.end(), format!("{ROOM_CLOSED}\n"));
}

#[test]
fn the_bot_with_an_invitation_tells_someone_between_nothing() {
    let server = private_room();
    let relay = Tunnel::relay(&server);
    let bot = InvitedBot::start(&server, &relay);
    assert_eq!(bot.end(), "This is not the room of the invitation.\n");
    assert_eq!(relay.told(), "");
}

fn tells_the_time(bot: &str) {
    let server = TestServer::start();
    let mut ada = Peer::native(&server, "ada");
    let process = run(bot, server.address());
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
