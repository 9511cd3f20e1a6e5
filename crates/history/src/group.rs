//! Many callers who each wait for their own entry, and share the waiting.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use buildbook_fsio::{Appended, Durability};
use buildbook_layout::PackageId;

use crate::append::write_line;
use crate::{Appender, Entry, Error, History, Result};

impl History {
    /// Adds entries to one history from many threads, each of which waits until its own entry is durable. Nothing is
    /// opened or made yet.
    #[must_use]
    pub fn group_appender(&self, package: &PackageId) -> GroupAppender {
        let appender = self.appender(package);
        let path = appender.path().into();
        let waiting = Waiting { lines: Vec::new(), group: Arc::default(), appender: Some(appender) };
        GroupAppender { path, waiting: Mutex::new(waiting) }
    }
}

/// Adds entries to one history for many threads at once, durably. All that come while a device is busy with one group
/// are the next one: they cost one write and one sync together.
///
/// There is no thread behind it. Of the callers who wait, one writes for all of its group, and then the next group
/// has a writer of its own; whoever is alone waits for nobody.
///
/// If the process dies, or the power is cut, each entry whose caller was told of it is there. Of a group that was being
/// written, there may be any number of entries, from the first on, and a torn one behind them, as after any append.
#[derive(Debug)]
pub struct GroupAppender {
    path: Box<Path>,
    waiting: Mutex<Waiting>,
}

/// The group that is not yet being written.
#[derive(Debug)]
struct Waiting {
    lines: Vec<u8>,
    group: Arc<Group>,
    /// `None` while somebody writes.
    appender: Option<Appender>,
}

/// Callers whose entries are written together.
#[derive(Debug, Default)]
struct Group {
    outcome: OnceLock<std::result::Result<Appended, Arc<Error>>>,
    /// Told when there is an outcome, or when somebody of the group has to write.
    news: Condvar,
}

impl GroupAppender {
    /// Adds an entry, and waits until the device has it and all names that lead to it. It survives a power cut.
    ///
    /// Memory is taken for the entries of those who wait.
    ///
    /// # Errors
    ///
    /// [`Error::EntryTooLong`], which concerns this caller alone. [`Error::Group`] when the write or a sync failed, which
    /// every caller of the group is told; if the write failed, none of their entries is in the file, and if only a sync
    /// did, they all are and may or may not survive a power cut. The same value can be used again.
    pub fn append_synced(&self, entry: &Entry) -> Result<Appended> {
        let mut line = Vec::new();
        write_line(entry, &mut line, &self.path)?;

        let mut waiting = self.waiting();
        let group = Arc::clone(&waiting.group);
        let place = waiting.lines.len() as u64;
        waiting.lines.extend_from_slice(&line);
        let outcome = loop {
            if let Some(outcome) = group.outcome.get() {
                break outcome.clone();
            }
            match waiting.appender.take() {
                Some(appender) => break self.write(waiting, appender),
                None => waiting = group.news.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        };
        let mut appended = outcome.map_err(Error::Group)?;
        appended.offset += place;
        appended.repaired &= place == 0;
        Ok(appended)
    }

    /// Writes for the group that waits, of which the caller is one, and lets the next one go on.
    fn write(
        &self,
        mut waiting: MutexGuard<'_, Waiting>,
        mut appender: Appender,
    ) -> std::result::Result<Appended, Arc<Error>> {
        let lines = std::mem::take(&mut waiting.lines);
        let group = std::mem::take(&mut waiting.group);
        drop(waiting);
        let outcome = appender.append_lines(&lines, Durability::Synced).map_err(Arc::new);
        // Before the lock is taken: whoever found no outcome while it had the lock waits by now, and is woken.
        let outcome = group.outcome.get_or_init(|| outcome).clone();
        let mut waiting = self.waiting();
        waiting.appender = Some(appender);
        let next = Arc::clone(&waiting.group);
        drop(waiting);
        next.news.notify_one();
        group.news.notify_all();
        outcome
    }

    /// Nothing that can panic is done with it, so that a poisoned one is as good as any.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::{Duration, Instant};

    use buildbook_fsio::Lock;
    use buildbook_fsio::faults::{Call, Fault, inject_all};
    use buildbook_fsio::op::Operation;
    use buildbook_layout::{Category, PackagesTree};

    use super::*;

    const CALLERS: usize = 8;

    fn entry(tag: &str) -> Entry {
        Entry {
            ts: "2026-03-09T12:54:44Z".into(),
            run: "2026-03-09-125400".into(),
            build_hash: "none".into(),
            status: Entry::SUCCESS.into(),
            category: Category::new(Category::SUCCESS),
            compiler: String::new(),
            blessed: false,
            error: Some(tag.into()),
            failed_dep: None,
            failed_dep_hash: None,
            universe: None,
        }
    }

    fn wait_until(what: impl Fn() -> bool) {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
    }

    struct Told {
        first: Result<Appended>,
        others: Vec<(Result<Appended>, Vec<Call>)>,
        texts: Vec<String>,
    }

    /// While one caller waits for the file's lock, all others come together, and whoever of them writes meets this
    /// fault. At the end, one more entry is added.
    fn told_with(fault: Option<(usize, Fault)>) -> Told {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(PackagesTree::at(folder.path()));
        let package: PackageId = "a.1".parse().unwrap();
        let path = history.tree().history(&package);
        let group = history.group_appender(&package);
        group.append_synced(&entry("before")).unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        let lock = Lock::acquire(&path).unwrap();
        let (first, others) = std::thread::scope(|scope| {
            let first = scope.spawn(|| group.append_synced(&entry("first")));
            wait_until(|| group.waiting().appender.is_none());
            let others: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let faults: Vec<_> = fault.into_iter().collect();
                    let group = &group;
                    scope.spawn(move || inject_all(&faults, || group.append_synced(&entry("other"))))
                })
                .collect();
            // Each line has as many bytes as the first one, less one.
            let all = CALLERS * usize::try_from(length - 1).unwrap();
            wait_until(|| group.waiting().lines.len() == all);
            lock.release();
            (first.join().unwrap(), others.into_iter().map(|other| other.join().unwrap()).collect())
        });
        group.append_synced(&entry("after")).unwrap();
        let mut texts = Vec::new();
        history.for_each(&package, |entry| texts.push(entry.error.unwrap().into_owned())).unwrap();
        Told { first, others, texts }
    }

    #[test]
    fn callers_who_come_while_another_one_writes_are_one_write_and_one_sync() {
        let told = told_with(None);
        let mut offsets: Vec<u64> =
            told.others.iter().map(|(told, _)| told.as_ref().unwrap().offset).collect();
        offsets.push(told.first.unwrap().offset);
        offsets.sort_unstable();
        assert!(offsets.is_sorted_by(|one, other| one < other), "each has a place of its own: {offsets:?}");
        let operations: Vec<_> =
            told.others.iter().flat_map(|(_, calls)| calls).map(|call| call.operation).collect();
        assert_eq!(operations, [Operation::Write, Operation::SyncFile]);
        assert_eq!(told.texts.len(), CALLERS + 3);
    }

    #[test]
    fn a_write_that_fails_is_told_to_all_of_its_group_and_to_nobody_else() {
        let told = told_with(Some((0, Fault::FailTorn(28))));
        assert!(told.first.is_ok());
        for (told, _) in told.others {
            let error = told.unwrap_err();
            assert!(matches!(error, Error::Group(_)));
            assert_eq!(error.kind(), Some(ErrorKind::StorageFull), "{error}");
        }
        assert_eq!(told.texts, ["before", "first", "after"]);
    }

    #[test]
    fn a_sync_that_fails_is_told_to_all_of_its_group() {
        let told = told_with(Some((1, Fault::Fail(5))));
        assert!(told.first.is_ok());
        assert!(told.others.iter().all(|(told, _)| told.is_err()));
        assert_eq!(told.texts.len(), CALLERS + 3, "the lines are in the file, and none of them is promised");
    }

    #[test]
    fn a_writer_that_dies_in_the_middle_leaves_some_of_its_group_and_the_next_entry_whole() {
        let told = told_with(Some((0, Fault::StopTorn)));
        assert!(told.first.is_ok());
        assert!(told.others.iter().all(|(told, _)| told.is_err()));
        assert_eq!(told.texts[..2], ["before", "first"]);
        assert_eq!(told.texts.last().unwrap(), "after");
        assert!(told.texts.len() < CALLERS + 3, "{:?}", told.texts);
    }

    #[test]
    fn an_entry_that_is_too_long_concerns_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(PackagesTree::at(folder.path()));
        let package: PackageId = "a.1".parse().unwrap();
        let group = history.group_appender(&package);
        let long = entry(&"x".repeat(buildbook_fsio::MAX_LINE_BYTES));
        std::thread::scope(|scope| {
            let refused = scope.spawn(|| (0..3).map(|_| group.append_synced(&long)).collect::<Vec<_>>());
            for _ in 0..20 {
                group.append_synced(&entry("good")).unwrap();
            }
            assert!(
                refused.join().unwrap().iter().all(|told| matches!(told, Err(Error::EntryTooLong { .. })))
            );
        });
        assert_eq!(history.read(&package).unwrap().entries.len(), 20);
    }
}
