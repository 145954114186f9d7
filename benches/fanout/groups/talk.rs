//! Messages: the CPU time of a delivery, its latency, and the throughput.

use std::io;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::figures::{as_f64, counted};
use super::super::load::{Crowd, Load};
use super::super::server::{Server, chatroom};
use super::super::table::{Better, Goal};
use super::super::wire::Wire;
use super::{Group, PATIENCE, PIPELINED, SPEAKERS, Scale, Subjects, less, milliseconds, row};

pub fn small(scale: &Scale) -> Group {
    let (talk, steady) = (scale.talk, scale.steady);
    Group {
        rows: vec![
            less(
                "CPU per delivery, one at a time, 200 members",
                "µs",
                Goal::OfFloor(1.1),
            ),
            less(
                "CPU per delivery, pipelined, 200 members",
                "µs",
                Goal::OfFloor(1.2),
            ),
            less("p50 at 50,000 deliveries/s, 200 members", "ms", Goal::None),
            less(
                "p99 at 50,000 deliveries/s, 200 members",
                "ms",
                Goal::OfFloor(1.15),
            ),
            less("p50 at 100,000 deliveries/s, 200 members", "ms", Goal::None),
            less("p99 at 100,000 deliveries/s, 200 members", "ms", Goal::None),
        ],
        subjects: Subjects::All,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let server = Server::start(kind)?;
            let mut load = Load::join(&server, 200, SPEAKERS, PATIENCE)?;
            for at_once in [1, PIPELINED] {
                figures.push(Talk::measure(&server, &mut load, at_once, talk)?.cpu_per_delivery());
            }
            for rate in [250, 500] {
                load.steady(rate, steady / 10, 0)?;
                let latencies = load.steady(rate, steady, 200)?;
                figures.push(milliseconds(&latencies, 50)?);
                figures.push(milliseconds(&latencies, 99)?);
            }
            Ok(())
        }),
    }
}

pub fn large(scale: &Scale) -> Group {
    let talk = scale.talk;
    Group {
        rows: vec![
            less(
                "memory per idle member, 1,000 members",
                "KiB",
                Goal::AtMost(1.5),
            ),
            less(
                "CPU per delivery, one at a time, 1,000 members",
                "µs",
                Goal::OfFloor(1.1),
            ),
            less(
                "CPU per delivery, pipelined, 1,000 members",
                "µs",
                Goal::OfFloor(1.2),
            ),
            row(
                "deliveries, pipelined, 1,000 members".to_owned(),
                "1,000/s",
                Goal::None,
                Better::More,
            ),
            row(
                "cores the server uses, pipelined, 1,000 members".to_owned(),
                "cores",
                Goal::None,
                Better::Neither,
            ),
        ],
        subjects: Subjects::All,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let server = Server::start(kind)?;
            let before = server.memory()?;
            let mut load = Load::join(&server, 1_000, SPEAKERS, PATIENCE)?;
            let grown = server.memory()?.saturating_sub(before);
            figures.push(as_f64(grown) / 1_000.0 / 1_024.0);
            figures.push(Talk::measure(&server, &mut load, 1, talk)?.cpu_per_delivery());
            let pipelined = Talk::measure(&server, &mut load, PIPELINED, talk)?;
            figures.push(pipelined.cpu_per_delivery());
            figures.push(pipelined.per_second() / 1e3);
            figures.push(pipelined.cpu.as_secs_f64() / pipelined.elapsed.as_secs_f64());
            Ok(())
        }),
    }
}

pub fn store(scale: &Scale, members: usize) -> Group {
    let talk = scale.talk;
    let what = counted(members);
    Group {
        rows: vec![
            row(
                format!("deliveries, pipelined, with --store, {what} members"),
                "1,000/s",
                Goal::None,
                Better::More,
            ),
            row(
                format!("the same ÷ without --store, {what} members"),
                "×",
                Goal::AtLeast(0.7),
                Better::More,
            ),
        ],
        subjects: Subjects::Ours,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let help = chatroom(&["--help"]).output()?.stdout;
            if memchr::memmem::find(&help, b"--store").is_none() {
                return Err(io::Error::other("this chatroom has no --store"));
            }
            // Beside the program, because the temporary folder may be in memory.
            let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
            let file = folder.path().join("room");
            let stored = ["--store", file.to_str().unwrap_or("room")];
            let mut per_second = Vec::new();
            for arguments in [&stored[..], &[]] {
                let limits = ["--rate", "0", "--max-per-address", "0"];
                let server = Server::start_with(kind, &[&limits, arguments].concat())?;
                let mut load = Load::join(&server, members, SPEAKERS, PATIENCE)?;
                let pipelined = Talk::measure(&server, &mut load, PIPELINED, talk)?;
                per_second.push(pipelined.per_second() / 1e3);
            }
            figures.extend([per_second[0], per_second[0] / per_second[1]]);
            Ok(())
        }),
    }
}

/// The cost of a number of messages.
pub(super) struct Talk {
    cpu: Duration,
    elapsed: Duration,
    deliveries: usize,
}

impl Talk {
    /// Warms the server up, and then measures.
    pub(super) fn measure<W: Wire>(
        server: &Server,
        load: &mut Crowd<W>,
        at_once: usize,
        duration: Duration,
    ) -> io::Result<Self> {
        load.talk(at_once, duration / 8)?;
        let (start, before) = (Instant::now(), server.cpu()?);
        let messages = load.talk(at_once, duration)?;
        Ok(Self {
            elapsed: start.elapsed(),
            cpu: server.cpu()?.saturating_sub(before),
            deliveries: messages * load.receivers(),
        })
    }

    /// The CPU time per delivery, in microseconds.
    pub(super) fn cpu_per_delivery(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / as_f64(self.deliveries)
    }

    fn per_second(&self) -> f64 {
        as_f64(self.deliveries) / self.elapsed.as_secs_f64()
    }
}
