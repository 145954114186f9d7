//! Measures how fast the server is, compared with a minimal server and with others.
//!
//! Each server is a process of its own, and the kernel reports its CPU time. The
//! *floor* is a server without a protocol: one thread, one `epoll`, one `send` per
//! member and turn, with as many bytes per delivery as our frames. One run measures all
//! servers in turn, several times; the result is the ratio of the medians. See
//! docs/performance.md.
//!
//! `cargo bench --bench fanout`, or `./dev bench`.

// Cargo compiles a benchmark as a test but leaves its tests out. tests/fanout.rs runs
// them, and items that only they use are unused here.

#[path = "../../tests/support/anyone.rs"]
mod anyone;
mod chart;
mod figures;
mod flood;
mod floor;
mod groups;
mod load;
mod options;
mod peers;
#[path = "../../tests/support/process.rs"]
mod process;
mod protocol;
mod saved;
mod server;
mod surroundings;
mod table;
mod tls;
mod wire;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use self::figures::{counted, median};
use self::groups::{Group, Scale};
use self::load::Load;
use self::options::{Charts, Options};
use self::saved::Report;
use self::server::{Kind, Server};
use self::table::{Cell, Table};

/// After this time, no further rounds begin.
const BOUND: Duration = Duration::from_mins(12);

/// The numbers of members that join and leave at once.
const STORMS: [usize; 2] = [2_500, 10_000];

/// The open files other than the connections, at most.
const OTHER_FILES: usize = 500;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, port, frame_bytes] = &arguments[..]
        && flag == floor::FLAG
    {
        let number = |_| io::Error::other("not a number");
        return floor::run(
            port.parse().map_err(number)?,
            frame_bytes.parse().map_err(number)?,
        );
    }
    let options = Options::read(arguments).ok_or_else(|| io::Error::other(options::USAGE))?;
    if options.charts == Charts::Redraw {
        return saved::draw(saved::DOCS.as_ref());
    }
    Bench::prepare(options)?.run()
}

struct Bench {
    options: Options,
    /// The floor, our server, and the peers if the options ask for them.
    kinds: Vec<Kind>,
    table: Table,
    report: Report,
    start: Instant,
}

impl Bench {
    /// Prints the servers and the machine.
    fn prepare(options: Options) -> io::Result<Self> {
        let frame_bytes = frame_bytes()?;
        let mut kinds = vec![Kind::Floor { frame_bytes }, Kind::Chatroom];
        if options.peers {
            kinds.extend(peers::PEERS.map(Kind::Peer));
        }
        let mut report = Report::new(options.form);
        for line in surroundings::machine() {
            report.line(&line);
        }
        report.line("");
        for kind in &kinds {
            if let Some(version) = kind.version() {
                report.line(&format!("- {version}"));
            }
        }
        report.line(&format!(
            "\nA message of {} bytes has about {frame_bytes} bytes in a Chatroom frame.\n",
            protocol::TEXT_BYTES
        ));
        Ok(Self {
            table: Table::new(kinds.iter().map(|kind| kind.name()).collect()),
            options,
            kinds,
            report,
            start: Instant::now(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let scale = self.scale();
        self.report.write(|form| self.table.head(form));
        for group in groups::all(&scale) {
            let wanted = group.rows.iter().any(|row| self.options.want(&row.what));
            if !wanted {
                continue;
            }
            let cells = self.measure(&group);
            for (row, cells) in group.rows.iter().zip(&cells) {
                if self.options.want(&row.what) {
                    self.report.write(|form| self.table.row(form, row, cells));
                }
            }
            io::stdout().flush()?;
        }
        self.report
            .write(|form| format!("\n{}\n", self.table.foot(form)));
        let took = self.start.elapsed().as_secs();
        self.report.line(&format!("It took {took} s."));
        if self.options.peers {
            let folder = match self.options.charts {
                Charts::Target => saved::target(),
                _ => saved::DOCS.into(),
            };
            self.report.save(&folder)?;
        }
        Ok(())
    }

    fn scale(&self) -> Scale {
        let mut scale = if self.options.quick {
            Scale {
                talk: Duration::from_millis(200),
                steady: Duration::from_millis(300),
                storms: STORMS.map(|members| members / 10),
            }
        } else {
            Scale {
                talk: Duration::from_millis(800),
                steady: Duration::from_millis(1_500),
                storms: STORMS,
            }
        };
        let [few, many] = scale.storms;
        let files = surroundings::open_files(many + OTHER_FILES);
        if files < many + OTHER_FILES {
            let fewer = files.saturating_sub(OTHER_FILES).max(4);
            scale.storms = [(fewer * few / many).max(1), fewer];
            println!(
                "This system allows {} open files (ulimit -n): at most {} members join at once.\n",
                counted(files),
                counted(fewer)
            );
        }
        scale
    }

    /// Measures each server in turn, several times. Returns the median for each row and
    /// server, or the reason why there is none.
    fn measure(&mut self, group: &Group) -> Vec<Vec<Cell>> {
        let wanted = self.options.rounds.min(group.rounds);
        let mut rounds: Vec<Vec<Vec<f64>>> = vec![Vec::new(); self.kinds.len()];
        let mut failed: Vec<Option<usize>> = vec![None; self.kinds.len()];
        for round in 0..wanted {
            if round > 0 && self.start.elapsed() > BOUND {
                eprintln!("This takes long: no more than {round} rounds here.");
                break;
            }
            for (index, kind) in self.kinds.iter().copied().enumerate() {
                // A server that failed takes no part in further rounds.
                if failed[index].is_some() || !group.subjects.include(kind) {
                    continue;
                }
                let name = kind.name();
                progress(&format!(
                    "{}, round {}: {name}",
                    group.rows[0].what,
                    round + 1
                ));
                let mut figures = Vec::new();
                if let Err(error) = (group.measure)(kind, &mut figures) {
                    let note = format!("{name} was not measured: {error}");
                    failed[index] = Some(self.table.note(note));
                }
                rounds[index].push(figures);
            }
        }
        progress("");
        let cell = |row: usize, index: usize| {
            let figures = rounds[index]
                .iter()
                .filter_map(|round| round.get(row).copied());
            match (median(figures.collect()), failed[index]) {
                (Some(figure), _) => Cell::Figure(figure),
                (None, Some(note)) => Cell::Note(note),
                (None, None) => Cell::Empty,
            }
        };
        (0..group.rows.len())
            .map(|row| {
                (0..self.kinds.len())
                    .map(|index| cell(row, index))
                    .collect()
            })
            .collect()
    }
}

/// Shows a waiting person the current measurement.
fn progress(words: &str) {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K{words}");
        let _ = err.flush();
    }
}

/// The number of bytes that our server sends for a message.
fn frame_bytes() -> io::Result<usize> {
    let server = Server::start(Kind::Chatroom)?;
    let mut load = Load::join(&server, 1, 1, BOUND)?;
    let before = load.received();
    let messages = load.talk(1, Duration::from_millis(100))?;
    Ok((load.received() - before) / messages)
}
