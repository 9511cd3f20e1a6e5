//! Thinning out a history while others append to it.

use std::path::Path;
use std::time::Duration;

use buildbook_fsio::{Lines, open_file};
use buildbook_layout::{PackageId, Timestamp};

use crate::parse::parse_line;
use crate::problem::Problems;
use crate::rewrite::{lock_and_read, ranges_without, rewrite};
use crate::thin::{Facts, choose};
use crate::{Error, History, Problem, Result};

/// What compaction may give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Entries that are younger are kept, all of them. An entry whose time cannot be read, or is in the
    /// future, counts as young.
    pub max_age: Duration,
    /// If more entries than this would be left, only the newest are, young or old, and with them what says
    /// how the package stands now: the newest entry of every build hash, the newest blessed one, and since
    /// when it is so. `None` is no limit. Lines that are not entries are not counted and are kept.
    pub max_entries: Option<usize>,
}

impl Retention {
    /// Keeps everything of the last so many days. With 0, everything up to now counts as old.
    #[must_use]
    pub fn days(days: u32) -> Retention {
        Retention { max_age: Duration::from_secs(u64::from(days) * 86_400), max_entries: None }
    }
}

/// What compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// The lines of the file as it was found.
    pub lines_before: usize,
    /// How many of them were kept. If that is all, the file was not touched.
    pub lines_after: usize,
    /// The size of the file as it was found.
    pub bytes_before: u64,
    /// The size of what was kept.
    pub bytes_after: u64,
    /// Lines that are not exactly one entry. They were kept. Of very many, only the first are told one by one.
    pub problems: Vec<Problem>,
}

impl History {
    /// Removes old entries that repeat what others say.
    ///
    /// Of old entries with the same build hash, status, category and blessing, one after another, the first
    /// and the last are kept, however many entries of other builds stand between them; so is every entry
    /// with which something changed. [`History::read_latest`], [`History::read_blessed`] and the newest
    /// entry stay the same, and so does where the package stands and since when. Order is kept. Lines are
    /// copied byte for byte; a line that is not exactly one entry is always kept.
    ///
    /// What was compared with a removed entry is compared with one of the same result; only the hash that it is
    /// compared with may be that of another build, where several blessed ones took turns.
    ///
    /// Distinct hashes are never merged: a package that is built from other inputs in every run keeps an
    /// entry or two for each. [`Retention::max_entries`] then gives up all but the newest of each.
    ///
    /// It takes the same lock as appending, so nothing that others append is lost, and replaces the file in
    /// one step and durably: after a crash it is the old one or the new one. A history that is missing, or
    /// in which there is nothing to remove, is not touched.
    ///
    /// A program that waits for the lock and does not look, once it has it, whether the name still stands
    /// for its file, as the original does not, writes to the file that was replaced. What such programs
    /// write while they wait, or within a few milliseconds, is carried over. One that is stopped for longer
    /// between opening the file and asking for the lock can lose a line, and so can one that waits when this
    /// process dies. A program that compacts without the lock, as the original does, can lose what is appended
    /// meanwhile; it cannot spoil what this compaction writes.
    ///
    /// # Errors
    ///
    /// [`Error::Compact`] when the new file could not be made, for instance because the disk is full or
    /// must not be written to, or when it is in place and only its last sync failed; the system's answer
    /// otherwise. No entry is lost, but for those that were to be carried over and could not be.
    pub fn compact(&self, package: &PackageId, retention: &Retention, now: Timestamp) -> Result<Compacted> {
        let path = self.path(package);
        if open_file(&path)?.is_none() {
            return Ok(Compacted::default());
        }
        let cutoff = now.minus(retention.max_age);
        let (lock, mut survey) = lock_and_read(&path, |path| Survey::of(path, cutoff))?;
        let removed = survey.lines_to_remove(retention.max_entries);
        let ranges = ranges_without(&removed, survey.length);
        let compacted = Compacted {
            lines_before: survey.lines,
            lines_after: survey.lines - removed.len(),
            bytes_before: survey.length,
            bytes_after: ranges.iter().map(|(start, end)| end - start).sum(),
            problems: std::mem::take(&mut survey.problems).into_vec(),
        };
        if removed.is_empty() {
            return Ok(compacted);
        }
        rewrite(&path, lock, &ranges, survey.length)?.map_err(|source| Error::Compact { path, source })?;
        Ok(compacted)
    }
}

/// What is in the file.
#[derive(Default)]
struct Survey {
    facts: Facts,
    /// For each fact, where its line begins and ends.
    places: Vec<(u64, u64)>,
    lines: usize,
    length: u64,
    problems: Problems,
}

impl Survey {
    fn of(path: &Path, cutoff: Timestamp) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut lines = Lines::new();
        lines.reopen(path)?;
        while let Some(line) = lines.next_line()? {
            survey.lines += 1;
            survey.length = line.end();
            let (first, place) = (survey.facts.all.len(), (line.offset, survey.length));
            let problem = parse_line(line, |entry| {
                let old = Timestamp::parse(&entry.ts).is_ok_and(|ts| ts <= cutoff);
                survey.facts.add(&entry, old);
                survey.places.push(place);
            });
            if let Some(problem) = problem {
                survey.facts.all.iter_mut().skip(first).for_each(|fact| fact.pinned = true);
                survey.problems.push(Problem { line: Some(survey.lines as u64), ..problem });
            }
        }
        Ok(survey)
    }

    /// The places of the lines that go, in the order of the file. Each has one entry and nothing else.
    fn lines_to_remove(&self, max_entries: Option<usize>) -> Vec<(u64, u64)> {
        let kept = choose(&self.facts, max_entries);
        self.places.iter().zip(kept).filter(|(_, kept)| !kept).map(|(place, _)| *place).collect()
    }
}
