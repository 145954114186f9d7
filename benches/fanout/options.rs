//! The arguments of the benchmark.

use super::table::Form;

/// The usage, for a person.
pub const USAGE: &str =
    "usage: [--quick] [--peers] [--markdown] [--only WORDS] [--rounds N] [--save], or --draw";

/// Where the table and its charts are saved, if the peers are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Charts {
    /// Beside the program.
    Target,
    /// In the documentation.
    Docs,
    /// Measure nothing: draw the charts in the documentation again, from the table there.
    Redraw,
}

/// What to measure, and how thoroughly.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Measure once, briefly, with few members in the rows *at once*.
    pub quick: bool,
    /// Measure the peers too.
    pub peers: bool,
    /// How the table is printed.
    pub form: Form,
    pub charts: Charts,
    /// Leave out rows without these words.
    pub only: Option<String>,
    /// The number of rounds; the table shows the medians.
    pub rounds: usize,
}

impl Options {
    /// Reads the arguments; `None` if they are wrong.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            quick: false,
            peers: false,
            form: Form::Aligned,
            charts: Charts::Target,
            only: None,
            rounds: 5,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => (options.quick, options.rounds) = (true, 1),
                "--peers" => options.peers = true,
                "--markdown" => options.form = Form::Markdown,
                "--save" => options.charts = Charts::Docs,
                "--draw" => options.charts = Charts::Redraw,
                "--only" => options.only = Some(arguments.next()?),
                "--rounds" => {
                    options.rounds = arguments.next()?.parse().ok().filter(|it| *it > 0)?;
                }
                // cargo passes this to every benchmark.
                "--bench" => {}
                _ => return None,
            }
        }
        // The documentation has the whole table, measured thoroughly.
        let is_whole = options.peers && !options.quick && options.only.is_none();
        (options.charts != Charts::Docs || is_whole).then_some(options)
    }

    /// Whether to measure a row.
    pub fn want(&self, what: &str) -> bool {
        self.only.as_ref().is_none_or(|words| what.contains(words))
    }
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    fn read(words: &str) -> Option<Options> {
        Options::read(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = read("--bench --peers --quick --rounds 2 --only pipelined").unwrap();
        assert!(options.peers && options.quick && options.form == Form::Aligned);
        assert_eq!(options.rounds, 2);
        assert!(options.want("CPU, pipelined") && !options.want("p99"));
        assert!(read("").unwrap().want("p99"));
    }

    #[test]
    fn the_table_is_saved_and_drawn_where_that_is_asked_for() {
        let options = read("--peers --save").unwrap();
        assert_eq!(options.charts, Charts::Docs);
        assert_eq!(read("--draw").unwrap().charts, Charts::Redraw);
        assert_eq!(read("--peers").unwrap().charts, Charts::Target);
    }

    #[test]
    fn wrong_options_are_refused() {
        for wrong in [
            "--fast",
            "--only",
            "--rounds",
            "--rounds 0",
            "pipelined",
            "--save",
            "--peers --save --quick",
            "--peers --save --only p99",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
