//! How much a delivery costs the server, beside the least that it can cost.
//!
//! The servers are processes of their own, and their CPU time is the kernel's
//! account of it. The *floor* is a server without a protocol: one thread, one
//! `epoll`, one `send` per member and turn, with as many bytes per delivery as our
//! frames have. All are measured in one run, in turn, several times; what counts is
//! the ratio of the medians.
//!
//! `cargo bench --bench fanout`, or `./dev bench`.

mod floor;
mod load;
mod server;

use std::io::{self, Write as _};
use std::time::Duration;

use self::load::Load;
use self::server::{Kind, Server};

/// Who speaks, of those in the room.
const SPEAKERS: usize = 4;

/// What is said: so many bytes each time.
const TEXT_BYTES: usize = 64;

/// How often each thing is measured; the medians are told.
const ROUNDS: usize = 5;

/// The messages a second of the open loop, with 200 members: 50,000 deliveries a
/// second.
const STEADY: u32 = 250;

fn main() -> io::Result<()> {
    if let Some(bytes) = std::env::var_os(floor::FRAME_BYTES) {
        return floor::run(bytes.to_str().and_then(|it| it.parse().ok()).unwrap_or(1));
    }
    let mut bench = Bench {
        rounds: ROUNDS,
        part: 1,
        only: None,
        frame_bytes: frame_bytes()?,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => (bench.rounds, bench.part) = (1, 10),
            "--only" => bench.only = arguments.next(),
            // What cargo itself gives to a benchmark.
            "--bench" => {}
            _ => return Err(io::Error::other("usage: fanout [--quick] [--only WORDS]")),
        }
    }
    let frame_bytes = bench.frame_bytes;
    println!("A frame of {TEXT_BYTES} bytes of text has about {frame_bytes} bytes.\n");
    println!("| what | floor | chatroom | ratio | goal |");
    println!("| --- | --- | --- | --- | --- |");
    bench.cpu("one at a time", 1, 200, 4_000, "≤ 1.15")?;
    bench.cpu("one at a time", 1, 1_000, 800, "≤ 1.15")?;
    bench.cpu("pipelined", 64, 200, 60_000, "≤ 1.5")?;
    bench.cpu("pipelined", 64, 1_000, 12_000, "≤ 1.5")?;
    bench.latency()?;
    bench.memory()
}

/// What is measured, and how thoroughly.
struct Bench {
    rounds: usize,
    /// One in so many messages, members and seconds is enough.
    part: usize,
    /// Rows without these words are left out.
    only: Option<String>,
    frame_bytes: usize,
}

impl Bench {
    /// The CPU time of the server per delivery.
    fn cpu(
        &self,
        how: &str,
        at_once: usize,
        members: usize,
        messages: usize,
        goal: &str,
    ) -> io::Result<()> {
        let what = format!("CPU per delivery, {how}, {members} members");
        let messages = messages / self.part;
        self.rows(&[(&what, "µs", goal)], |server| {
            let mut load = Load::join(server, members, SPEAKERS)?;
            load.talk(at_once, messages / 10 + 1)?;
            let before = server.cpu()?;
            load.talk(at_once, messages)?;
            let used = server.cpu()?.saturating_sub(before);
            Ok(vec![used.as_secs_f64() * 1e6 / as_f64(messages * members)])
        })
    }

    /// How long a message takes to each of 200 members, at a steady rate.
    fn latency(&self) -> io::Result<()> {
        let seconds = if self.part == 1 { 4 } else { 1 };
        let rows = [
            ("p50 at 50,000 deliveries/s, 200 members", "ms", ""),
            ("p99 at 50,000 deliveries/s, 200 members", "ms", "≤ 1.25"),
        ];
        self.rows(&rows, |server| {
            let mut load = Load::join(server, 200, SPEAKERS)?;
            load.talk(1, 100)?;
            let mut latencies = load.steady(STEADY, Duration::from_secs(seconds))?;
            latencies.sort_unstable();
            let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
            Ok([50, 99]
                .map(|percent| at(percent).as_secs_f64() * 1e3)
                .to_vec())
        })
    }

    /// What the server holds for a member who does nothing.
    fn memory(&self) -> io::Result<()> {
        let members = 5_000 / self.part;
        self.rows(&[("memory per idle member", "KiB", "≤ 2 KiB")], |server| {
            let before = server.memory()?;
            let _load = Load::join(server, members, 0)?;
            let grown = server.memory()?.saturating_sub(before);
            Ok(vec![as_f64(grown) / as_f64(members) / 1_024.0])
        })
    }

    /// Measures both servers in turn, and prints the medians of each figure.
    fn rows(
        &self,
        rows: &[(&str, &str, &str)],
        mut measure: impl FnMut(&Server) -> io::Result<Vec<f64>>,
    ) -> io::Result<()> {
        let wanted = |words: &String| rows.iter().any(|(what, ..)| what.contains(words));
        if !self.only.as_ref().is_none_or(wanted) {
            return Ok(());
        }
        let kinds = [
            Kind::Floor {
                frame_bytes: self.frame_bytes,
            },
            Kind::Chatroom,
        ];
        let mut measured = [Vec::new(), Vec::new()];
        for _ in 0..self.rounds {
            for (kind, figures) in kinds.into_iter().zip(&mut measured) {
                figures.push(measure(&Server::start(kind)?)?);
            }
        }
        for (index, (what, unit, goal)) in rows.iter().enumerate() {
            let [floor, ours] = measured.each_ref().map(|rounds| {
                let mut values: Vec<f64> = rounds.iter().map(|round| round[index]).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            });
            let ratio = ours / floor;
            println!("| {what} | {floor:.2} {unit} | {ours:.2} {unit} | {ratio:.2} | {goal} |");
        }
        io::stdout().flush()
    }
}

/// As exact as a figure needs to be.
#[allow(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}

/// The bytes that our server sends for a message of [`TEXT_BYTES`].
fn frame_bytes() -> io::Result<usize> {
    let server = Server::start(Kind::Chatroom)?;
    let mut load = Load::join(&server, 1, 1)?;
    let messages = 1_000;
    let before = load.received();
    load.talk(1, messages)?;
    Ok((load.received() - before) / messages)
}
