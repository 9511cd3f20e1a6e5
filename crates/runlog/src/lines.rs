//! Files of JSON lines, read as far as they can be.

use std::fmt;
use std::path::Path;

use buildbook_fsio::Lines;
use serde::Serialize;

use crate::Result;

/// A line of a file that could not be understood. The others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BadLine {
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.reason)
    }
}

/// How many bad lines of a file are told apart. A hostile file can have one for every two bytes.
const MOST_PROBLEMS: usize = 1000;

/// What a file of JSON lines holds.
pub(crate) struct Records<T> {
    pub(crate) records: Vec<T>,
    pub(crate) problems: Vec<BadLine>,
    pub(crate) cut_off: bool,
}

/// The bad lines of a file: the first of them, and how many more there are.
#[derive(Default)]
struct Problems {
    first: Vec<BadLine>,
    more: Option<(u64, BadLine)>,
}

impl Problems {
    fn add(&mut self, line: BadLine) {
        match &mut self.more {
            Some((count, _)) => *count += 1,
            None if self.first.len() < MOST_PROBLEMS => self.first.push(line),
            None => self.more = Some((0, line)),
        }
    }

    /// The last one stands for all that are not told apart.
    fn into_list(mut self) -> Vec<BadLine> {
        if let Some((count, mut last)) = self.more {
            if count > 0 {
                last.reason.push_str(&format!("; and {count} bad lines after it"));
            }
            self.first.push(last);
        }
        self.first
    }
}

/// What is wrong with a line that was read alone: its number is not the parser's.
fn reason(error: &str) -> String {
    match error.rsplit_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} at column {column}"),
        None => error.to_owned(),
    }
}

/// Reads a file of JSON lines. One that is missing has none. Blank lines are passed over; a line that is
/// not UTF-8 is read as well as it can be.
pub(crate) fn read_lines<T>(
    path: &Path,
    parse: impl Fn(&str) -> buildbook_json::Result<T>,
) -> Result<Records<T>> {
    let mut found = Records { records: Vec::new(), problems: Vec::new(), cut_off: false };
    let Some(lines) = Lines::open(path)? else { return Ok(found) };
    let mut problems = Problems::default();
    for (number, line) in (1..).zip(lines) {
        let line = line?;
        let bad = |reason| BadLine { number, offset: line.offset, reason };
        if line.is_too_long() {
            problems.add(bad(format!("it has {} bytes", line.length)));
            continue;
        }
        let text = String::from_utf8_lossy(&line.bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        match parse(text) {
            Ok(record) => found.records.push(record),
            Err(_) if !line.ended => found.cut_off = true,
            Err(error) => problems.add(bad(reason(&error.to_string()))),
        }
    }
    found.problems = problems.into_list();
    Ok(found)
}
