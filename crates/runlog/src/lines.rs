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

/// What a file of JSON lines holds.
pub(crate) struct Records<T> {
    pub(crate) records: Vec<T>,
    pub(crate) problems: Vec<BadLine>,
    pub(crate) cut_off: bool,
}

/// Reads a file of JSON lines. One that is missing has none. Blank lines are passed over; a line that is
/// not UTF-8 is read as well as it can be.
pub(crate) fn read_lines<T>(
    path: &Path,
    parse: impl Fn(&str) -> serde_json::Result<T>,
) -> Result<Records<T>> {
    let mut found = Records { records: Vec::new(), problems: Vec::new(), cut_off: false };
    let Some(lines) = Lines::open(path)? else { return Ok(found) };
    for (number, line) in (1..).zip(lines) {
        let line = line?;
        if line.is_too_long() {
            let reason = format!("it has {} bytes", line.length);
            found.problems.push(BadLine { number, offset: line.offset, reason });
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
            Err(error) => {
                found.problems.push(BadLine { number, offset: line.offset, reason: error.to_string() });
            }
        }
    }
    Ok(found)
}
