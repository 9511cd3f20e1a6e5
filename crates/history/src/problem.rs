//! What a reader could not use.

use std::fmt;

/// A line that is not exactly one entry. Readers go on with the next line; only
/// [`History::set_broken_lines_aside`](crate::History::set_broken_lines_aside) takes it away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The number of the line, counted from 1; `None` when the file was read from its end.
    pub line: Option<u64>,
    /// Where the line begins, in bytes from the start of the file.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: Reason,
    /// How many entries were found in it all the same, and are among those that were read.
    pub salvaged: usize,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It has nothing but spaces.
    Blank,
    /// It has NUL bytes, which a power cut leaves where data was not written yet.
    Nul,
    /// It ends in the middle of an entry: a writer died, or, if it is the last line, is just writing it.
    CutOff,
    /// It is not JSON.
    NotJson,
    /// It is JSON and not an entry; the text says what is missing or of the wrong type.
    NotAnEntry(String),
    /// Something stands before, between or after entries that belong on lines of their own: a writer that
    /// does not look at the end of the file added its line to one that was cut off.
    Glued,
    /// It has more bytes than a line may have.
    TooLong {
        /// How many.
        bytes: u64,
    },
    /// So many broken lines were met before that this one and all after it stand here together. The place is
    /// that of the first of them, and the entries found in any of them are counted.
    Many {
        /// How many lines.
        lines: u64,
    },
}

/// How many problems of one reading are told one by one. A file can have a broken line for every two bytes, and
/// telling each takes a hundred times as much.
const TOLD: usize = 1000;

/// The problems of one reading, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        if let Some(rest) = self.0.get_mut(TOLD) {
            rest.salvaged += problem.salvaged;
            if let Reason::Many { lines } = &mut rest.reason {
                *lines += 1;
            }
        } else if self.0.len() == TOLD {
            self.0.push(Problem { reason: Reason::Many { lines: 1 }, ..problem });
        } else {
            self.0.push(problem);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl Problem {
    /// How many lines it is about: one, but for [`Reason::Many`].
    #[must_use]
    pub fn lines(&self) -> u64 {
        if let Reason::Many { lines } = self.reason { lines } else { 1 }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Blank => f.write_str("it is blank"),
            Reason::Nul => f.write_str("it has NUL bytes"),
            Reason::CutOff => f.write_str("it is cut off"),
            Reason::NotJson => f.write_str("it is not JSON"),
            Reason::NotAnEntry(detail) => write!(f, "it is not an entry: {detail}"),
            Reason::Glued => f.write_str("it is not one entry alone"),
            Reason::TooLong { bytes } => write!(f, "it has {bytes} bytes"),
            Reason::Many { lines } => write!(f, "it is the first of {lines} more broken lines"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "byte {}: {}", self.offset, self.reason)?;
        let place = if self.lines() == 1 { "it" } else { "them" };
        match self.salvaged {
            0 => Ok(()),
            1 => write!(f, "; one entry was found in {place}"),
            count => write!(f, "; {count} entries were found in {place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_why() {
        let problem = Problem { line: Some(3), offset: 120, reason: Reason::Glued, salvaged: 1 };
        assert_eq!(
            problem.to_string(),
            "line 3, byte 120: it is not one entry alone; one entry was found in it"
        );
        let problem = Problem { line: None, offset: 0, reason: Reason::TooLong { bytes: 9 }, salvaged: 0 };
        assert_eq!(problem.to_string(), "byte 0: it has 9 bytes");
    }

    #[test]
    fn very_many_problems_are_told_together() {
        let mut problems = Problems::default();
        for number in 1..=TOLD as u64 + 3 {
            let offset = number * 10;
            problems.push(Problem { line: Some(number), offset, reason: Reason::Glued, salvaged: 1 });
        }
        let problems = problems.into_vec();
        assert_eq!(problems.len(), TOLD + 1);
        assert_eq!(
            problems[TOLD],
            Problem { line: Some(1001), offset: 10_010, reason: Reason::Many { lines: 3 }, salvaged: 3 }
        );
        assert_eq!(problems.iter().map(Problem::lines).sum::<u64>(), TOLD as u64 + 3);
        assert_eq!(
            problems[TOLD].to_string(),
            "line 1001, byte 10010: it is the first of 3 more broken lines; 3 entries were found in them"
        );
    }
}
