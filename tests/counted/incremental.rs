//! The index that knows what it read before.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use buildbook::status_index::{Cache, generate_incremental};

use crate::child;
use crate::count::{self, Cost};
use crate::farm::{Farm, history, line, run_id, time};
use crate::opened::opened;

const FARM: Farm = Farm { packages: 60, runs: 30, repeat: 20 };

pub(crate) fn index(folder: &Path) -> Cost {
    let history = history(folder);
    count::cost(|| {
        let mut cache = Cache::read(folder);
        let run = run_id(FARM.runs);
        let generated = generate_incremental(&history, &run, None, time(FARM.runs), &mut cache).unwrap();
        assert!(generated.problems.is_empty() && !generated.standings.is_empty());
        cache.write(folder).unwrap();
    })
}

/// A farm of which all is remembered, and its files.
fn remembered() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    FARM.make(folder.path());
    // What changed in the very moment in which it was read is read again the next time.
    for _ in 0..2 {
        child::cost("incremental", folder.path());
    }
    let files = FARM.files(folder.path()).0;
    (folder, files)
}

/// What an index cost, and which of the files were opened how often.
fn index_again(folder: &Path, files: &[PathBuf]) -> (Cost, Vec<(usize, usize)>) {
    let folders = files.iter().filter_map(|file| file.parent());
    let (cost, opened) = opened(folders, || child::cost("incremental", folder));
    (cost, opened.into_iter().map(|((number, _), times)| (number, times)).collect())
}

/// What is remembered, and what the system tells of itself.
fn remembered_bytes(folder: &Path) -> u64 {
    fs::metadata(folder.join("status.cache")).unwrap().len() + 4096
}

#[test]
fn an_index_with_nothing_new_opens_no_history() {
    let (folder, files) = remembered();
    let (cost, opened) = index_again(folder.path(), &files);
    assert_eq!(opened, []);
    assert!(cost.bytes_read <= remembered_bytes(folder.path()), "{cost:?}");
    assert!(cost.read_calls < FARM.packages as u64 / 2, "{cost:?}");
    assert_eq!(cost.bytes_written, 0, "what is remembered is as it was");
    assert!(cost.allocations <= FARM.packages as u64 * 12, "{cost:?}");
}

#[test]
fn an_index_reads_only_what_is_new_of_the_histories_that_grew() {
    let (folder, files) = remembered();
    let new = line(FARM.runs);
    let grown = [3, 17, 42];
    for number in grown {
        OpenOptions::new().append(true).open(&files[number]).unwrap().write_all(new.as_bytes()).unwrap();
    }
    let (cost, opened) = index_again(folder.path(), &files);
    assert_eq!(opened, grown.map(|number| (number, 1)));
    // Of each, the block before what is new, which tells that it has only grown, and the last one, which will.
    let each = 2 * 4096 + new.len() as u64;
    let most = remembered_bytes(folder.path()) + each * grown.len() as u64;
    assert!(cost.bytes_read <= most, "{most} {cost:?}");
}
