//! Reading many histories, one after another.

use buildbook_fsio::{LineRef, Lines};
use buildbook_layout::{PackageId, PackagesTree};

use crate::parse::parse_line;
use crate::problem::Problems;
use crate::{EntryRef, History, Problem, Result};

/// Reads one history after another with the same memory.
///
/// A program that reads all histories has one of these on each of its threads: a history then costs an `open`, an
/// `fstat`, a `read` and a `close`, and its entries are lent from where they were read to.
#[derive(Debug)]
pub struct Reader {
    tree: PackagesTree,
    lines: Lines,
}

impl History {
    /// Reads many histories with the same memory. Nothing is opened yet.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { tree: self.tree().clone(), lines: Lines::new() }
    }
}

impl Reader {
    /// Passes over all entries of a package in the order of the file, as [`History::for_each`] does.
    ///
    /// # Errors
    ///
    /// As [`History::for_each`]. The next history can be read all the same.
    pub fn for_each(&mut self, package: &PackageId, each: impl FnMut(EntryRef<'_>)) -> Result<Vec<Problem>> {
        if !self.lines.reopen(&self.tree.history(package))? {
            return Ok(Vec::new());
        }
        for_each_entry(&mut self.lines, 1, each)
    }
}

/// Hands out the entries of all lines that are left, the first of which has this number.
pub(crate) fn for_each_entry(
    lines: &mut Lines,
    first: u64,
    mut each: impl FnMut(EntryRef<'_>),
) -> Result<Vec<Problem>> {
    for_each_line(lines, first, |line| parse_line(line, &mut each))
}

/// Passes over all lines that are left, and numbers what is wrong with some.
pub(crate) fn for_each_line(
    lines: &mut Lines,
    first: u64,
    mut parse: impl FnMut(LineRef<'_>) -> Option<Problem>,
) -> Result<Vec<Problem>> {
    let mut problems = Problems::default();
    let mut number = first;
    while let Some(line) = lines.next_line()? {
        if let Some(problem) = parse(line) {
            problems.push(Problem { line: Some(number), ..problem });
        }
        number += 1;
    }
    Ok(problems.into_vec())
}
