//! Those who come in, by either door.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::PATIENCE;
use super::sentences::{self, from_server};

/// A server with an address.
pub trait Host {
    fn address(&self) -> SocketAddr;
}

/// A port of this computer.
impl Host for u16 {
    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], *self).into()
    }
}

impl<T: Host> Host for &T {
    fn address(&self) -> SocketAddr {
        (**self).address()
    }
}

/// One end of a connection to a server.
pub struct Peer {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// A person with `nc`, in the room.
    pub fn text(server: impl Host, name: &str) -> Self {
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
    pub fn original(server: impl Host, name: &str) -> Self {
        let mut peer = Self::connect(server.address());
        peer.send(name);
        peer.until("?{quit}");
        peer
    }

    /// A native client, in the room.
    pub fn native(server: impl Host, name: &str) -> Self {
        Self::greet(server, name).0
    }

    /// A native client, in the room, with its welcome.
    pub fn greet(server: impl Host, name: &str) -> (Self, Value) {
        let mut peer = Self::connect(server.address());
        peer.write(&json!({"hello": {"protocol": 1, "name": name}}));
        let welcome = peer.expect("welcome");
        (peer, welcome)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a line. One write, because TCP holds a second one back until the first has
    /// arrived.
    pub fn tell(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// Sends a frame.
    pub fn write(&mut self, frame: &Value) {
        self.tell(&frame.to_string());
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

    /// Skips lines until one begins with `start`, and returns that one.
    pub fn line_with(&mut self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
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
