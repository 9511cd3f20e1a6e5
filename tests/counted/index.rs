//! The index over all histories.

use std::path::Path;

use buildbook::status_index::generate;

use crate::child;
use crate::count::{self, Cost};
use crate::farm::{Farm, history, run_id, time};
use crate::opened::opened;

const RUNS: usize = 30;
const PACKAGES: usize = 60;

pub(crate) fn index(folder: &Path) -> Cost {
    let history = history(folder);
    count::cost(|| {
        let generated = generate(&history, &run_id(RUNS - 1), None, time(RUNS)).unwrap();
        assert!(generated.problems.is_empty());
        assert!(!generated.standings.is_empty());
    })
}

fn farm(packages: usize, repeat: usize) -> (tempfile::TempDir, Farm) {
    let folder = tempfile::tempdir().unwrap();
    let farm = Farm { packages, runs: RUNS, repeat };
    farm.make(folder.path());
    (folder, farm)
}

#[test]
fn a_full_index_opens_each_history_once_and_reads_each_byte_once() {
    let (folder, farm) = farm(PACKAGES, 20);
    let (files, bytes) = farm.files(folder.path());
    let (cost, opened) =
        opened(files.iter().filter_map(|file| file.parent()), || child::cost("index", folder.path()));
    assert_eq!(opened.len(), PACKAGES);
    assert!(opened.values().all(|times| *times == 1), "{opened:?}");
    // The rest is what the system tells of itself, such as the number of processors.
    assert!((bytes..bytes + 4096).contains(&cost.bytes_read), "{bytes} {cost:?}");
    let each = (bytes / PACKAGES as u64).div_ceil(65_536);
    assert!(cost.read_calls <= each * PACKAGES as u64 + 16, "{cost:?}");
}

#[test]
fn a_full_index_asks_for_memory_by_package_and_not_by_line() {
    let [(few, _), (many, _)] = [2, 40].map(|repeat| farm(PACKAGES, repeat));
    let [few, many] = [&few, &many].map(|folder| child::cost("index", folder.path()));
    // Which of the cores takes which package is not the same each time, and each has its own memory.
    assert!(many.allocations.abs_diff(few.allocations) <= 40, "{few:?} {many:?}");
    let (less, _) = farm(PACKAGES / 2, 2);
    let less = child::cost("index", less.path());
    let each = few.allocations.saturating_sub(less.allocations) / (PACKAGES as u64 / 2);
    assert!(each <= 30, "{each} for each package");
}
