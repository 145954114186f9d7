//! The measurements, in groups of rows that one start of a server yields together.

mod encrypted;
mod storms;
mod talk;
mod trouble;

use std::io;
use std::time::Duration;

use super::figures::percentile;
use super::server::Kind;
use super::table::{Better, Goal, Row};

/// The number of messages on their way when they are pipelined.
const PIPELINED: usize = 64;

/// The number of senders.
const SPEAKERS: usize = 4;

/// The longest time that members may take to join before a measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// The extent of the measurements.
pub struct Scale {
    /// How long the senders send for each figure.
    pub talk: Duration,
    /// How long they send at a fixed rate.
    pub steady: Duration,
    /// The numbers of members that join and leave at once: few, and many.
    pub storms: [usize; 2],
}

/// Rows that one measurement yields together.
pub struct Group {
    pub rows: Vec<Row>,
    pub subjects: Subjects,
    /// The most rounds.
    pub rounds: usize,
    /// Adds the figures in the order of the rows. After a failure, the figures so far count.
    pub measure: Measure,
}

type Measure = Box<dyn Fn(Kind, &mut Vec<f64>) -> io::Result<()>>;

/// The servers that a group measures.
#[derive(Clone, Copy, PartialEq)]
pub enum Subjects {
    All,
    FloorAndOurs,
    Ours,
    /// Ours, and the peers that are measured inside TLS.
    Encrypted,
}

impl Subjects {
    pub fn include(self, kind: Kind) -> bool {
        match kind {
            Kind::Chatroom => true,
            Kind::Floor { .. } => matches!(self, Self::All | Self::FloorAndOurs),
            Kind::Peer(peer) => {
                self == Self::All || (self == Self::Encrypted && peer.encrypted.is_some())
            }
        }
    }
}

/// All groups.
pub fn all(scale: &Scale) -> Vec<Group> {
    vec![
        talk::small(scale),
        talk::large(scale),
        storms::storms(scale),
        trouble::flood(scale),
        trouble::stopped(scale),
        talk::store(scale, 200),
        talk::store(scale, 1_000),
        encrypted::talk(scale),
        encrypted::members(scale),
        encrypted::storm(scale),
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
