//! The same inside TLS, beside plaintext in the same round.

use std::time::Duration;

use super::super::figures::{as_f64, counted};
use super::super::load::{Crowd, Load};
use super::super::server::Server;
use super::super::table::{Better, Goal};
use super::super::tls::Tls;
use super::talk::Talk;
use super::{Group, PATIENCE, PIPELINED, SPEAKERS, Scale, Subjects, less, row};

/// The members in TLS of one server, and as many in plaintext of another one, take turns:
/// so that what a machine does meanwhile reaches both.
const TURNS: u32 = 4;

pub fn talk(scale: &Scale) -> Group {
    let talk = scale.talk;
    let mut rows = Vec::new();
    for (how, goal) in [
        ("one at a time", Goal::AtMost(1.25)),
        ("pipelined", Goal::AtMost(1.35)),
    ] {
        let what = format!("CPU per delivery in TLS, {how}, 200 members");
        rows.push(less(what, "µs", Goal::None));
        let what = format!("CPU in TLS ÷ in plaintext, {how}, 200 members");
        rows.push(row(what, "×", goal, Better::Neither));
    }
    Group {
        rows,
        subjects: Subjects::Encrypted,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let plain_server = Server::start(kind)?;
            let mut plain_load = Load::join(&plain_server, 200, SPEAKERS, PATIENCE)?;
            let server = Server::start_encrypted(kind)?;
            let mut load = Crowd::<Tls>::join(&server, 200, SPEAKERS, PATIENCE)?;
            for at_once in [1, PIPELINED] {
                let (mut plain, mut encrypted) = (0.0, 0.0);
                for _ in 0..TURNS {
                    let turn = talk / TURNS;
                    plain += Talk::measure(&plain_server, &mut plain_load, at_once, turn)?
                        .cpu_per_delivery();
                    encrypted +=
                        Talk::measure(&server, &mut load, at_once, turn)?.cpu_per_delivery();
                }
                figures.push(encrypted / f64::from(TURNS));
                figures.push(encrypted / plain);
            }
            Ok(())
        }),
    }
}

pub fn members(_: &Scale) -> Group {
    Group {
        rows: vec![less(
            "memory per idle member in TLS, 1,000 members",
            "KiB",
            Goal::AtMost(5.5),
        )],
        subjects: Subjects::Encrypted,
        rounds: usize::MAX,
        measure: Box::new(move |kind, figures| {
            let server = Server::start_encrypted(kind)?;
            let before = server.memory()?;
            let _load = Crowd::<Tls>::join(&server, 1_000, 0, PATIENCE)?;
            let grown = server.memory()?.saturating_sub(before);
            figures.push(as_f64(grown) / 1_000.0 / 1_024.0);
            Ok(())
        }),
    }
}

/// Ours alone: of the peers, the IRC servers cannot do it in plaintext either.
pub fn storm(scale: &Scale) -> Group {
    let [_, members] = scale.storms;
    let many = counted(members);
    Group {
        rows: vec![
            less(
                format!("memory per idle member in TLS, {many} members"),
                "KiB",
                Goal::AtMost(5.5),
            ),
            less(
                format!("{many} join at once in TLS: time"),
                "s",
                Goal::AtMost(30.0),
            ),
            less(
                format!("{many} join at once in TLS: CPU"),
                "s",
                Goal::AtMost(4.0),
            ),
        ],
        subjects: Subjects::Ours,
        rounds: 3,
        measure: Box::new(move |kind, figures| {
            let server = Server::start_encrypted(kind)?;
            let (memory, before) = (server.memory()?, server.cpu()?);
            let load = Crowd::<Tls>::join(&server, members, 0, Duration::from_mins(1))?;
            let cpu = server.cpu()?.saturating_sub(before);
            let grown = server.memory()?.saturating_sub(memory);
            figures.push(as_f64(grown) / as_f64(members) / 1_024.0);
            figures.push(load.joined_in.as_secs_f64());
            figures.push(cpu.as_secs_f64());
            Ok(())
        }),
    }
}
