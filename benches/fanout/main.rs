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
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { ROUNDS };
    let scale = if quick { 10 } else { 1 };
    let frame_bytes = frame_bytes()?;
    println!("A frame of {TEXT_BYTES} bytes of text has about {frame_bytes} bytes.\n");

    println!("| | floor | chatroom | ratio | goal |");
    println!("| --- | --- | --- | --- | --- |");
    for (what, members, at_once, messages, goal) in [
        (
            "CPU per delivery, one at a time, 200 members",
            200,
            1,
            4_000,
            "≤ 1.15",
        ),
        (
            "CPU per delivery, one at a time, 1,000 members",
            1_000,
            1,
            800,
            "≤ 1.15",
        ),
        (
            "CPU per delivery, pipelined, 200 members",
            200,
            64,
            60_000,
            "≤ 1.5",
        ),
        (
            "CPU per delivery, pipelined, 1,000 members",
            1_000,
            64,
            12_000,
            "≤ 1.5",
        ),
    ] {
        let messages = messages / scale;
        let [floor, ours] = in_turn(rounds, frame_bytes, |kind| {
            let server = Server::start(kind)?;
            let mut load = Load::join(&server, members, SPEAKERS)?;
            load.talk(at_once, messages / 10 + 1)?;
            let before = server.cpu()?;
            load.talk(at_once, messages)?;
            let used = server.cpu()?.saturating_sub(before);
            #[allow(clippy::cast_precision_loss)]
            Ok(vec![used.as_secs_f64() * 1e6 / (messages * members) as f64])
        })?;
        row(what, "µs", &floor, &ours, 0, goal);
    }
    let [floor, ours] = in_turn(rounds, frame_bytes, |kind| {
        let server = Server::start(kind)?;
        let mut load = Load::join(&server, 200, SPEAKERS)?;
        load.talk(1, 100)?;
        let mut latencies = load.steady(STEADY, Duration::from_secs(if quick { 1 } else { 4 }))?;
        latencies.sort_unstable();
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        Ok(vec![at(50).as_secs_f64() * 1e3, at(99).as_secs_f64() * 1e3])
    })?;
    row(
        "p50 at 50,000 deliveries/s, 200 members",
        "ms",
        &floor,
        &ours,
        0,
        "",
    );
    row(
        "p99 at 50,000 deliveries/s, 200 members",
        "ms",
        &floor,
        &ours,
        1,
        "≤ 1.25",
    );

    let [floor, ours] = in_turn(1, frame_bytes, |kind| {
        let server = Server::start(kind)?;
        let before = server.memory()?;
        let members = 5_000 / scale;
        let _load = Load::join(&server, members, 0)?;
        #[allow(clippy::cast_precision_loss)]
        Ok(vec![
            (server.memory()? - before) as f64 / members as f64 / 1024.0,
        ])
    })?;
    row("memory per idle member", "KiB", &floor, &ours, 0, "≤ 2 KiB");
    io::stdout().flush()
}

/// Measures both servers in turn, and gives the medians of each figure.
fn in_turn(
    rounds: usize,
    frame_bytes: usize,
    mut measure: impl FnMut(Kind) -> io::Result<Vec<f64>>,
) -> io::Result<[Vec<f64>; 2]> {
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        all[0].push(measure(Kind::Floor { frame_bytes })?);
        all[1].push(measure(Kind::Chatroom)?);
    }
    Ok(all.map(|rounds| {
        (0..rounds[0].len())
            .map(|figure| {
                let mut values: Vec<f64> = rounds.iter().map(|round| round[figure]).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            })
            .collect()
    }))
}

fn row(what: &str, unit: &str, floor: &[f64], ours: &[f64], figure: usize, goal: &str) {
    let (floor, ours) = (floor[figure], ours[figure]);
    println!(
        "| {what} | {floor:.2} {unit} | {ours:.2} {unit} | {:.2} | {goal} |",
        ours / floor
    );
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
