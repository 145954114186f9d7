//! The chart of a saved table: for each of some rows a bar for each server, as an SVG that
//! needs nothing else. It has a background of its own and follows the reader's choice of
//! light or dark.

use std::fmt::Write as _;

use super::figures::written;
use super::saved::{Measured, Results};

/// A row of the table, by what it is called there and in the chart.
pub type Shown = (&'static str, &'static str);

/// The rows of the chart in docs/performance.md.
pub const ROWS: [Shown; 8] = [
    (
        "CPU per delivery, one at a time, 200 members",
        "CPU per delivery, one at a time, 200 members",
    ),
    (
        "CPU per delivery, pipelined, 200 members",
        "CPU per delivery, pipelined, 200 members",
    ),
    (
        "CPU per delivery, pipelined, 1,000 members",
        "CPU per delivery, pipelined, 1,000 members",
    ),
    (
        "deliveries, pipelined, 1,000 members",
        "Deliveries per second, pipelined, 1,000 members",
    ),
    (
        "p99 at 50,000 deliveries/s, 200 members",
        "Latency (p99) at 50,000 deliveries/s, 200 members",
    ),
    (
        "memory per idle member, 1,000 members",
        "Memory per idle member, 1,000 members",
    ),
    (
        "10,000 join at once: time",
        "10,000 join at once: time until all have",
    ),
    (
        "10,000 leave at once: time until idle",
        "10,000 leave at once: time until idle",
    ),
];

/// The rows of the chart in the README: those in which Chatroom is ahead, and the one in
/// which it is not.
pub const BRIEF: [Shown; 4] = [ROWS[0], ROWS[3], ROWS[4], ROWS[5]];

/// The server that the chart is about.
const OURS: &str = "chatroom";
/// The server that the others are compared with.
const FLOOR: &str = "floor";

/// How the servers write their own names.
const NAMES: [(&str, &str); 7] = [
    (FLOOR, "Floor"),
    (OURS, "Chatroom"),
    ("ngircd", "ngIRCd"),
    ("inspircd", "InspIRCd"),
    ("nats-server", "NATS"),
    ("mosquitto", "Mosquitto"),
    ("ncat", "Ncat"),
];

/// A bar is cut off beyond this many times ours, so that one server does not make all
/// others look alike. Its figure is beside it.
const CUT: f64 = 6.0;

// Lengths, in pixels.
const MARGIN: f64 = 24.0;
const HEAD: f64 = 112.0;
const PANEL: f64 = 404.0;
const GAP: f64 = 36.0;
const PANEL_HEAD: f64 = 52.0;
const LINE: f64 = 24.0;
const BAR: f64 = 14.0;
const BARS_AT: f64 = 84.0;
const BAR_LENGTH: f64 = 196.0;
const FIGURE_AT: f64 = 342.0;
const BETWEEN: f64 = 30.0;
const WIDTH: f64 = 2.0 * (MARGIN + PANEL) + GAP;

/// No text is smaller than 13 pixels. The colours of text have a contrast of at least
/// 4.5 : 1 to the background, those of bars one of 3 : 1.
const STYLE: &str = "
text { font: 14px 'Adwaita Sans', Cantarell, 'Segoe UI', system-ui, sans-serif; fill: #24292f }
.title { font-size: 21px; font-weight: 700 }
.what { font-size: 15px; font-weight: 700 }
.ours { font-weight: 700 }
.quiet { font-size: 13px; fill: #57606a }
.end { text-anchor: end }
.page, .cut { fill: #ffffff }
.edge { fill: none; stroke: #d0d7de }
.bar { fill: #858d96 }
.bar-ours { fill: #1a5fb4 }
.bar-floor { fill: #ffffff; stroke: #767e87; stroke-width: 1.5 }
.floor { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f3f6 }
.quiet { fill: #a9b1ba }
.page, .cut { fill: #16191d }
.edge { stroke: #3d444d }
.bar { fill: #79828d }
.bar-ours { fill: #78aeed }
.bar-floor { fill: #16191d; stroke: #9198a1 }
.floor { stroke: #a9b1ba }
}
";

/// Draws these rows of the table; a row that is not there is left out.
pub fn draw(results: &Results, rows: &[Shown]) -> String {
    let rows: Vec<(&Measured, &str)> = rows
        .iter()
        .filter_map(|(what, title)| Some((results.row(what)?, *title)))
        .collect();
    let lines = results.servers.iter().map(|_| LINE).sum::<f64>();
    let panel_height = PANEL_HEAD + lines + BETWEEN;
    let (mut panels, mut alternative) = (String::new(), String::new());
    let (mut x, mut y) = (MARGIN, HEAD);
    for (row, title) in rows {
        let _ = writeln!(panels, r#"<g transform="translate({x} {y})">"#);
        panel(&mut panels, results, row, title);
        panels.push_str("</g>\n");
        describe(&mut alternative, results, row, title);
        if x > MARGIN {
            (x, y) = (MARGIN, y + panel_height);
        } else {
            x += PANEL + GAP;
        }
    }
    if x > MARGIN {
        y += panel_height;
    }
    let height = y + MARGIN - BETWEEN;
    let (edge_x, edge_y) = (WIDTH - 1.0, height - 1.0);
    let title = "Chatroom beside other servers";
    let machine = escaped(&results.machine);
    let measured = escaped(&results.measured);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title description">
<title id="title">{title}</title>
<desc id="description">Measured on {measured}.
{alternative}</desc>
<style>{STYLE}</style>
<rect class="page" width="{WIDTH}" height="{height}" rx="12"/>
<rect class="edge" x="0.5" y="0.5" width="{edge_x}" height="{edge_y}" rx="12"/>
<text class="title" x="{MARGIN}" y="38">{title}</text>
<text class="quiet" x="{MARGIN}" y="60">The floor (dashed) is a minimal server that passes every message on, without a protocol.</text>
<text class="quiet end" x="{right}" y="38">{measured}</text>
<text class="quiet" x="{MARGIN}" y="78">{machine}</text>
{panels}</svg>
"#,
        right = WIDTH - MARGIN,
    )
}

/// A row: its name, its unit, and a bar for each server.
fn panel(svg: &mut String, results: &Results, row: &Measured, title: &str) {
    let figure = |name: &str| figure(results, row, name);
    let (unit, better) = (unit(row), if is_more_better(row) { "more" } else { "less" });
    let title = escaped(title);
    let _ = write!(
        svg,
        r#"<text class="what" y="14">{title}</text>
<text class="quiet" y="34">{better} is better</text>
<text class="quiet end" x="{FIGURE_AT}" y="34">{unit}</text>
<text class="quiet end" x="{PANEL}" y="34">× floor</text>
"#,
    );
    let longest = row.figures.iter().flatten().copied().fold(0.0, f64::max);
    let most = match figure(OURS) {
        Some(ours) if !is_more_better(row) => longest.min(CUT * ours),
        _ => longest,
    };
    let bar_of = |value: f64| BAR_LENGTH * (value / most).min(1.0);
    let floor = figure(FLOOR);
    let mut y = PANEL_HEAD;
    for (name, value) in results.servers.iter().zip(&row.figures) {
        let (class, bar) = match name.as_str() {
            OURS => ("ours", "bar-ours"),
            FLOOR => ("", "bar-floor"),
            _ => ("", "bar"),
        };
        let text_y = y + 12.0;
        let _ = writeln!(
            svg,
            r#"<text class="{class}" y="{text_y}">{}</text>"#,
            title_of(name)
        );
        if let Some(value) = *value {
            let length = bar_of(value).max(1.5);
            let _ = writeln!(
                svg,
                r#"<rect class="{bar}" x="{BARS_AT}" y="{y}" width="{length:.1}" height="{BAR}" rx="2"/>"#
            );
            if value > most {
                let (left, top, bottom) = (BARS_AT + length - 22.0, y - 1.0, y + BAR + 1.0);
                let _ = writeln!(
                    svg,
                    r#"<path class="cut" d="M{left} {bottom}l6 -{tall}h5l-6 {tall}zm11 0l6 -{tall}h-2l-6 {tall}z"/>"#,
                    tall = bottom - top
                );
            }
            let _ = writeln!(
                svg,
                r#"<text class="{class} end" x="{FIGURE_AT}" y="{text_y}">{}</text>"#,
                written(value)
            );
            // That of ours is in the table, from figures that are not rounded yet.
            let ratio = row.ratio.filter(|_| name == OURS);
            let ratio = ratio.or(floor.map(|floor| value / floor));
            if let Some(ratio) = ratio.filter(|_| name != FLOOR) {
                let _ = writeln!(
                    svg,
                    r#"<text class="{class} end" x="{PANEL}" y="{text_y}">{}</text>"#,
                    written(ratio)
                );
            }
            if let Some(floor) = floor {
                let x = BARS_AT + bar_of(floor);
                let (from, to) = (y - 5.0, y + LINE - 5.0);
                let _ = writeln!(svg, r#"<path class="floor" d="M{x:.1} {from}V{to}"/>"#);
            }
        } else {
            let _ = writeln!(
                svg,
                r#"<text class="quiet" x="{BARS_AT}" y="{text_y}">could not be measured</text>"#
            );
        }
        y += LINE;
    }
}

/// A row in words, for those who hear it.
fn describe(words: &mut String, results: &Results, row: &Measured, title: &str) {
    let _ = write!(words, "{}, in {}:", escaped(title), unit(row));
    for (name, value) in results.servers.iter().zip(&row.figures) {
        let value = value.map_or_else(|| "not measured".to_owned(), written);
        let _ = write!(words, " {} {value},", title_of(name));
    }
    words.pop();
    words.push_str(".\n");
}

fn figure(results: &Results, row: &Measured, name: &str) -> Option<f64> {
    let index = results.servers.iter().position(|it| it == name)?;
    row.figures.get(index).copied().flatten()
}

/// The unit as one reads it above a figure.
fn unit(row: &Measured) -> String {
    if row.unit == "1,000/s" {
        "1,000 a second".to_owned()
    } else {
        escaped(&row.unit)
    }
}

/// What is counted per second is better if it is more; all else is a cost.
fn is_more_better(row: &Measured) -> bool {
    row.unit.ends_with("/s")
}

fn title_of(name: &str) -> String {
    let known = NAMES.iter().find(|(it, _)| *it == name);
    known.map_or_else(|| escaped(name), |(_, title)| (*title).to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    fn results(floor: Option<f64>, ours: f64, theirs: Option<f64>, unit: &str) -> Results {
        Results {
            measured: "a day".to_owned(),
            machine: "a <machine>".to_owned(),
            servers: ["floor", "chatroom", "ncat"].map(str::to_owned).into(),
            rows: vec![Measured {
                what: "a thing".to_owned(),
                unit: unit.to_owned(),
                ratio: Some(2.01),
                figures: vec![floor, Some(ours), theirs],
            }],
        }
    }

    fn drawn(results: &Results) -> String {
        draw(
            results,
            &[("a thing", "A thing & another"), ("no row", "None")],
        )
    }

    #[test]
    fn a_bar_is_as_long_as_its_figure_and_has_its_ratio_to_the_floor() {
        let svg = drawn(&results(Some(1.0), 2.0, Some(4.0), "µs"));
        for found in [
            r#"width="49.0""#,
            r#"width="98.0""#,
            r#"width="196.0""#,
            ">4.00</text>",
            "less is better",
            "A thing &amp; another",
            "a &lt;machine&gt;",
            "in µs: Floor 1.00, Chatroom 2.00, Ncat 4.00.",
        ] {
            assert!(svg.contains(found), "{found}: {svg}");
        }
        assert!(svg.contains(">2.00</text>") && svg.contains(">2.01</text>"));
        assert!(!svg.contains("class=\"cut\""));
    }

    #[test]
    fn a_bar_much_longer_than_ours_is_cut_off_and_ours_is_still_seen() {
        let svg = drawn(&results(Some(1.0), 2.0, Some(200.0), "µs"));
        assert!(svg.contains("class=\"cut\""));
        assert!(svg.contains(r#"width="32.7""#), "a sixth: {svg}");
        assert!(svg.contains(">200</text>"));
    }

    #[test]
    fn more_is_better_for_a_rate_and_nothing_is_cut_off() {
        let svg = drawn(&results(Some(1000.0), 10.0, Some(1.0), "1,000/s"));
        assert!(svg.contains("more is better") && !svg.contains("class=\"cut\""));
    }

    #[test]
    fn a_server_without_a_figure_is_named() {
        let svg = drawn(&results(None, 2.0, None, "s"));
        assert_eq!(svg.matches("could not be measured").count(), 2);
        assert!(svg.contains("Ncat not measured."));
        assert!(!svg.contains(r#"class="floor""#));
    }

    #[test]
    fn no_text_is_small() {
        for size in STYLE.split("font").filter_map(|it| {
            let (number, _) = it.split_once("px")?;
            number.rsplit([' ', ':']).next()?.parse::<f64>().ok()
        }) {
            assert!(size >= 13.0, "{size}");
        }
    }
}
