//! Moving aside what no reader can use.

use std::fs::File;
use std::path::Path;

use buildbook_fsio::{Appender, Durability, Lines, open_file};
use buildbook_layout::PackageId;

use crate::parse::parse_line;
use crate::rewrite::{copy_ranges, lock_and_read, ranges_without, rewrite};
use crate::{Error, History, Problem, Reason, Result, stragglers};

/// So much is moved at a time.
const BATCH: usize = 1 << 20;

/// What was moved aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// How many lines. If there are none, nothing was touched.
    pub lines: u64,
    /// How many bytes they had, with their line feeds.
    pub bytes: u64,
}

impl History {
    /// Moves the lines of a history that hold nothing to a file beside it,
    /// [`unreadable_lines`](buildbook_layout::PackagesTree::unreadable_lines), byte for byte. That file only grows.
    ///
    /// These are lines that are blank, cut off, have NUL bytes or are not JSON, and in which no entry was found: what
    /// a crash leaves. Lines from which an entry can be read, that are JSON of another kind, as a later version of the
    /// format may write, or that are too long to be looked at stay where they are. Entries and their order stay the
    /// same.
    ///
    /// It takes the same lock as appending, and replaces the history in one step and durably, once the other file
    /// is on the device: a crash loses no byte. After one in between, the lines are in both files, and are moved again.
    /// Of writers that do not look at the file's name, the same is true as with [`History::compact`].
    ///
    /// # Errors
    ///
    /// [`Error::SetAside`] when the new history could not be made or only its last sync failed; the system's answer
    /// otherwise. No byte is lost.
    pub fn set_broken_lines_aside(&self, package: &PackageId) -> Result<SetAside> {
        let path = self.path(package);
        if open_file(&path)?.is_none() {
            return Ok(SetAside::default());
        }
        let (lock, survey) = lock_and_read(&path, Survey::of)?;
        if survey.broken.is_empty() {
            return Ok(SetAside::default());
        }
        move_to(&self.tree().unreadable_lines(package), lock.file(), &survey, &path)?;
        let ranges = ranges_without(&survey.broken, survey.length);
        rewrite(&path, lock, &ranges, survey.length)?.map_err(|source| Error::SetAside { path, source })?;
        Ok(SetAside {
            lines: survey.broken.len() as u64,
            bytes: survey.broken.iter().map(|(start, end)| end - start).sum(),
        })
    }
}

/// Whether a line is debris and nothing else.
fn is_debris(problem: &Problem) -> bool {
    problem.salvaged == 0
        && matches!(problem.reason, Reason::Blank | Reason::Nul | Reason::CutOff | Reason::NotJson)
}

/// Where the lines are that go, and how long the file is.
#[derive(Default)]
struct Survey {
    broken: Vec<(u64, u64)>,
    length: u64,
}

impl Survey {
    fn of(path: &Path) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut lines = Lines::new();
        lines.reopen(path)?;
        while let Some(line) = lines.next_line()? {
            survey.length = line.end();
            if parse_line(line, |_| {}).as_ref().is_some_and(is_debris) {
                survey.broken.push((line.offset, survey.length));
            }
        }
        Ok(survey)
    }
}

/// Adds the broken lines to the other file, and waits until the device has them.
fn move_to(aside: &Path, history: &File, survey: &Survey, path: &Path) -> Result<()> {
    let mut appender = Appender::open(aside)?;
    let mut batch = Vec::new();
    for (at, range) in (1..).zip(&survey.broken) {
        copy_ranges(history, &[*range], &mut batch).map_err(stragglers::io("read", path))?;
        if batch.last() != Some(&b'\n') {
            batch.push(b'\n');
        }
        let is_last = at == survey.broken.len();
        if is_last || batch.len() >= BATCH {
            appender.append(&batch, if is_last { Durability::Synced } else { Durability::Cached })?;
            batch.clear();
        }
    }
    Ok(())
}
