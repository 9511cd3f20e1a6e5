//! All runs, and the start of one.

use std::io;
use std::path::Path;

use buildbook_fsio::{FolderLock, Lock, create_folders, op, remove_tree, sync_folder};
use buildbook_layout::{LogTree, RunId, RunTree, Timestamp};
use time::UtcOffset;

use crate::{Error, Result, Run};

/// How far into the future a name is looked for when all names of this second are taken, in seconds.
const SECONDS_AHEAD: i64 = 3600;

/// The runs of one folder.
///
/// It holds no state but where the folder is: any number of these values, in any number of threads and
/// processes, may work on one folder at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLog {
    pub(crate) tree: LogTree,
    offset: UtcOffset,
}

impl RunLog {
    /// Names the folder of the runs. Nothing is made or looked at. Local times are in UTC until
    /// [`RunLog::with_utc_offset`] says otherwise.
    #[must_use]
    pub fn at(tree: LogTree) -> Self {
        RunLog { tree, offset: UtcOffset::UTC }
    }

    /// Says which zone local times are in. Names of runs are in UTC all the same, so that they sort by time.
    #[must_use]
    pub fn with_utc_offset(self, offset: UtcOffset) -> Self {
        RunLog { offset, ..self }
    }

    /// Where the runs are.
    #[must_use]
    pub fn tree(&self) -> &LogTree {
        &self.tree
    }

    /// Spells a time as the files of a run do, `YYYY-MM-DDTHH:MM:SS` in local time.
    #[must_use]
    pub fn format_time(&self, time: Timestamp) -> String {
        time.format_local(self.offset)
    }

    /// Keeps everybody else from switching `latest`.
    pub(crate) fn lock_latest(&self) -> Result<FolderLock> {
        // A lock is never taken through a symbolic link, but the folder of the runs may well be one, to another
        // disk. The dot stands for the folder itself, also where the path is empty.
        Ok(FolderLock::acquire(&self.tree.path().join("."))?)
    }

    /// Starts a run in a folder of its own, which nobody else gets, and locks it for as long as the
    /// [`Run`] lives.
    ///
    /// The run is named after the second in which it begins, with a suffix if that name is taken, and after
    /// the next second if all its suffixes are. If the process dies in the middle, what is left is an empty
    /// run whose state is [`Unknown`](crate::RunState::Unknown) or [`Interrupted`](crate::RunState::Interrupted).
    ///
    /// # Errors
    ///
    /// [`Error::NoFreeName`] when an hour of names is taken; [`Error::File`] with the system's answer, and
    /// then nothing of the run is left, unless removing it fails as well.
    pub fn start_run(&self, now: Timestamp) -> Result<Run> {
        make_folder_of_runs(&self.tree.runs())?;
        for id in names_from(now) {
            let tree = self.tree.run(&id);
            match op::create_folder(tree.path()) {
                Ok(()) => {}
                Err(error) if error.kind() == Some(io::ErrorKind::AlreadyExists) => continue,
                Err(error) => return Err(error.into()),
            }
            match lock_and_furnish(&tree, now) {
                Ok(Some(lock)) => return Ok(Run { log: self.clone(), id, tree, start: now, lock }),
                // Whoever locks a folder that was made this moment may have it.
                Ok(None) => {}
                Err(error) => {
                    let _ = remove_tree(tree.path());
                    return Err(error.into());
                }
            }
        }
        Err(Error::NoFreeName { folder: self.tree.runs(), first: RunId::starting_at(now) })
    }
}

/// Makes the folder of all runs where it is missing. Nobody syncs its name and those above it later, and without
/// them the summary of the first run would be lost with a power cut.
fn make_folder_of_runs(runs: &Path) -> buildbook_fsio::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = runs.ancestors().take_while(is_missing).collect();
    create_folders(runs)?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_folder)
}

/// The lock comes first, so that a run which dies here is soon known for dead.
fn lock_and_furnish(tree: &RunTree, now: Timestamp) -> buildbook_fsio::Result<Option<Lock>> {
    let Some(lock) = Lock::try_acquire(&tree.writer_lock())? else { return Ok(None) };
    // The first two lines of a build lock. Readers take an empty note for a run that is not yet locked.
    lock.write_note(format!("{}\n{}\n", std::process::id(), now.as_unix()).as_bytes())?;
    op::create_folder(&tree.build_logs())?;
    op::create_folder(&tree.doc_logs())?;
    Ok(Some(lock))
}

/// The names that a run which begins now may have, best first.
fn names_from(now: Timestamp) -> impl Iterator<Item = RunId> {
    let first = now.as_unix();
    (first..=first + SECONDS_AHEAD)
        .map_while(Timestamp::from_unix)
        .map(RunId::starting_at)
        .flat_map(|name| (1..=RunId::MAX_SUFFIX).filter_map(move |n| name.with_suffix(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_in_the_order_in_which_they_are_given() {
        let now = Timestamp::parse("2026-03-09T23:59:59Z").unwrap();
        let names: Vec<RunId> = names_from(now).take(2000).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(names.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        assert_eq!(names[0].as_str(), "2026-03-09-235959");
        assert_eq!(names[1].as_str(), "2026-03-09-235959-002");
        assert_eq!(names[999].as_str(), "2026-03-10-000000");
    }

    #[test]
    fn names_end_with_the_calendar() {
        let now = Timestamp::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(names_from(now).count(), 999);
    }
}
