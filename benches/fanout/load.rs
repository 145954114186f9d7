//! The members of the room: one thread and one `epoll` for all of them.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memchr::memchr_iter;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::figures::counted;
use super::protocol::{Entry, MARK, Protocol};
use super::server::Server;
use super::wire::Wire;

/// The longest wait for an event; after it, the measurement fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// After this time without input, no more will come. It is longer than servers collect
/// joins and leaves.
const QUIET: Duration = Duration::from_millis(400);

/// The wait before another try with a peer that was not ready.
const AGAIN: Duration = Duration::from_millis(1);

/// The members of a room, in plaintext.
pub type Load = Crowd<TcpStream>;

/// The members of a room, each with its connection.
pub struct Crowd<W> {
    epoll: OwnedFd,
    members: Vec<Member<W>>,
    protocol: &'static Protocol,
    /// The number of senders: the first members, who send in turn.
    speakers: usize,
    message: Vec<u8>,
    /// The number of members who have not joined yet.
    outside: usize,
    /// The number of members, from the end, who no longer read.
    stopped: usize,
    /// The number of messages sent.
    said: usize,
    /// The number of messages that every receiver has.
    by_all: usize,
    /// The number of members who have message `by_all + 1`, `+ 2`, …
    received_by: VecDeque<usize>,
    bytes: usize,
    /// The time until all had joined and heard of each other.
    pub joined_in: Duration,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
}

struct Member<W> {
    wire: W,
    /// The steps of joining; `None` once it is in the room.
    entry: Option<Entry>,
    /// The number of messages that it has received, or sent where there is no echo.
    messages: usize,
    /// The output that its socket has not taken yet.
    out: Vec<u8>,
}

impl<W: Wire> Crowd<W> {
    /// Lets `members` join; the first `speakers` of them will send. Fails if they have not
    /// all joined and heard of each other after `patience`.
    pub fn join(
        server: &Server,
        members: usize,
        speakers: usize,
        patience: Duration,
    ) -> io::Result<Self> {
        let protocol = server.protocol();
        let mut load = Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            members: Vec::with_capacity(members),
            protocol,
            speakers,
            message: protocol.message(),
            outside: 0,
            stopped: 0,
            said: 0,
            by_all: 0,
            received_by: VecDeque::new(),
            bytes: 0,
            joined_in: Duration::ZERO,
            events: Vec::with_capacity(1_024),
            buffer: vec![0; 256 << 10],
        };
        let start = Instant::now();
        let mut last = start;
        loop {
            let more = load.members.len() < members;
            if more && load.outside < server.at_door() {
                load.connect(server.port)?;
                if !load.members.len().is_multiple_of(16) {
                    continue;
                }
            }
            let wait = if !more {
                QUIET
            } else if load.outside < server.at_door() {
                Duration::ZERO
            } else {
                PATIENCE
            };
            let came = load.receive(wait, |_, _| {})?;
            if came {
                last = Instant::now();
            } else if !more && load.outside == 0 {
                break;
            }
            if start.elapsed() > patience || (!came && wait == PATIENCE) {
                let inside = counted(load.members.len() - load.outside);
                let (members, seconds) = (counted(members), start.elapsed().as_secs());
                return Err(io::Error::other(format!(
                    "after {seconds} s {inside} of {members} had joined, or not all had heard of it"
                )));
            }
        }
        load.joined_in = last - start;
        Ok(load)
    }

    fn connect(&mut self, port: u16) -> io::Result<()> {
        let number = self.members.len();
        let greets = !self.protocol.steps.is_empty();
        let wire = W::open(port, &(self.protocol.hello)(number))?;
        let data = EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &wire, data, EventFlags::IN)?;
        self.members.push(Member {
            wire,
            entry: greets.then(Entry::default),
            messages: 0,
            out: Vec::new(),
        });
        if greets {
            self.outside += 1;
        } else {
            // The server does not say when it is ready for the next one.
            std::thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// The bytes that all members together have received.
    pub fn received(&self) -> usize {
        self.bytes
    }

    /// The number of receivers of each message.
    pub fn receivers(&self) -> usize {
        self.members.len() - self.stopped - usize::from(!self.protocol.echoes)
    }

    /// Sends messages for this `duration`, with at most `at_once` of them not yet received
    /// by everyone, and then waits for the rest. Returns the number of messages.
    pub fn talk(&mut self, at_once: usize, duration: Duration) -> io::Result<usize> {
        let (start, first) = (Instant::now(), self.said);
        loop {
            let over = self.said > first && start.elapsed() >= duration;
            while !over && self.said < self.by_all + at_once {
                self.say();
            }
            if over && self.by_all == self.said {
                return Ok(self.said - first);
            }
            self.wait_for_deliveries(PATIENCE, |_, _| {})?;
        }
    }

    /// Sends `rate` messages a second, whatever has been received. Returns the latencies
    /// of all deliveries to the first `timed` members, counted from when the message was
    /// due; sorted.
    pub fn steady(
        &mut self,
        rate: u32,
        duration: Duration,
        timed: usize,
    ) -> io::Result<Vec<Duration>> {
        let interval = Duration::from_secs(1) / rate;
        let messages = duration.as_nanos() / interval.as_nanos();
        let messages = usize::try_from(messages).unwrap_or(usize::MAX);
        let start = Instant::now();
        let first = self.said;
        let mut due: Vec<Instant> = Vec::with_capacity(messages);
        let mut latencies = Vec::with_capacity(messages * self.members.len());
        while self.by_all - first < messages {
            let now = Instant::now();
            let next = start + interval * u32::try_from(due.len()).unwrap_or(u32::MAX);
            let wait = if due.len() == messages {
                PATIENCE
            } else if next <= now {
                self.say();
                // The latency counts from when it was due, even if it was sent late.
                due.push(next);
                continue;
            } else {
                next - now
            };
            self.wait_for_deliveries(wait, |member, message| {
                let due = message.checked_sub(first).and_then(|it| due.get(it));
                if let Some(due) = due.filter(|_| member < timed) {
                    latencies.push(due.elapsed());
                }
            })?;
        }
        latencies.sort_unstable();
        Ok(latencies)
    }

    /// Makes the last `count` members stop reading.
    pub fn stop_reading(&mut self, count: usize) -> io::Result<()> {
        let reading = self.members.len() - count;
        for member in &self.members[reading..] {
            epoll::delete(&self.epoll, &member.wire)?;
            // So that its output waits in the server, not in the kernel.
            set_socket_recv_buffer_size(&member.wire, 4_096)?;
        }
        self.stopped = count;
        Ok(())
    }

    /// Lets all members but the first say goodbye and leave at once. Waits until the
    /// server is idle, and returns how long that took.
    pub fn leave(mut self, server: &Server, patience: Duration) -> io::Result<Duration> {
        const TURN: Duration = Duration::from_millis(5);
        const IDLE: Duration = Duration::from_micros(200);
        let left = self.members.len().saturating_sub(1);
        let files = server.open_files()?.saturating_sub(left);
        let start = Instant::now();
        let mut busy = start;
        let mut used = server.cpu()?;
        for mut member in self.members.drain(1..) {
            // A member that the server has cut off meanwhile has left as well.
            let _ = member.wire.send(self.protocol.bye);
        }
        while busy.elapsed() < QUIET || server.open_files()? > files {
            if start.elapsed() > patience {
                let seconds = start.elapsed().as_secs();
                return Err(io::Error::other(format!(
                    "after {seconds} s the server was still busy with the leaves"
                )));
            }
            self.receive(TURN, |_, _| {})?;
            let now = server.cpu()?;
            if now.saturating_sub(used) > IDLE {
                busy = Instant::now();
            }
            used = now;
        }
        Ok(busy - start)
    }

    /// Queues a message of the next sender.
    fn say(&mut self) {
        let speaker = self.said % self.speakers;
        self.members[speaker].out.extend_from_slice(&self.message);
        self.said += 1;
    }

    /// Sends queued messages, and takes input. Fails if nothing comes within
    /// [`PATIENCE`].
    fn wait_for_deliveries(
        &mut self,
        wait: Duration,
        tell: impl FnMut(usize, usize),
    ) -> io::Result<()> {
        let mut waiting = false;
        for member in &mut self.members[..self.speakers] {
            member.wire.prepare(&mut member.out)?;
        }
        for member in &mut self.members[..self.speakers] {
            waiting |= !member.wire.flush(&mut member.out)?;
        }
        let came = self.receive(if waiting { AGAIN } else { wait }, tell)?;
        if !came && wait == PATIENCE && !waiting {
            let seconds = PATIENCE.as_secs();
            return Err(io::Error::other(format!(
                "a message did not reach everyone within {seconds} s"
            )));
        }
        Ok(())
    }

    /// Takes input, and returns whether there was any. Calls `tell` for each delivery with
    /// the numbers of the member and of the message.
    fn receive(&mut self, wait: Duration, mut tell: impl FnMut(usize, usize)) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        self.events.clear();
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&wait),
        )?;
        for event in &self.events {
            let number = usize::try_from(event.data.u64()).unwrap_or_default();
            let member = &mut self.members[number];
            let count = member.wire.take(&mut self.buffer)?;
            self.bytes += count;
            let bytes = &self.buffer[..count];
            if let Some(entry) = &mut member.entry {
                let (answer, inside) = entry.take(self.protocol, bytes);
                member.wire.send(&answer)?;
                if inside {
                    member.entry = None;
                    self.outside -= 1;
                }
                continue;
            }
            for _ in memchr_iter(MARK, bytes) {
                // Without an echo, a sender skips its own message.
                if !self.protocol.echoes
                    && number < self.speakers
                    && member.messages % self.speakers == number
                {
                    member.messages += 1;
                }
                tell(number, member.messages);
                // A surplus delivery would be counted for ever.
                let ahead = member.messages.checked_sub(self.by_all);
                let Some(ahead) = ahead.filter(|ahead| self.by_all + ahead < self.said) else {
                    return Err(io::Error::other("a message came twice"));
                };
                if ahead >= self.received_by.len() {
                    self.received_by.resize(ahead + 1, 0);
                }
                self.received_by[ahead] += 1;
                member.messages += 1;
            }
        }
        let all = self.receivers();
        while self.received_by.front().is_some_and(|by| *by >= all) {
            self.received_by.pop_front();
            self.by_all += 1;
        }
        Ok(!self.events.is_empty())
    }
}
