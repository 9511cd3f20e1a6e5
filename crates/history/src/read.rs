//! Reading entries: all of them, the newest, the blessed one.

use std::collections::HashMap;

use buildbook_fsio::LinesFromEnd;
use buildbook_layout::PackageId;

use crate::parse::parse_line;
use crate::problem::Problems;
use crate::{Entry, EntryRef, History, Problem, Result};

/// Entries of a history, and the lines that could not be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// The newest entry first. That is the reverse order of the file, whatever the entries say about their
    /// time.
    pub entries: Vec<Entry>,
    /// The lines that are not exactly one entry, in the order in which they were met. Of very many, only the
    /// first are told one by one; see [`Reason::Many`](crate::Reason::Many).
    pub problems: Vec<Problem>,
}

/// The newest blessed entry of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blessed {
    /// The entry; `None` when none was ever blessed.
    pub entry: Option<Entry>,
    /// Lines after that entry which could not be used.
    pub problems: Vec<Problem>,
}

impl History {
    /// Reads all entries of a package, the newest first. A missing history and an empty one have none.
    ///
    /// Readers take no lock: they see what was there when they began, and perhaps a part of a line that is
    /// just being written, which is reported as [`CutOff`](crate::Reason::CutOff).
    ///
    /// # Errors
    ///
    /// The system's answer. Lines that are not entries are no errors.
    pub fn read(&self, package: &PackageId) -> Result<Reading> {
        let mut entries = Vec::new();
        let problems = self.for_each(package, |entry| entries.push(entry.into_entry()))?;
        entries.reverse();
        Ok(Reading { entries, problems })
    }

    /// Reads the newest entry of every build hash, the newest first. Memory is taken for these alone.
    ///
    /// # Errors
    ///
    /// As [`History::read`].
    pub fn read_latest(&self, package: &PackageId) -> Result<Reading> {
        let mut latest: HashMap<String, (u64, Entry)> = HashMap::new();
        let mut position = 0_u64;
        let problems = self.for_each(package, |entry| {
            position += 1;
            match latest.get_mut(&*entry.build_hash) {
                Some(place) => *place = (position, entry.into_entry()),
                None => {
                    let entry = entry.into_entry();
                    latest.insert(entry.build_hash.clone(), (position, entry));
                }
            }
        })?;
        let mut latest: Vec<(u64, Entry)> = latest.into_values().collect();
        latest.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position));
        Ok(Reading { entries: latest.into_iter().map(|(_, entry)| entry).collect(), problems })
    }

    /// Finds the newest blessed entry of a package, of any kind, hash and run. It is read from the end of
    /// the file, which is usually a block or two.
    ///
    /// # Errors
    ///
    /// As [`History::read`].
    pub fn read_blessed(&self, package: &PackageId) -> Result<Blessed> {
        let mut blessed = Blessed::default();
        blessed.problems = self.go_back(package, |entry| {
            blessed.entry = entry.blessed.then_some(entry);
            blessed.entry.is_none()
        })?;
        Ok(blessed)
    }

    /// Reads the newest `n` entries of a package, the newest first, from the end of the file. It costs as
    /// much for a long history as for a short one.
    ///
    /// # Errors
    ///
    /// As [`History::read`].
    pub fn newest(&self, package: &PackageId, n: usize) -> Result<Reading> {
        let mut reading = Reading::default();
        if n > 0 {
            reading.problems = self.go_back(package, |entry| {
                reading.entries.push(entry);
                reading.entries.len() < n
            })?;
        }
        Ok(reading)
    }

    /// Passes over all entries of a package in the order of the file, without keeping them, and returns the
    /// lines that could not be used.
    ///
    /// # Errors
    ///
    /// As [`History::read`]; entries may have been handed out before.
    pub fn for_each(&self, package: &PackageId, each: impl FnMut(EntryRef<'_>)) -> Result<Vec<Problem>> {
        self.reader().for_each(package, each)
    }

    /// Hands out entries from the end of the file on until `each` says that it has enough.
    fn go_back(&self, package: &PackageId, mut each: impl FnMut(Entry) -> bool) -> Result<Vec<Problem>> {
        let mut problems = Problems::default();
        let Some(lines) = LinesFromEnd::open(&self.path(package))? else { return Ok(Vec::new()) };
        for line in lines {
            let mut found = Vec::new();
            let problem = parse_line(line?.borrowed(), |entry| found.push(entry.into_entry()));
            problem.into_iter().for_each(|problem| problems.push(problem));
            if !found.into_iter().rev().all(&mut each) {
                break;
            }
        }
        Ok(problems.into_vec())
    }
}
