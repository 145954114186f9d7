//! Many members join at once, and leave at once.

use std::time::Duration;

use super::super::figures::{as_f64, counted};
use super::super::load::Load;
use super::super::server::Server;
use super::super::table::{Better, Goal};
use super::{Group, Scale, Subjects, less, row};

pub fn storms(scale: &Scale) -> Group {
    let storms = scale.storms;
    // Not compared with peers: brokers report joins to nobody.
    let row = |what, unit, goal| row(what, unit, goal, Better::Neither);
    let mut rows = Vec::new();
    for (many, members) in storms.into_iter().enumerate() {
        let is_many = many == 1;
        let members = counted(members);
        // The second goal is the CPU time of 10,000 that join.
        let (time, cpu) = if is_many {
            (Goal::AtMost(10.0), Goal::AtMost(1.0))
        } else {
            (Goal::None, Goal::None)
        };
        if is_many {
            let what = format!("memory per idle member, {members} members");
            rows.push(less(what, "KiB", Goal::AtMost(1.5)));
        }
        rows.push(row(format!("{members} join at once: time"), "s", time));
        rows.push(row(format!("{members} join at once: CPU"), "s", cpu));
        rows.push(row(
            format!("{members} leave at once: time until idle"),
            "s",
            Goal::None,
        ));
        rows.push(row(
            format!("{members} leave at once: CPU"),
            "s",
            Goal::None,
        ));
    }
    let [few, many] = storms;
    let times = as_f64(many) / as_f64(few);
    // Quadratic work would be `times` squared.
    let linear = Goal::AtMost(times * 1.5);
    for what in ["join", "leave"] {
        let what = format!(
            "CPU when {} {what} ÷ when {} do",
            counted(many),
            counted(few)
        );
        rows.push(row(what, "×", linear));
    }
    Group {
        rows,
        subjects: Subjects::All,
        rounds: 3,
        measure: Box::new(move |kind, figures| {
            let mut cpu = Vec::new();
            for members in storms {
                // Longer than the goal, so that a miss is measured too.
                let patience = Duration::from_secs(15);
                let server = Server::start(kind)?;
                let (memory, before) = (server.memory()?, server.cpu()?);
                let load = Load::join(&server, members, 0, patience)?;
                let joined = server.cpu()?;
                let memory = server.memory()?.saturating_sub(memory);
                if members == storms[1] {
                    figures.push(as_f64(memory) / as_f64(members) / 1_024.0);
                }
                figures.push(load.joined_in.as_secs_f64());
                let joining = joined.saturating_sub(before).as_secs_f64();
                figures.push(joining);
                let left_in = load.leave(&server, patience)?;
                let leaving = server.cpu()?.saturating_sub(joined).as_secs_f64();
                figures.push(left_in.as_secs_f64());
                figures.push(leaving);
                cpu.push([joining, leaving]);
            }
            figures.extend([0, 1].map(|what| cpu[1][what] / cpu[0][what]));
            Ok(())
        }),
    }
}
