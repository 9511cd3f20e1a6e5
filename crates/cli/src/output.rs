//! Printing.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
pub(crate) use buildbook::fsio::explained;
use serde::{Serialize, Serializer};

/// Prints one JSON document. That its reader has gone, as `head` does, is no error.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, document).map_err(io::Error::from);
    printed(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush())).map(drop)
}

/// Prints text, ended by a line feed. That its reader has gone is no error.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let end: &[u8] = if text.is_empty() || text.ends_with('\n') { b"" } else { b"\n" };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end));
    printed(written.and_then(|()| out.flush())).map(drop)
}

/// A path in a JSON document, which holds text only: what is not UTF-8 becomes a mark.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// As [`lossy`], for several.
pub(crate) fn lossy_all<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// Whether there is still a reader of what was printed; other errors are passed on.
pub(crate) fn unless_gone(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// As [`unless_gone`], for standard output: the answer of the system alone does not say what could not be written.
pub(crate) fn printed(written: io::Result<()>) -> anyhow::Result<bool> {
    unless_gone(written).context("cannot write to standard output")
}

/// Says something on standard error. Where nobody can be told, because the reader has gone or the disk that it
/// is kept on is full, the work goes on: what is said here is in the book or the exit status too.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Says on standard error what was skipped while reading.
pub(crate) fn problems<P: std::fmt::Display>(problems: &[P]) {
    const SHOWN: usize = 20;
    for problem in problems.iter().take(SHOWN) {
        say(&format!("buildbook: skipped: {}", one_line(&problem.to_string())));
    }
    if problems.len() > SHOWN {
        say(&format!("buildbook: skipped: {} more; --json lists them all", problems.len() - SHOWN));
    }
}

/// The widest cell that the others of its column are aligned to, in characters. Data may be of any length.
const WIDEST: usize = 200;

/// Columns, each as wide as its widest cell that is not wider than [`WIDEST`]; the last is not padded.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Table {
        Table { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| one_line(cell)).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |cell: &String| cell.chars().count();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(width).filter(|width| *width <= WIDEST).max().unwrap_or_default()
            })
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, "{cell:<width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// One line that a terminal shows as it is: control characters, which could move the cursor or hide text,
/// become spaces or are shown as escapes.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c) =>
            {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

/// A text cut to a number of characters, with a mark where it was cut.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 04 h`.
pub(crate) fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `17 B`, `1.4 kB`, `23.0 MB`: powers of 1000.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
    let mut value = bytes as f64;
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut unit = "kB";
    for next in ["MB", "GB", "TB", "PB"] {
        value /= 1000.0;
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
        unit = next;
    }
    format!("{:.1} {unit}", value / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_steered_by_data() {
        assert_eq!(one_line("a\nb\tc\x1b[2Jd\u{202e}"), "a b c\\u{1b}[2Jd\\u{202e}");
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let span = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(duration(Duration::from_millis(400)), "0.4 s");
        assert_eq!(
            [span(59), span(185), span(7_800), span(273_600)],
            ["59 s", "3 min 05 s", "2 h 10 min", "3 d 04 h"]
        );
        assert_eq!(
            [0, 999, 1000, 1_400, 999_960, 23_000_000, u64::MAX].map(size),
            ["0 B", "999 B", "1.0 kB", "1.4 kB", "1.0 MB", "23.0 MB", "18446.7 PB"]
        );
    }

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_spaces() {
        let mut table = Table::new(["a", "b"]);
        table.row(["long".into(), String::new()]);
        assert_eq!(table.to_string(), "a     b\nlong\n");
    }

    #[test]
    fn a_cell_of_any_length_is_printed_and_moves_no_other_row() {
        let mut table = Table::new(["a", "b"]);
        let long = "x".repeat(70_000);
        table.row([long.clone(), "1".into()]);
        table.row(["y".into(), "2".into()]);
        assert_eq!(table.to_string(), format!("a  b\n{long}  1\ny  2\n"));
    }
}
