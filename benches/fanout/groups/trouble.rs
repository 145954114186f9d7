//! Members who could disturb others: one who sends too much, and some who do not read.

use super::super::flood::Flood;
use super::super::load::Load;
use super::super::server::Server;
use super::super::table::Goal;
use super::{Group, PATIENCE, PIPELINED, SPEAKERS, Scale, Subjects, less, milliseconds};

/// The number of members, of 1,000, who stop reading.
const STOPPED: usize = 100;

pub fn flood(scale: &Scale) -> Group {
    // Enough senders that each stays within the server's default limit.
    const SPEAKERS: usize = 100;
    let steady = scale.steady * 2;
    Group {
        rows: vec![
            less("p99, nobody floods, 200 members", "ms", Goal::None),
            less("p99, one member floods, 200 members", "ms", Goal::None),
            less("p99 with one who floods ÷ without", "×", Goal::AtMost(1.5)),
        ],
        subjects: Subjects::Ours,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let server = Server::start_with(kind, &["--max-per-address", "0"])?;
            let mut load = Load::join(&server, 200, SPEAKERS, PATIENCE)?;
            load.steady(250, steady / 10, 0)?;
            let without = milliseconds(&load.steady(250, steady, 200)?, 99)?;
            figures.push(without);
            let _flood = Flood::start(&server)?;
            load.steady(250, steady / 10, 0)?;
            let with = milliseconds(&load.steady(250, steady, 200)?, 99)?;
            figures.extend([with, with / without]);
            Ok(())
        }),
    }
}

pub fn stopped(scale: &Scale) -> Group {
    let (talk, steady) = (scale.talk, scale.steady * 2);
    Group {
        rows: vec![
            less("p99, all read, 1,000 members", "ms", Goal::None),
            less("p99, 100 of them do not read", "ms", Goal::None),
            less(
                "p99 with 100 who do not read ÷ without",
                "×",
                Goal::AtMost(1.1),
            ),
        ],
        subjects: Subjects::FloorAndOurs,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let reading = 1_000 - STOPPED;
            let server = Server::start(kind)?;
            let mut load = Load::join(&server, 1_000, SPEAKERS, PATIENCE)?;
            load.talk(1, talk / 10)?;
            let without = milliseconds(&load.steady(50, steady, reading)?, 99)?;
            figures.push(without);
            load.stop_reading(STOPPED)?;
            // Until the kernel's buffers for them are full.
            let mut messages = 0;
            while messages < 4_000 {
                messages += load.talk(PIPELINED, talk / 4)?;
            }
            let with = milliseconds(&load.steady(50, steady, reading)?, 99)?;
            figures.extend([with, with / without]);
            Ok(())
        }),
    }
}
