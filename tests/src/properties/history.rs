//! Histories of any bytes.

use std::collections::HashSet;

use buildbook::history::{
    Again, Entry, EntryRef, EntryVisitor, Follower, History, Problem, Reading, Reason, Repeats,
};
use buildbook::layout::{Category, PackageId, PackagesTree};

use super::{file, lines_of, scratch};

/// Skipped and read lines are all lines there are, all readers agree, reading changes nothing, and an append is
/// read back in front of all that was there.
///
/// # Panics
///
/// If it does not hold.
pub fn check_history(bytes: &[u8]) {
    let folder = scratch();
    let history = History::at(PackagesTree::at(folder.path()));
    let package: PackageId = "a.1".parse().unwrap();
    let path = file(history.tree().history(&package), bytes);
    let reading = history.read(&package).unwrap();

    let salvaged: usize = reading.problems.iter().map(|problem| problem.salvaged).sum();
    let skipped: u64 = reading.problems.iter().map(Problem::lines).sum();
    let read = reading.entries.len().checked_sub(salvaged).unwrap();
    let lines = lines_of(bytes);
    let empty = lines.iter().enumerate().filter(|(index, line)| is_empty(*index, line)).count();
    assert_eq!(read as u64 + skipped + empty as u64, lines.len() as u64, "{:?}", reading.problems);
    assert!(reading.problems.iter().all(|problem| problem.offset < bytes.len() as u64));
    assert!(reading.problems.iter().all(|problem| problem.to_string().len() < 1000));

    readers_agree(&history, &package, &reading);
    a_visitor_agrees(&history, &package, &reading);
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "reading changed something");

    let entry = any_entry();
    history.append(&package, &entry).unwrap();
    let after = history.read(&package).unwrap();
    assert_eq!(after.entries.first(), Some(&entry));
    assert_eq!(&after.entries[1..], reading.entries, "an append changes nothing that was there");
}

/// A line that holds nothing, once the marks that editors leave are taken away.
fn is_empty(index: usize, line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = if index == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
    line.is_empty()
}

fn readers_agree(history: &History, package: &PackageId, reading: &Reading) {
    let entries = &reading.entries;
    let mut hashes = HashSet::new();
    let latest: Vec<&Entry> = entries.iter().filter(|entry| hashes.insert(&entry.build_hash)).collect();
    let found = history.read_latest(package).unwrap();
    assert_eq!(found.entries.iter().collect::<Vec<_>>(), latest);
    assert_eq!(found.problems, reading.problems);

    let blessed = history.read_blessed(package).unwrap().entry;
    assert_eq!(blessed.as_ref(), entries.iter().find(|entry| entry.blessed));

    for count in [0, 1, 3, usize::MAX] {
        let newest = history.newest(package, count).unwrap();
        assert_eq!(newest.entries, entries[..count.min(entries.len())]);
        if count == usize::MAX && !reading.problems.iter().any(|p| matches!(p.reason, Reason::Many { .. })) {
            let mut expected = reading.problems.clone();
            expected.iter_mut().for_each(|problem| problem.line = None);
            expected.reverse();
            assert_eq!(newest.problems, expected);
        }
    }
}

/// Whoever passes over lines that repeat earlier ones finds what those find who read each.
fn a_visitor_agrees(history: &History, package: &PackageId, reading: &Reading) {
    let mut collected = Collected::default();
    let folder = history.open_folder().unwrap().unwrap();
    let problems = Follower::new(&folder).visit(package, &mut Repeats::default(), &mut collected).unwrap();
    collected.0.reverse();
    assert_eq!(collected.0, reading.entries);
    assert_eq!(problems, reading.problems);
}

#[derive(Default)]
struct Collected(Vec<Entry>);

impl EntryVisitor for Collected {
    type Made = Entry;

    fn anew(&mut self, entry: EntryRef<'_>) -> Entry {
        let entry = entry.into_entry();
        self.0.push(entry.clone());
        entry
    }

    fn again(&mut self, again: Again<'_>, like: &Entry) {
        let (ts, run) = (again.ts.as_str().to_owned(), again.run.as_str().to_owned());
        self.0.push(Entry { ts, run, ..like.clone() });
    }
}

fn any_entry() -> Entry {
    Entry {
        ts: "2026-03-09T12:54:44Z".to_owned(),
        run: "2026-03-09-125444".to_owned(),
        build_hash: "build-0123456789ab".to_owned(),
        status: Entry::FAILURE.to_owned(),
        category: Category::new(Category::BUILD_FAILURE),
        compiler: "5.3.0".to_owned(),
        blessed: true,
        error: Some("{\"a\": \u{1}\n".to_owned()),
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}
