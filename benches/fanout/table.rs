//! The table: a line for each row, with the goal beside it and whether it is met.

use std::fmt::Write as _;

use super::figures::written;

/// The goal for a figure of our server.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At most this many times the floor's figure.
    OfFloor(f64),
    AtMost(f64),
    AtLeast(f64),
    None,
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, PartialEq)]
pub enum Better {
    Less,
    More,
    Neither,
}

/// A row of the table.
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub goal: Goal,
    pub better: Better,
}

/// A figure, or the number of the note with the reason why there is none.
#[derive(Clone, Copy)]
pub enum Cell {
    Figure(f64),
    Note(usize),
    Empty,
}

/// The width of the first column.
const WHAT: usize = 56;
/// The least width of the other columns.
const OTHER: usize = 12;

/// How the table is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// In columns below each other, for a terminal.
    Aligned,
    Markdown,
}

/// Formats the table line by line.
pub struct Table {
    /// The floor, our server, and then the peers.
    subjects: Vec<&'static str>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(subjects: Vec<&'static str>) -> Self {
        Self {
            subjects,
            notes: Vec::new(),
        }
    }

    pub fn head(&self, form: Form) -> String {
        let mut cells = vec!["what", "unit", "floor", "chatroom", "ratio", "goal", "met"];
        if self.has_peers() {
            cells.extend(&self.subjects[2..]);
            cells.push("beside peers");
        }
        let head = form.line(&cells);
        let rule = match form {
            Form::Markdown => form.line(&vec!["---"; cells.len()]),
            Form::Aligned => "-".repeat(head.trim_end().chars().count()) + "\n",
        };
        head + &rule
    }

    /// Adds a note, unless it exists, and returns its number.
    pub fn note(&mut self, words: String) -> usize {
        let known = self.notes.iter().position(|note| *note == words);
        known.unwrap_or_else(|| {
            self.notes.push(words);
            self.notes.len() - 1
        }) + 1
    }

    /// `cells` are in the order of the subjects.
    pub fn row(&self, form: Form, row: &Row, cells: &[Cell]) -> String {
        let figure = |index: usize| match cells.get(index) {
            Some(Cell::Figure(value)) => Some(*value),
            _ => None,
        };
        let (floor, ours) = (figure(0), figure(1));
        // A row that is a ratio gets no further ratio.
        let compared = if row.unit == "×" {
            None
        } else {
            floor.zip(ours)
        };
        let ratio = compared.map(|(floor, ours)| ours / floor);
        let (goal, met) = row.goal.judged(ours, ratio);
        let in_words = |cell: &Cell| match cell {
            Cell::Figure(value) => written(*value),
            Cell::Note(number) => format!("no [{number}]"),
            Cell::Empty => "–".to_owned(),
        };
        let mut line: Vec<String> = vec![row.what.clone(), row.unit.to_owned()];
        line.extend(cells[..2].iter().map(in_words));
        line.push(ratio.map_or_else(|| "–".to_owned(), written));
        line.push(goal);
        line.push(met.to_owned());
        if self.has_peers() {
            line.extend(cells[2..].iter().map(in_words));
            line.push(self.beside_peers(row.better, ours, cells));
        }
        form.line(&line)
    }

    /// The notes, with their numbers.
    pub fn foot(&self, form: Form) -> String {
        let mut words = String::new();
        for (index, note) in self.notes.iter().enumerate() {
            let break_before = if form == Form::Markdown { "\n" } else { "" };
            let _ = writeln!(words, "{break_before}[{}] {note}", index + 1);
        }
        words
    }

    /// "ahead" if our server is ahead of all peers, or the names of the others.
    fn beside_peers(&self, better: Better, ours: Option<f64>, cells: &[Cell]) -> String {
        let Some(ours) = ours.filter(|_| better != Better::Neither) else {
            return "–".to_owned();
        };
        let mut measured = false;
        let mut behind = Vec::new();
        for (cell, name) in cells.iter().zip(&self.subjects).skip(2) {
            if let Cell::Figure(theirs) = cell {
                measured = true;
                let ahead = if better == Better::Less {
                    ours < *theirs
                } else {
                    ours > *theirs
                };
                if !ahead {
                    behind.push(*name);
                }
            }
        }
        match (measured, behind.is_empty()) {
            (false, _) => "–".to_owned(),
            (_, true) => "ahead".to_owned(),
            _ => format!("BEHIND {}", behind.join(", ")),
        }
    }

    fn has_peers(&self) -> bool {
        self.subjects.len() > 2
    }
}

impl Form {
    fn line(self, cells: &[impl AsRef<str>]) -> String {
        let mut line = String::new();
        for (index, cell) in cells.iter().map(AsRef::as_ref).enumerate() {
            let _ = match (self, index) {
                (Self::Markdown, 0) => write!(line, "| {cell} |"),
                (Self::Markdown, _) => write!(line, " {cell} |"),
                (Self::Aligned, 0) => write!(line, "{cell:WHAT$}"),
                (Self::Aligned, _) => write!(line, "  {cell:OTHER$}"),
            };
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    }
}

impl Goal {
    /// The goal in words, and whether it is met.
    fn judged(self, ours: Option<f64>, ratio: Option<f64>) -> (String, &'static str) {
        let (words, met) = match self {
            Self::OfFloor(most) => (format!("≤ {most} × fl."), ratio.map(|it| it <= most)),
            Self::AtMost(most) => (format!("≤ {most}"), ours.map(|it| it <= most)),
            Self::AtLeast(least) => (format!("≥ {least}"), ours.map(|it| it >= least)),
            Self::None => return ("–".to_owned(), "–"),
        };
        let met = match met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        (words, met)
    }
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    fn row(goal: Goal, better: Better) -> Row {
        Row {
            what: "a thing".to_owned(),
            unit: "µs",
            goal,
            better,
        }
    }

    fn cells(line: &str) -> Vec<&str> {
        line.trim_matches(['|', '\n', ' ']).split(" | ").collect()
    }

    #[test]
    fn a_goal_is_judged_by_the_ratio_or_by_the_figure() {
        let table = Table::new(vec!["floor", "chatroom"]);
        for (goal, met) in [
            (Goal::OfFloor(1.5), "met"),
            (Goal::OfFloor(1.4), "MISSED"),
            (Goal::AtMost(3.0), "met"),
            (Goal::AtMost(2.9), "MISSED"),
            (Goal::AtLeast(3.0), "met"),
            (Goal::AtLeast(3.1), "MISSED"),
            (Goal::None, "–"),
        ] {
            let figures = [Cell::Figure(2.0), Cell::Figure(3.0)];
            let line = table.row(Form::Markdown, &row(goal, Better::Less), &figures);
            assert_eq!(cells(&line)[..5], ["a thing", "µs", "2.00", "3.00", "1.50"]);
            assert_eq!(cells(&line)[6], met, "{line}");
        }
        let line = table.row(
            Form::Markdown,
            &row(Goal::OfFloor(1.5), Better::Less),
            &[Cell::Empty, Cell::Empty],
        );
        assert_eq!(cells(&line)[6], "unknown");
    }

    #[test]
    fn who_is_ahead_of_ours_is_named() {
        let table = Table::new(vec!["floor", "chatroom", "a", "b", "c"]);
        let figures = [1.0, 3.0, 2.0, 4.0].map(Cell::Figure);
        let figures = [&figures[..], &[Cell::Note(1)]].concat();
        let beside = |better| {
            let line = table.row(Form::Markdown, &row(Goal::None, better), &figures);
            cells(&line)[7..].join(" ")
        };
        assert_eq!(beside(Better::Less), "2.00 4.00 no [1] BEHIND a");
        assert_eq!(beside(Better::More), "2.00 4.00 no [1] BEHIND b");
        assert_eq!(beside(Better::Neither), "2.00 4.00 no [1] –");
        let figures = [
            Cell::Empty,
            Cell::Figure(1.0),
            Cell::Figure(2.0),
            Cell::Empty,
            Cell::Empty,
        ];
        let line = table.row(Form::Markdown, &row(Goal::None, Better::Less), &figures);
        assert_eq!(cells(&line)[10], "ahead");
    }

    #[test]
    fn a_note_is_told_once() {
        let mut table = Table::new(vec!["floor", "chatroom"]);
        assert_eq!(table.note("one".to_owned()), 1);
        assert_eq!(table.note("two".to_owned()), 2);
        assert_eq!(table.note("one".to_owned()), 1);
        assert_eq!(table.foot(Form::Aligned), "[1] one\n[2] two\n");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let table = Table::new(vec!["floor", "chatroom"]);
        let figures = [Cell::Figure(2.0), Cell::Figure(3.0)];
        let line = table.row(Form::Aligned, &row(Goal::None, Better::Less), &figures);
        let at = |line: &str, word: &str| line.split(word).next().map(|it| it.chars().count());
        assert_eq!(
            at(&table.head(Form::Aligned), "chatroom"),
            at(&line, "3.00")
        );
    }
}
