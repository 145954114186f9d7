//! The floor: the minimal server that passes every message on to everyone. One thread,
//! one `epoll`, one `send` per member and turn, no protocol.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use memchr::memchr_iter;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{listen, sockopt::set_tcp_nodelay};

use super::protocol::{MARK, Protocol};

/// The argument that makes this program the floor. The port and the bytes of a delivery
/// follow it.
pub const FLAG: &str = "--floor";

/// A line is a message.
pub const PROTOCOL: Protocol = Protocol {
    hello: |_| Vec::new(),
    steps: &[(GREETING, b"")],
    say: |text| format!("{text}\n").into_bytes(),
    bye: b"",
    echoes: true,
};

const GREETING: &[u8] = b"in\n";

const LISTENER: u64 = u64::MAX;

struct Member {
    stream: TcpStream,
    /// The bytes that the socket has not taken.
    rest: Vec<u8>,
}

/// Serves until killed.
pub fn run(port: u16, frame_bytes: usize) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listen(&listener, 4_096)?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let frame = [vec![b'x'; frame_bytes.saturating_sub(2)], vec![MARK, b'\n']].concat();
    let mut members: Vec<Option<Member>> = Vec::new();
    let mut events = Vec::with_capacity(1_024);
    let mut buffer = vec![0; 16 << 10];
    let mut out = Vec::new();
    loop {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        out.clear();
        for event in &events {
            let token = event.data.u64();
            if token == LISTENER {
                accept(&listener, &epoll, &mut members)?;
                continue;
            }
            let index = usize::try_from(token).unwrap_or_default();
            let Some(member) = &mut members[index] else {
                continue;
            };
            match member.stream.read(&mut buffer) {
                Ok(0) => members[index] = None,
                Ok(count) => {
                    for _ in memchr_iter(b'\n', &buffer[..count]) {
                        out.extend_from_slice(&frame);
                    }
                }
                Err(_) => {}
            }
            if let Some(member) = &mut members[index] {
                flush(member);
            }
        }
        if out.is_empty() {
            continue;
        }
        for member in members.iter_mut().flatten() {
            if !member.rest.is_empty() {
                member.rest.extend_from_slice(&out);
                flush(member);
                continue;
            }
            let count = member.stream.write(&out).unwrap_or(0);
            member.rest.extend_from_slice(&out[count..]);
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: impl AsFd,
    members: &mut Vec<Option<Member>>,
) -> io::Result<()> {
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(true)?;
        set_tcp_nodelay(&stream, true)?;
        let token = EventData::new_u64(members.len() as u64);
        // Edge-triggered: epoll reports room for output once.
        epoll::add(
            &epoll,
            &stream,
            token,
            EventFlags::IN | EventFlags::OUT | EventFlags::ET,
        )?;
        let mut member = Member {
            stream,
            rest: GREETING.to_vec(),
        };
        flush(&mut member);
        members.push(Some(member));
    }
    Ok(())
}

fn flush(member: &mut Member) {
    if !member.rest.is_empty()
        && let Ok(count) = member.stream.write(&member.rest)
    {
        member.rest.drain(..count);
    }
}
