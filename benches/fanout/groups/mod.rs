//! What is measured: rows that one start of a server gives together.

mod storms;
mod talk;
mod trouble;

use std::io;
use std::time::Duration;

use super::figures::percentile;
use super::server::Kind;
use super::table::{Better, Goal, Row};

/// How many messages are on their way when they are pipelined.
const PIPELINED: usize = 64;

/// Who speaks, of those in the room.
const SPEAKERS: usize = 4;

/// How long members may take to come into a room in which something is to be measured.
const PATIENCE: Duration = Duration::from_secs(30);

/// How thoroughly it is measured.
pub struct Scale {
    /// How long the speakers talk for each figure.
    pub talk: Duration,
    /// How long they talk at a fixed rate.
    pub steady: Duration,
    /// How many members come and leave at once: a few, and many.
    pub storms: [usize; 2],
}

/// Rows that are measured together.
pub struct Group {
    pub rows: Vec<Row>,
    pub subjects: Subjects,
    /// At most so many rounds.
    pub rounds: usize,
    /// Adds the figures in the order of the rows; those before a failure count.
    pub measure: Measure,
}

type Measure = Box<dyn Fn(Kind, &mut Vec<f64>) -> io::Result<()>>;

/// Which servers a group is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Subjects {
    All,
    FloorAndOurs,
    Ours,
}

impl Subjects {
    pub fn include(self, kind: Kind) -> bool {
        match kind {
            Kind::Chatroom => true,
            Kind::Floor { .. } => self != Self::Ours,
            Kind::Peer(_) => self == Self::All,
        }
    }
}

/// Everything there is.
pub fn all(scale: &Scale) -> Vec<Group> {
    vec![
        talk::small(scale),
        talk::large(scale),
        storms::storms(scale),
        trouble::flood(scale),
        trouble::stopped(scale),
        talk::store(scale, 200),
        talk::store(scale, 1_000),
    ]
}

fn row(what: String, unit: &'static str, goal: Goal, better: Better) -> Row {
    Row {
        what,
        unit,
        goal,
        better,
    }
}

fn less(what: impl Into<String>, unit: &'static str, goal: Goal) -> Row {
    row(what.into(), unit, goal, Better::Less)
}

fn milliseconds(latencies: &[Duration], percent: usize) -> io::Result<f64> {
    percentile(latencies, percent)
        .map(|it| it.as_secs_f64() * 1e3)
        .ok_or_else(|| io::Error::other("nothing was received"))
}
