//! Thinning out a history while others append to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use buildbook_atomic_swap::{Durability, replace_file_with};
use buildbook_fsio::{Lines, Lock, open_file};
use buildbook_layout::{PackageId, Timestamp};

use crate::parse::parse_line;
use crate::stragglers::{self, Stragglers};
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
    /// Lines that are not exactly one entry. They were kept.
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
    /// between opening the file and asking for the lock can lose a line.
    ///
    /// # Errors
    ///
    /// [`Error::Compact`] when the new file could not be made, for instance because the disk is full or
    /// must not be written to; the system's answer otherwise. No entry is lost.
    pub fn compact(&self, package: &PackageId, retention: &Retention, now: Timestamp) -> Result<Compacted> {
        let path = self.path(package);
        if open_file(&path)?.is_none() {
            return Ok(Compacted::default());
        }
        let lock = Lock::acquire(&path)?;
        let mut survey = Survey::of(&path, now.minus(retention.max_age))?;
        let keep = survey.lines_to_keep(retention.max_entries);
        let ranges = survey.ranges(&keep);
        let compacted = Compacted {
            lines_before: keep.len(),
            lines_after: keep.iter().filter(|kept| **kept).count(),
            bytes_before: survey.length,
            bytes_after: ranges.iter().map(|(start, end)| end - start).sum(),
            problems: std::mem::take(&mut survey.problems),
        };
        if compacted.lines_after == compacted.lines_before {
            return Ok(compacted);
        }
        let old = lock.file().try_clone().map_err(stragglers::io("keep open", &path))?;
        let replaced = replace_file_with(&path, Durability::Synced, |new| copy_ranges(&old, &ranges, new));
        let stragglers = Stragglers::behind(old, survey.length);
        lock.release();
        // If only its last sync failed, the file has been replaced all the same.
        stragglers.carry_over(&path)?;
        replaced.map_err(|source| Error::Compact { path, source })?;
        Ok(compacted)
    }
}

/// What is in the file.
struct Survey {
    facts: Facts,
    /// Where each line begins.
    starts: Vec<u64>,
    length: u64,
    problems: Vec<Problem>,
}

impl Survey {
    fn of(path: &Path, cutoff: Timestamp) -> Result<Survey> {
        let mut survey =
            Survey { facts: Facts::default(), starts: Vec::new(), length: 0, problems: Vec::new() };
        let Some(lines) = Lines::open(path)? else { return Ok(survey) };
        for (number, line) in lines.enumerate() {
            let line = line?;
            survey.starts.push(line.offset);
            survey.length = line.offset + line.length + u64::from(line.ended);
            let first = survey.facts.all.len();
            let problem = parse_line(&line, |entry| {
                let old = Timestamp::parse(&entry.ts).is_ok_and(|ts| ts <= cutoff);
                survey.facts.add(number, &entry, old);
            });
            if let Some(problem) = problem {
                survey.facts.all.iter_mut().skip(first).for_each(|fact| fact.pinned = true);
                survey.problems.push(Problem { line: Some(number as u64 + 1), ..problem });
            }
        }
        Ok(survey)
    }

    fn lines_to_keep(&self, max_entries: Option<usize>) -> Vec<bool> {
        let mut keep = vec![true; self.starts.len()];
        for (fact, kept) in self.facts.all.iter().zip(choose(&self.facts, max_entries)) {
            if !kept {
                keep[fact.line] = false;
            }
        }
        keep
    }

    /// The bytes of the lines that are kept, as few ranges as possible.
    fn ranges(&self, keep: &[bool]) -> Vec<(u64, u64)> {
        let ends = self.starts.iter().skip(1).chain([&self.length]);
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for ((&start, &end), _) in self.starts.iter().zip(ends).zip(keep).filter(|(_, kept)| **kept) {
            match ranges.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => ranges.push((start, end)),
            }
        }
        ranges
    }
}

fn copy_ranges(old: &File, ranges: &[(u64, u64)], new: &mut dyn Write) -> io::Result<()> {
    let mut block = vec![0; 64 << 10];
    for &(start, end) in ranges {
        let mut at = start;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(block.len());
            let part = block.get_mut(..wanted).unwrap_or_default();
            old.read_exact_at(part, at)?;
            new.write_all(part)?;
            at += wanted as u64;
        }
    }
    Ok(())
}
