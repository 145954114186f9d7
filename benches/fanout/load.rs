//! The members of the room: one thread and one `epoll` for all of them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memchr_iter;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

use super::TEXT_BYTES;
use super::server::{Kind, Server};

/// Who waits this long for an event waits in vain.
const PATIENCE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// The members of a room.
pub struct Load {
    epoll: OwnedFd,
    members: Vec<Member>,
    speakers: usize,
    message: Vec<u8>,
    /// The messages that every member has received.
    by_all: usize,
    /// Of how many members `by_all + 1`, `+ 2`, … were received.
    received_by: Vec<usize>,
    bytes: usize,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
}

struct Member {
    stream: TcpStream,
    /// The messages it has received.
    messages: usize,
}

impl Load {
    /// `members` come in, of whom the first `speakers` will speak.
    pub fn join(server: &Server, members: usize, speakers: usize) -> io::Result<Self> {
        let text = "x".repeat(TEXT_BYTES);
        let message = match server.kind {
            Kind::Floor { .. } => format!("{text}\n"),
            Kind::Chatroom => format!("{{\"say\":{{\"text\":\"{text}\"}}}}\n"),
        };
        let mut load = Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            members: Vec::with_capacity(members),
            speakers,
            message: message.into_bytes(),
            by_all: 0,
            received_by: Vec::new(),
            bytes: 0,
            events: Vec::with_capacity(1_024),
            buffer: vec![0; 256 << 10],
        };
        for number in 0..members {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))?;
            stream.set_nodelay(true)?;
            if let Kind::Chatroom = server.kind {
                let hello =
                    format!("{{\"hello\":{{\"protocol\":1,\"name\":\"member {number}\"}}}}\n");
                stream.write_all(hello.as_bytes())?;
            }
            load.members.push(Member {
                stream,
                messages: 0,
            });
        }
        load.settle(server)?;
        for (number, member) in load.members.iter().enumerate() {
            member.stream.set_nonblocking(true)?;
            let data = EventData::new_u64(number as u64);
            epoll::add(&load.epoll, &member.stream, data, EventFlags::IN)?;
        }
        Ok(load)
    }

    /// Waits until all are in the room and have heard of all joins: what they
    /// receive then are messages.
    fn settle(&mut self, server: &Server) -> io::Result<()> {
        match server.kind {
            Kind::Floor { .. } => {
                // What it broadcasts reaches all who are in the room.
                let Some(member) = self.members.last_mut() else {
                    return Ok(());
                };
                member.stream.write_all(b"\n")?;
                for member in &mut self.members {
                    read_until(&mut member.stream, b"x\n")?;
                }
            }
            Kind::Chatroom => {
                // Joins are told late in a big room: the last gathering has the
                // count of all.
                let all = format!("\"count\":{}", self.members.len());
                for member in &mut self.members {
                    member
                        .stream
                        .set_read_timeout(Some(Duration::from_secs(20)))?;
                    read_until(&mut member.stream, all.as_bytes())?;
                }
                // What else was on its way comes before the answer to a ping.
                for member in &mut self.members {
                    member.stream.write_all(b"{\"ping\":{}}\n")?;
                    read_until(&mut member.stream, b"{\"pong\":{}}\n")?;
                }
            }
        }
        Ok(())
    }

    /// The bytes that all together have received.
    pub fn received(&self) -> usize {
        self.bytes
    }

    /// The speakers say `messages` in turn, with at most `at_once` that not
    /// everyone has received.
    pub fn talk(&mut self, at_once: usize, messages: usize) -> io::Result<()> {
        let mut said = 0;
        let start = self.by_all;
        while self.by_all - start < messages {
            let mut burst = vec![0; self.speakers];
            while said < messages && said < self.by_all - start + at_once {
                burst[said % self.speakers] += 1;
                said += 1;
            }
            for (speaker, count) in burst
                .into_iter()
                .enumerate()
                .filter(|(_, count)| *count > 0)
            {
                let bytes = self.message.repeat(count);
                self.members[speaker].stream.write_all(&bytes)?;
            }
            self.receive(Some(&PATIENCE), |_, _| {})?;
        }
        Ok(())
    }

    /// The speakers say `rate` messages a second in turn, whatever is received. For
    /// each delivery, the time it took.
    pub fn steady(&mut self, rate: u32, duration: Duration) -> io::Result<Vec<Duration>> {
        let interval = Duration::from_secs(1) / rate;
        let messages = duration.as_nanos() / interval.as_nanos();
        let messages = usize::try_from(messages).unwrap_or(usize::MAX);
        let start = Instant::now();
        let first = self.by_all;
        let mut due: Vec<Instant> = Vec::with_capacity(messages);
        let mut latencies = Vec::with_capacity(messages * self.members.len());
        while self.by_all - first < messages {
            let now = Instant::now();
            let next = start + interval * u32::try_from(due.len()).unwrap_or(u32::MAX);
            let wait = if due.len() == messages {
                Duration::from_secs(20)
            } else if next <= now {
                let speaker = due.len() % self.speakers;
                self.members[speaker].stream.write_all(&self.message)?;
                // From when it was due: who is late is not let off.
                due.push(next);
                continue;
            } else {
                next - now
            };
            let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
            self.receive(Some(&wait), |message, count| {
                let now = Instant::now();
                for message in message..message + count {
                    latencies.push(now - due[message - first]);
                }
            })?;
        }
        Ok(latencies)
    }

    /// Takes what has come. Tells for each member the number of the first message
    /// that it received, from 0, and how many.
    fn receive(
        &mut self,
        wait: Option<&Timespec>,
        mut tell: impl FnMut(usize, usize),
    ) -> io::Result<()> {
        self.events.clear();
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            wait,
        )?;
        if self.events.is_empty() && wait.is_none_or(|wait| wait.tv_sec >= PATIENCE.tv_sec) {
            return Err(io::Error::other("a message did not come"));
        }
        for event in &self.events {
            let number = usize::try_from(event.data.u64()).unwrap_or_default();
            let member = &mut self.members[number];
            let count = member.stream.read(&mut self.buffer)?;
            if count == 0 {
                return Err(io::Error::other("a member was cut off"));
            }
            self.bytes += count;
            let messages = memchr_iter(b'\n', &self.buffer[..count]).count();
            tell(member.messages, messages);
            for message in member.messages..member.messages + messages {
                let ahead = message - self.by_all;
                if ahead >= self.received_by.len() {
                    self.received_by.resize(ahead + 1, 0);
                }
                self.received_by[ahead] += 1;
            }
            member.messages += messages;
        }
        let all = self.members.len();
        let done = self.received_by.iter().take_while(|by| **by == all).count();
        self.received_by.drain(..done);
        self.by_all += done;
        Ok(())
    }
}

/// Reads until `end` has come.
fn read_until(stream: &mut TcpStream, end: &[u8]) -> io::Result<()> {
    let mut read = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::other("a member was cut off"));
        }
        read.extend_from_slice(&buffer[..count]);
        if memchr::memmem::find(&read, end).is_some() {
            return Ok(());
        }
    }
}
