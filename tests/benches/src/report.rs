//! What came of it, for people and for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::growth::exponent;
use crate::machine::Machine;
use crate::row::{Claim, Row, Sample};
use crate::rows;
use crate::schedule::{Measured, Missing};

const BEGIN: &str =
    "<!-- What is between this line and the last one is written by `cargo xtask bench --write`. -->";
const END: &str = "<!-- The end of what `cargo xtask bench --write` writes. -->";

/// Everything that was measured.
pub(crate) struct Report {
    machine: Machine,
    rounds: u32,
    quick: bool,
    measured: Vec<Measured>,
}

/// The middle of several figures, and their ends.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    median: f64,
    least: f64,
    most: f64,
}

/// A claim, beside what was measured.
struct Judged<'a> {
    row: &'a Row,
    claim: &'a Claim,
    ours: Figures,
    yardstick: Figures,
    /// Of the two sides of each round.
    ratio: Figures,
    ours_kib: u64,
    yardstick_kib: u64,
    is_reached: Option<bool>,
}

impl Figures {
    fn of(mut figures: Vec<f64>) -> Figures {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let (middle, last) = (figures.len() / 2, figures.len().saturating_sub(1));
        let median = if figures.len().is_multiple_of(2) {
            (at(middle.saturating_sub(1)) + at(middle)) / 2.0
        } else {
            at(middle)
        };
        Figures { median, least: at(0), most: at(last) }
    }
}

impl Measured {
    fn samples(&self, side: &str) -> &[Sample] {
        let index = self.row.sides.iter().position(|other| other.name == side);
        index.and_then(|index| self.samples.get(index)).map_or(&[], Vec::as_slice)
    }

    fn judge(&self, claim: &'static Claim) -> Judged<'_> {
        let (ours, yardstick) = (self.samples(claim.ours), self.samples(claim.yardstick));
        let pairs = ours.iter().zip(yardstick);
        let ratio = Figures::of(
            pairs.map(|(ours, other)| claim.target.ratio(ours.seconds(), other.seconds())).collect(),
        );
        let seconds = |samples: &[Sample]| Figures::of(samples.iter().map(Sample::seconds).collect());
        let kib = |samples: &[Sample]| samples.iter().map(|sample| sample.peak_kib).max().unwrap_or_default();
        let (ours_kib, yardstick_kib) = (kib(ours), kib(yardstick));
        let (ours, yardstick) = (seconds(ours), seconds(yardstick));
        let is_reached = claim.target.is_reached(ratio.median, ours.median, ours_kib);
        Judged { row: self.row, claim, ours, yardstick, ratio, ours_kib, yardstick_kib, is_reached }
    }

    /// The sizes that were measured and how long each took, and the exponent.
    fn growth(&self) -> Option<(Vec<(usize, f64)>, f64)> {
        if self.missing.is_some() {
            return None;
        }
        let points: Vec<(usize, f64)> = self
            .row
            .growth?
            .iter()
            .map(|(side, size)| {
                (*size, Figures::of(self.samples(side).iter().map(Sample::seconds).collect()).median)
            })
            .collect();
        let exponent =
            exponent(&points.iter().map(|(size, time)| (*size as f64, *time)).collect::<Vec<_>>())?;
        Some((points, exponent))
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, rounds: u32, quick: bool) -> Report {
        Report { machine, rounds, quick, measured: Vec::new() }
    }

    pub(crate) fn add(&mut self, measured: Measured) {
        self.measured.push(measured);
        self.measured.sort_by_key(|measured| measured.row.number);
    }

    fn judged(&self) -> impl Iterator<Item = Judged<'_>> {
        self.measured
            .iter()
            .filter(|measured| measured.missing.is_none())
            .flat_map(|measured| measured.row.claims.iter().map(|claim| measured.judge(claim)))
    }

    /// The rows that were not run, and why.
    fn missing(&self) -> impl Iterator<Item = (&Row, Missing)> {
        self.measured.iter().filter_map(|measured| Some((measured.row, measured.missing?)))
    }

    /// The tables, as Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.quick {
            text.push_str(
                "Small sizes: these figures say that everything runs, and nothing of how fast.\n\n",
            );
        }
        for (name, value) in &self.machine {
            let _ = writeln!(text, "* {name}: {value}");
        }
        let _ = writeln!(text, "* rounds: {}", self.rounds);
        let _ = writeln!(text, "* rows: {} of {}\n", self.measured.len(), rows::ROWS.len());
        let (operations, book): (Vec<_>, Vec<_>) =
            self.judged().partition(|judged| judged.row.number >= rows::FIRST_OF_OPERATIONS);
        if !book.is_empty() {
            table(&mut text, &book, false);
        }
        if !operations.is_empty() {
            if !book.is_empty() {
                text.push_str("\nOperations of builds:\n\n");
            }
            table(&mut text, &operations, true);
        }
        for (row, missing) in self.missing() {
            let _ = writeln!(text, "\nRow {}, {}, was not run: {missing}.", row.number, row.title);
        }
        let growth: Vec<_> =
            self.measured.iter().filter_map(|measured| Some((measured.row, measured.growth()?))).collect();
        if !growth.is_empty() {
            text.push_str("\n| # | size: time | exponent |\n|---|---|---|\n");
            for (row, (points, exponent)) in growth {
                let points: Vec<String> =
                    points.iter().map(|(size, time)| format!("{size}: {}", time_of(*time))).collect();
                let _ = writeln!(text, "| {} | {} | {exponent:.2} |", row.number, points.join(", "));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let figures = |figures: Figures| json!([figures.least, figures.median, figures.most]);
        let claims = self.judged().map(|judged| {
            json!({
                "row": judged.row.number,
                "work": judged.row.title,
                "about": judged.claim.about,
                "ours": judged.claim.ours,
                "yardstick": judged.claim.yardstick,
                "ours_seconds": figures(judged.ours),
                "yardstick_seconds": figures(judged.yardstick),
                "ratio": figures(judged.ratio),
                "ours_peak_kib": judged.ours_kib,
                "yardstick_peak_kib": judged.yardstick_kib,
                "target": judged.claim.target.to_string(),
                "reached": judged.is_reached,
                "original": judged.claim.original,
            })
        });
        let missing =
            self.missing().map(|(row, missing)| json!({ "row": row.number, "why": missing.to_string() }));
        let growth = self.measured.iter().filter_map(|measured| {
            let (points, exponent) = measured.growth()?;
            Some(json!({ "row": measured.row.number, "seconds_by_size": points, "exponent": exponent }))
        });
        let machine: serde_json::Map<String, Value> =
            self.machine.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "machine": machine,
            "rounds": self.rounds,
            "quick": self.quick,
            "claims": claims.collect::<Vec<Value>>(),
            "growth": growth.collect::<Vec<Value>>(),
            "not_run": missing.collect::<Vec<Value>>(),
        })
    }

    pub(crate) fn write_json(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.json())?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }

    /// Replaces what is between the marks of a document.
    pub(crate) fn write_into(&self, document: &Path) -> Result<()> {
        let text =
            fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
        let text = between_marks(&text, &self.text()).with_context(|| {
            format!("{} lacks the marks between which the table goes", document.display())
        })?;
        fs::write(document, text).with_context(|| format!("cannot write {}", document.display()))
    }
}

/// A table of claims, with what the original took if that is known of some.
fn table(text: &mut String, judged: &[Judged<'_>], has_original: bool) {
    let (name, line) = if has_original { (" original |", "---|") } else { ("", "") };
    let _ = writeln!(
        text,
        "| # | work | ours, median [range] | yardstick | ratio [range] | peak memory |{name} target | |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|{line}---|---|");
    for judged in judged {
        let Judged { row, claim, ours, yardstick, ratio, ours_kib, yardstick_kib, is_reached } = *judged;
        let work = if claim.about.is_empty() {
            row.title.to_owned()
        } else {
            format!("{}: {}", row.title, claim.about)
        };
        let original = if has_original { format!(" {} |", claim.original) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {work} | {} | {} ({}) | {} | {} / {} |{original} {} | {} |",
            row.number,
            times(ours),
            times(yardstick),
            claim.yardstick,
            ratios(ratio),
            mebibytes(ours_kib),
            mebibytes(yardstick_kib),
            claim.target,
            match is_reached {
                Some(true) => "reached",
                Some(false) => "**not reached**",
                None => "",
            },
        );
    }
}

fn between_marks(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

fn times(figures: Figures) -> String {
    format!("{} [{}..{}]", time_of(figures.median), time_of(figures.least), time_of(figures.most))
}

fn ratios(figures: Figures) -> String {
    format!("{} [{}..{}]", digits(figures.median), digits(figures.least), digits(figures.most))
}

/// A time in the unit that fits, with three digits.
fn time_of(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", digits(value))
}

fn digits(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        v if v >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.places$}")
}

fn mebibytes(kib: u64) -> String {
    format!("{} MiB", digits(kib as f64 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Figures::of(vec![3.0, 1.0, 2.0]), Figures { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Figures::of(vec![4.0, 1.0]).median, 2.5);
        assert!(Figures::of(Vec::new()).median.is_nan());
    }

    #[test]
    fn times_are_told_in_fitting_units() {
        assert_eq!([0.000_001_5, 0.0123, 2.0, 123.0].map(time_of), ["1.50 µs", "12.3 ms", "2.00 s", "123 s"]);
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nThe end.\n");
        let new = between_marks(&document, "new").unwrap_or_default();
        assert_eq!(new, format!("# Title\n\n{BEGIN}\n\nnew\n{END}\n\nThe end.\n"));
        assert_eq!(between_marks(&new, "new").as_ref(), Some(&new));
        assert_eq!(between_marks("no marks", "new"), None);
    }
}
