//! What a reader could not use.

use std::fmt;

/// A line that is not exactly one entry. Readers go on with the next line; nothing removes it.
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
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "byte {}: {}", self.offset, self.reason)?;
        match self.salvaged {
            0 => Ok(()),
            1 => f.write_str("; one entry was found in it"),
            count => write!(f, "; {count} entries were found in it"),
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
}
