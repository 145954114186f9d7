//! Servers and peers for the tests. Every wait is for an event, and fails the test if the
//! event does not come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_channel::Receiver;
use chatroom::room::Closing;
use chatroom::server::{Ended, Event, Running, Server, Settings};
use serde_json::{Value, json};

use crate::sentences::{self, from_server};

/// How long a test waits for an event before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port of this computer. Dropping it closes the room.
pub struct TestServer {
    running: Running,
    events: Receiver<Event>,
}

impl TestServer {
    /// Stays open when everyone has left.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (sender, events) = async_channel::bounded(100_000);
        let mut settings = Settings {
            port: 0,
            stay_open: true,
            room_name: Some("Test".to_owned()),
            events: Some(sender),
            ..Settings::default()
        };
        change(&mut settings);
        let running = Server::bind(settings).unwrap().start().unwrap();
        Self { running, events }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The next event of the server.
    pub fn event(&self) -> Event {
        let (events, (told, wait)) = (self.events.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || told.send(events.recv_blocking()));
        wait.recv_timeout(PATIENCE)
            .expect("nothing happened")
            .unwrap()
    }

    /// What has happened next, if anything has.
    pub fn event_now(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    pub fn close(self, closing: Closing) -> Ended {
        self.running.close(closing).unwrap()
    }

    /// Waits until the server ends by itself.
    pub fn wait(self) -> Ended {
        let (told, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || told.send(self.running.wait()));
        wait.recv_timeout(PATIENCE)
            .expect("the server did not end")
            .unwrap()
    }
}

/// A server with an address.
pub trait Host {
    fn address(&self) -> SocketAddr;
}

/// A server in a process of its own, on a free port of this computer. Dropping it kills
/// the process.
pub struct ServerProcess {
    child: Child,
    port: u16,
}

impl ServerProcess {
    /// Stays open when everyone has left.
    pub fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chatroom"))
            .args(["--server", "--stay-open", "--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("  ").map(str::to_owned));
        let port = address
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        Self { child, port }
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim()
            .trim_end_matches(" kB")
            .parse::<usize>()
            .unwrap()
            << 10
    }

    /// The CPU time that it has used, in hundredths of a second.
    pub fn work(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name is in parentheses. These fields after it are the time in its own code,
        // and in the kernel's.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields = fields.split_ascii_whitespace().skip(11).take(2);
        fields.map(|it| it.parse::<u64>().unwrap()).sum()
    }

    /// Waits until it is idle: for a while it uses no CPU time.
    pub fn rests(&self) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let before = self.work();
            std::thread::sleep(Duration::from_millis(500));
            let work = self.work() - before;
            if work <= 2 {
                return;
            }
            assert!(Instant::now() < patience, "it works: {work}");
        }
    }
}

impl Host for ServerProcess {
    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }
}

impl Host for TestServer {
    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.running.port()).into()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One end of a connection to a server.
pub struct Peer {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// A person with `nc`, in the room.
    pub fn text(server: &impl Host, name: &str) -> Self {
        let mut peer = Self::connect(server.address());
        peer.send(format!("{name}\n"));
        let welcome = peer.line();
        assert!(
            welcome.starts_with(&from_server(sentences::WELCOME)),
            "{welcome}"
        );
        peer
    }

    /// The original program, in the room.
    pub fn original(server: &impl Host, name: &str) -> Self {
        let mut peer = Self::connect(server.address());
        peer.send(name);
        peer.until("?{quit}");
        peer
    }

    /// A native client, in the room.
    pub fn native(server: &impl Host, name: &str) -> Self {
        Self::greet(server, name).0
    }

    /// A native client, in the room, with its welcome.
    pub fn greet(server: &impl Host, name: &str) -> (Self, Value) {
        let mut peer = Self::connect(server.address());
        peer.write(&json!({"hello": {"protocol": 1, "name": name}}));
        let welcome = peer.expect("welcome");
        (peer, welcome)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a frame.
    pub fn write(&mut self, frame: &Value) {
        self.send(format!("{frame}\n"));
    }

    pub fn say(&mut self, id: &str, text: &str) {
        self.write(&json!({"say": {"id": id, "text": text}}));
    }

    /// Sends a message without an id.
    pub fn chat(&mut self, text: &str) {
        self.write(&json!({"say": {"text": text}}));
    }

    /// The bytes of the next read.
    pub fn chunk(&mut self) -> io::Result<Vec<u8>> {
        if !self.unread.is_empty() {
            return Ok(std::mem::take(&mut self.unread));
        }
        let mut bytes = vec![0; 64 << 10];
        let count = self.stream.read(&mut bytes)?;
        Ok(bytes[..count].to_vec())
    }

    /// Reads until `end` comes, and returns everything up to and including it.
    pub fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        loop {
            let chunk = self.chunk();
            let text = String::from_utf8_lossy(&read).into_owned();
            let chunk = chunk.unwrap_or_else(|error| panic!("{error} after {text:?}"));
            assert!(!chunk.is_empty(), "the connection ended after {text:?}");
            read.extend_from_slice(&chunk);
            let end = end.as_bytes();
            if let Some(at) = read.windows(end.len()).position(|window| window == end) {
                self.unread = read.split_off(at + end.len());
                return String::from_utf8(read).unwrap();
            }
        }
    }

    /// The next line, without its end.
    pub fn line(&mut self) -> String {
        let mut line = self.until("\n");
        line.pop();
        line
    }

    /// The next frame.
    pub fn frame(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The content of the next frame, whose name must be `name`.
    pub fn expect(&mut self, name: &str) -> Value {
        let mut frame = self.frame();
        assert!(frame.get(name).is_some(), "expected {name}, got {frame}");
        frame[name].take()
    }

    /// The content of the next frame with this `name`; skips those before it.
    pub fn find(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.frame();
            if frame.get(name).is_some() {
                return frame[name].take();
            }
        }
    }

    /// Everything until the server ends the connection.
    pub fn rest(&mut self) -> String {
        let mut read = std::mem::take(&mut self.unread);
        match self.stream.read_to_end(&mut read) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&read)),
        }
        String::from_utf8(read).unwrap()
    }

    /// The text of the next message.
    pub fn heard(&mut self) -> String {
        self.find("message")["text"].as_str().unwrap().to_owned()
    }

    /// Resets the connection, as a crash does.
    pub fn break_off(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    /// Closes the sending half.
    pub fn half_close(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
}
