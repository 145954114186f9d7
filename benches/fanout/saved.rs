//! The table as it is saved: `benchmark.md`, and the charts that are drawn from it. So the
//! charts in the documentation have no source but the table beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::chart::{self, Shown};
use super::table::Form;

/// Where the documentation has them.
pub const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

const TABLE: &str = "benchmark.md";

/// The charts, with their files: all rows that show something, and those that the README
/// has room for.
const CHARTS: [(&str, &[Shown]); 2] = [
    ("benchmark.svg", &chart::ROWS),
    ("benchmark-brief.svg", &chart::BRIEF),
];

/// Where a run leaves them that is not for the documentation.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("benchmark")
}

/// What a run reports: it is printed at once, and collected as Markdown.
pub struct Report {
    /// How it is printed.
    form: Form,
    text: String,
}

impl Report {
    pub fn new(form: Form) -> Self {
        let text = "# The last benchmark\n\n\
            `./dev bench --peers --save` wrote this file and the charts beside it. \
            [performance.md](performance.md) explains the rows.\n\n";
        Self {
            form,
            text: text.to_owned(),
        }
    }

    pub fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes what looks different on paper.
    pub fn write(&mut self, words: impl Fn(Form) -> String) {
        print!("{}", words(self.form));
        self.text.push_str(&words(Form::Markdown));
    }

    /// Saves the table, and draws the charts.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(TABLE), &self.text)?;
        draw(folder)
    }
}

/// Draws the charts of the table in this folder.
pub fn draw(folder: &Path) -> io::Result<()> {
    let results = Results::read(&fs::read_to_string(folder.join(TABLE))?);
    for (file, rows) in CHARTS {
        let path = folder.join(file);
        fs::write(&path, chart::draw(&results, rows))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// A saved table.
#[derive(Debug, Default)]
pub struct Results {
    /// The first line with the day, and the one with the machine.
    pub measured: String,
    pub machine: String,
    /// The servers, in the order of the columns.
    pub servers: Vec<String>,
    pub rows: Vec<Measured>,
}

/// A row of a saved table.
#[derive(Debug)]
pub struct Measured {
    pub what: String,
    pub unit: String,
    /// Ours to the floor's, if there are both.
    pub ratio: Option<f64>,
    /// Of each server; `None` where there is none.
    pub figures: Vec<Option<f64>>,
}

impl Results {
    /// Reads a table as [`Report`] writes it. What it does not know, it passes over.
    pub fn read(text: &str) -> Self {
        let mut results = Self::default();
        // The column of each server.
        let (mut columns, mut ratio_at) = (Vec::new(), usize::MAX);
        for line in text.lines() {
            if let Some(day) = line.strip_prefix("Measured on ") {
                day.trim_end_matches(" (UTC).")
                    .clone_into(&mut results.measured);
            } else if let Some(machine) = line.strip_prefix("Machine: ") {
                machine
                    .trim_end_matches('.')
                    .clone_into(&mut results.machine);
            }
            let Some(cells) = line.strip_prefix('|').and_then(|it| it.strip_suffix('|')) else {
                continue;
            };
            let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
            if columns.is_empty() {
                let others = ["what", "unit", "ratio", "goal", "met", "beside peers"];
                columns = (0..cells.len())
                    .filter(|index| !others.contains(&cells[*index]))
                    .collect();
                ratio_at = cells
                    .iter()
                    .position(|it| *it == "ratio")
                    .unwrap_or(ratio_at);
                results.servers = columns.iter().map(|it| cells[*it].to_owned()).collect();
            } else if let [what, unit, ..] = cells[..]
                && !what.starts_with("---")
            {
                let figure = |index: usize| cells.get(index).and_then(|it| it.parse().ok());
                results.rows.push(Measured {
                    what: what.to_owned(),
                    unit: unit.to_owned(),
                    ratio: figure(ratio_at),
                    figures: columns.iter().map(|it| figure(*it)).collect(),
                });
            }
        }
        results
    }

    pub fn row(&self, what: &str) -> Option<&Measured> {
        self.rows.iter().find(|row| row.what == what)
    }
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    const TEXT: &str = "\
# The last benchmark

Measured on 2026-11-22 (UTC).
Machine: 2 × AMD EPYC; Linux 6.18; Debian 13.

| what | unit | floor | chatroom | ratio | goal | met | ncat | beside peers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| a thing, 200 members | µs | 4.36 | 4.96 | 1.14 | ≤ 1.15 × fl. | met | no [1] | ahead |
| another | × | – | 4168 | – | – | – | 0.90 | – |
";

    #[test]
    fn a_table_is_read_as_it_is_written() {
        let results = Results::read(TEXT);
        assert_eq!(results.measured, "2026-11-22");
        assert_eq!(results.machine, "2 × AMD EPYC; Linux 6.18; Debian 13");
        assert_eq!(results.servers, ["floor", "chatroom", "ncat"]);
        assert_eq!(results.rows.len(), 2);
        let row = results.row("a thing, 200 members").unwrap();
        assert_eq!((&*row.unit, row.ratio), ("µs", Some(1.14)));
        assert_eq!(row.figures, [Some(4.36), Some(4.96), None]);
        assert_eq!(results.rows[1].figures, [None, Some(4168.0), Some(0.9)]);
        assert!(results.row("nothing").is_none());
    }

    #[test]
    fn a_text_without_a_table_has_no_rows() {
        assert!(Results::read("").rows.is_empty());
        assert!(Results::read("|\n||\n| a |").rows.is_empty());
    }

    #[test]
    fn the_charts_in_the_documentation_are_drawn_from_its_table() {
        let docs = Path::new(DOCS);
        let results = Results::read(&fs::read_to_string(docs.join(TABLE)).unwrap());
        for (file, rows) in CHARTS {
            for (what, _) in rows {
                assert!(results.row(what).is_some(), "no row {what}");
            }
            let drawn = fs::read_to_string(docs.join(file)).unwrap();
            assert!(
                drawn == chart::draw(&results, rows),
                "{file} is another one: ./dev bench --draw"
            );
        }
    }
}
