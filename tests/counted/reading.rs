//! One history: its end, and all of it.

use std::path::Path;

use crate::child;
use crate::count::{self, Cost};
use crate::farm::{Farm, history, package};

pub(crate) fn newest(folder: &Path) -> Cost {
    let (history, package) = (history(folder), package(0));
    count::cost(|| assert_eq!(history.newest(&package, 20).unwrap().entries.len(), 20))
}

pub(crate) fn blessed(folder: &Path) -> Cost {
    let (history, package) = (history(folder), package(0));
    count::cost(|| assert!(history.read_blessed(&package).unwrap().entry.is_some()))
}

pub(crate) fn pass_over(folder: &Path) -> Cost {
    let (history, package) = (history(folder), package(0));
    count::cost(|| {
        let mut entries = 0;
        let problems = history.for_each(&package, |_| entries += 1).unwrap();
        assert!(entries > 0 && problems.is_empty());
    })
}

/// A history of so many entries.
fn long(entries: usize) -> (tempfile::TempDir, u64) {
    let folder = tempfile::tempdir().unwrap();
    let farm = Farm { packages: 1, runs: entries, repeat: 1 };
    farm.make(folder.path());
    let bytes = farm.files(folder.path()).1;
    (folder, bytes)
}

/// What is read beyond the lines that are asked for: the rest of the block in which the last of them begins.
const BLOCK: u64 = 64 << 10;

#[test]
fn the_newest_entries_cost_the_same_however_long_the_history_is() {
    let [(short, _), (long, bytes)] = [1_000, 100_000].map(long);
    assert!(bytes > 10_000_000);
    for role in ["newest", "blessed"] {
        let [short, long] = [&short, &long].map(|folder| child::cost(role, folder.path()));
        assert!(long.bytes_read <= BLOCK && long.read_calls <= 3, "{role}: {long:?}");
        assert_eq!((long.read_calls, long.allocations), (short.read_calls, short.allocations), "{role}");
        assert!(long.bytes_allocated <= 2 * BLOCK, "{role}: {long:?}");
    }
}

#[test]
fn passing_over_a_history_reads_each_byte_once_in_memory_that_does_not_grow() {
    let (folder, bytes) = long(100_000);
    let cost = child::cost("pass over", folder.path());
    assert_eq!(cost.bytes_read, bytes);
    assert!(cost.read_calls <= bytes / 32_768 + 3, "{cost:?}");
    assert!(cost.allocations <= 40, "no line asks for memory: {cost:?}");
    assert!(cost.bytes_allocated <= 512 << 10, "{cost:?}");
}
