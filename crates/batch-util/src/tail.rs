//! The end of a log: what was being done when it ended.

use crate::line::Line;
use crate::rules::{AFTERTHOUGHTS, FINAL_LINES, FINAL_STARTS};
use crate::verdict::DecidingLine;

/// How many bytes from the end are kept. A log that ends with more blanks than this has no last
/// line.
const KEPT: usize = 8 * 1024;

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    /// How many bytes the stream had.
    total: u64,
}

impl Tail {
    pub(crate) fn feed(&mut self, data: &[u8]) {
        self.total += data.len() as u64;
        if data.len() >= KEPT {
            self.bytes.clear();
        } else if self.bytes.len() + data.len() > 2 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
        }
        self.bytes.extend_from_slice(data.get(data.len().saturating_sub(KEPT)..).unwrap_or_default());
    }

    /// The last line that is not blank. `newlines` is how many the whole stream had.
    pub(crate) fn last_line(&self, newlines: u64) -> Option<DecidingLine> {
        self.lines_from_the_end(newlines).next().map(|line| {
            // The end of the last line says more than its start, should it be too long to be shown.
            DecidingLine::around(&line, line.text.len().saturating_sub(crate::verdict::TEXT_LIMIT / 2))
        })
    }

    /// Whether the last thing said is that all went well.
    pub(crate) fn ends_in_success(&self, newlines: u64) -> bool {
        let begins = |line: &Line<'_>, starts: &[&str]| {
            let text = line.text.trim_ascii_start();
            starts.iter().any(|start| text.starts_with(start.as_bytes()))
        };
        let is_final = |line: &Line<'_>| {
            let text = line.text.trim_ascii();
            begins(line, &FINAL_STARTS) || FINAL_LINES.iter().any(|whole| text == whole.as_bytes())
        };
        self.lines_from_the_end(newlines)
            .find(|line| !begins(line, &AFTERTHOUGHTS))
            .is_some_and(|line| !line.continued && is_final(&line))
    }

    fn lines_from_the_end(&self, newlines: u64) -> impl Iterator<Item = Line<'_>> {
        let kept = self.bytes.get(self.bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        let start = self.total - kept.len() as u64;
        let mut rest = Some(kept);
        let mut number = newlines + 1;
        std::iter::from_fn(move || {
            let text = rest?;
            let (line, number_here) = match memchr::memrchr2(b'\n', b'\r', text) {
                Some(end) => {
                    let (head, line) = text.split_at(end + 1);
                    let here = number;
                    rest = head.get(..end);
                    number = number.saturating_sub(u64::from(head.ends_with(b"\n")));
                    (line, here)
                }
                None => {
                    rest = None;
                    (text, number)
                }
            };
            let offset = start + (text.len() - line.len()) as u64;
            let cut = rest.is_none() && start > 0;
            Some(Line::new(line, number_here, offset, cut))
        })
        .filter(|line| line.text.iter().any(|byte| *byte != b' ' && !byte.is_ascii_control()))
    }
}
