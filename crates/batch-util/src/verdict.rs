//! The answer of a classification.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::line::Line;

/// At most how many bytes of a line are kept.
pub const TEXT_LIMIT: usize = 300;

/// What became of a build, and which line of its log says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the build succeeded.
    pub status: Status,
    /// Why: one of [`crate::category`], as the history stores it.
    pub category: String,
    /// The rule that decided: an id of [`crate::rules`], or one of `exit-timeout`, `exit-killed`,
    /// `exit-interrupted` and `exit-crashed` where the exit decided. None when no rule applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The line that the rule recognised. When the exit decided, or nothing did, the last line of
    /// the log that is not blank: what the build was doing when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<DecidingLine>,
    /// Everything that was recognised, one entry for each rule, the best explanation first. Empty
    /// for a success.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// The version of the rules by which this was decided.
    pub rules_version: u32,
}

impl Verdict {
    /// One line for a history's `error`: the text of the deciding line. None for a success, and
    /// when the log says nothing.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self.status {
            Status::Success => None,
            Status::Failure => self.line.as_ref().map(|line| line.text.as_str()),
        }
    }
}

/// Whether a build succeeded, spelled as the history spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// `success`
    Success,
    /// `failure`
    Failure,
}

impl Status {
    /// The word that the history stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Failure => "failure",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One explanation of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The category that this explanation would give.
    pub category: String,
    /// The id of the rule.
    pub rule: String,
    /// The first line on which the rule was met.
    pub line: DecidingLine,
    /// On how many lines it was met.
    pub lines: u64,
}

/// A line of the log, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidingLine {
    /// Its number as `grep -n` gives it: the first line is 1, and only LF ends a line.
    pub number: u64,
    /// Where it starts, in bytes from the start of the log. A carriage return starts a new line
    /// here, since it does so on a terminal; in a line of many kilobytes this is the start of the
    /// piece in which the words were found.
    pub offset: u64,
    /// The line without colours, control characters and outer blanks, at most [`TEXT_LIMIT`] bytes
    /// of it around the words that decided; `…` marks where it was cut, U+FFFD what was not UTF-8.
    pub text: String,
}

impl DecidingLine {
    /// The part of `line` around byte `at` of its clean text.
    pub(crate) fn around(line: &Line<'_>, at: usize) -> Self {
        DecidingLine { number: line.number, offset: line.offset, text: excerpt(&line.text, at) }
    }
}

fn excerpt(text: &[u8], at: usize) -> String {
    const BEFORE: usize = 100;
    let start = if text.len() <= TEXT_LIMIT { 0 } else { at.min(text.len()).saturating_sub(BEFORE) };
    let end = text.len().min(start + TEXT_LIMIT);
    let window = String::from_utf8_lossy(text.get(start..end).unwrap_or_default());
    let mut shown = String::with_capacity(TEXT_LIMIT);
    if start > 0 {
        shown.push('…');
    }
    // A cut inside a character leaves marks of damage at the edges that the log does not have.
    let edges = |c: char| c == char::REPLACEMENT_CHARACTER;
    let window = if start > 0 { window.trim_start_matches(edges) } else { &window };
    shown.extend(window.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()));
    if end < text.len() || shown.len() > TEXT_LIMIT {
        shown.truncate(shown.floor_char_boundary(TEXT_LIMIT - '…'.len_utf8()));
        shown.truncate(shown.trim_end_matches(edges).len());
        shown.push('…');
    }
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_words_that_decided() {
        let mut text = vec![b'a'; 1000];
        text.extend_from_slice(b"WORDS");
        text.extend_from_slice(&[b'b'; 1000]);
        let shown = excerpt(&text, 1000);
        assert!(shown.contains("WORDS") && shown.starts_with('…') && shown.ends_with('…'));
        assert!(shown.len() <= TEXT_LIMIT);
    }

    #[test]
    fn text_is_bounded_whatever_the_bytes_are() {
        for byte in [0xff, 0xc3, 0x00, 0x07, b' ', b'x'] {
            for at in [0, 150, 5000] {
                let shown = excerpt(&vec![byte; 5000], at);
                assert!(shown.len() <= TEXT_LIMIT, "{} bytes of {byte:#x}", shown.len());
                assert!(!shown.contains('\0'));
            }
        }
        assert_eq!(excerpt(b"\x00a\tb\xffc ", 0), "a b\u{fffd}c");
    }
}
