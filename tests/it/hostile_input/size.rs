//! More than anybody expects: a line of a gigabyte, a document of a gigabyte, very many packages.
//!
//! Memory is that of a process of its own, as the kernel counts it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use buildbook::build_lock::BuildLocks;
use buildbook::fsio::Lock;
use buildbook::gc;
use buildbook::history::{Entry, History, Reason, Retention};
use buildbook::layout::{Book, LogTree, PackagesTree, PlatformTree, RunId};
use buildbook::runlog::RunLog;
use buildbook::{progress, status_index};

use crate::child::play;
use crate::{at, entry, package};

const GIGABYTE: u64 = 1 << 30;
const RUN: &str = "2026-03-09-125444";
/// What a process of this program has before it does anything is some ten megabytes.
const MEGABYTES: u64 = 96;

/// The most memory that this process ever had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn result(second: u32) -> Entry {
    let ts = at(&format!("2026-03-09T12:54:{second:02}Z"));
    entry(RUN, ts, "build-0123456789ab", "success")
}

/// A file with a line of a gigabyte that takes no room, between two that are entries.
fn sparse(path: &Path, line: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    writeln!(file, "{line}").unwrap();
    file.write_all_at(format!("\n{line}\n").as_bytes(), GIGABYTE).unwrap();
}

/// The part of the child.
pub(crate) fn read_a_huge_line(folder: &Path) -> Vec<String> {
    let mut said = Vec::new();
    let history = History::at(PackagesTree::at(folder.join("packages")));
    let package = package("a.1");
    let path = history.tree().history(&package);
    sparse(&path, &serde_json::to_string(&result(1)).unwrap());
    let reading = history.read(&package).unwrap();
    assert_eq!(reading.entries.len(), 2);
    assert!(
        matches!(reading.problems[..], [ref problem] if matches!(problem.reason, Reason::TooLong { bytes } if bytes > GIGABYTE / 2))
    );
    assert_eq!(history.read_blessed(&package).unwrap().entry, Some(result(1)));
    history.append(&package, &result(2)).unwrap();
    history.append(&package, &result(3)).unwrap();
    assert_eq!(history.newest(&package, 1).unwrap().entries, [result(3)]);
    said.push(format!("history {}", peak()));

    let log = RunLog::at(LogTree::at(folder.join("logs")));
    let id: RunId = RUN.parse().unwrap();
    let run = log.tree().run(&id);
    sparse(&run.events(), "{\"kind\":\"build\",\"pkg\":\"a.1\",\"hash\":\"h\",\"status\":\"ok\"}");
    let events = log.events(&id).unwrap();
    assert_eq!((events.events.len(), events.problems.len()), (2, 1));
    said.push(format!("events {}", peak()));

    let html = Book::at(folder).html();
    let tree = PlatformTree::at(folder.join("test-1"));
    let documents = [
        run.progress(),
        run.plan(),
        run.summary(),
        tree.status(),
        tree.path().join("build-0123456789ab/layer.json"),
    ];
    for document in documents.iter().chain([&html.blessed().join("a/1/universes.json")]) {
        sparse(document, "{}");
    }
    assert!(progress::read(run.path()).is_err() && status_index::read(tree.path()).is_err());
    assert!(log.plan(&id).is_err() && log.summary(&id).is_err());
    assert_eq!(gc::survey_layers(&tree).unwrap().problems.len(), 1);
    assert!(gc::collect_referenced_universes(&html).is_err());
    let lock = folder.join("locks/build-a.1.lock");
    sparse(&lock, "1");
    let held = Lock::acquire(&lock).unwrap();
    assert_eq!(BuildLocks::at(folder.join("locks")).list_active().unwrap().locks.len(), 1);
    held.release();
    said.push(format!("documents {}", peak()));
    said
}

/// Some file systems keep no holes, and a gigabyte of memory or disk is not for a test to take.
fn keeps_holes(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let path = folder.join("hole");
    sparse(&path, "x");
    let keeps = path.metadata().unwrap().blocks() < 1024;
    std::fs::remove_file(&path).unwrap();
    keeps
}

#[test]
fn a_line_or_a_document_of_a_gigabyte_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    if !keeps_holes(folder.path()) {
        eprintln!("skipped: the file system of {} keeps no holes in files", folder.path().display());
        return;
    }
    let said = play("huge_line", folder.path(), &[]);
    assert_eq!(said.lines().count(), 3, "{said}");
    for line in said.lines() {
        let (what, megabytes) = line.split_once(' ').unwrap();
        assert!(megabytes.parse::<u64>().unwrap() < MEGABYTES, "{what}: {megabytes} MB");
    }
}

/// The size of a document in which everything is as small as can be, in megabytes.
const DENSE: u64 = 16;

/// A document whose keys are followed by these small things again and again.
fn dense(path: &Path, begin: &str, thing: &str, end: &str, megabytes: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    file.write_all(begin.as_bytes()).unwrap();
    for _ in 0..(megabytes << 20) / thing.len() as u64 {
        file.write_all(thing.as_bytes()).unwrap();
    }
    file.write_all(end.as_bytes()).unwrap();
    file.flush().unwrap();
}

/// The part of the child. A reader that keeps what it does not know takes many times the size of such a document.
pub(crate) fn read_dense_documents(folder: &Path) -> Vec<String> {
    let mut said = Vec::new();
    let tree = PlatformTree::at(folder.join("test-1"));
    let status = r#"{"generated":"g","run_id":"2026-03-09-125444","#;
    for key in ["unknown", "changes_since_last", "new_packages", "generated", "blessed_totals"] {
        dense(&tree.status(), &format!("{status}{key:?}:["), "[],", "0]}", DENSE);
        let read = status_index::inspect(tree.path()).unwrap().unwrap();
        assert!(read.status.changes.is_empty() && read.problems.len() <= 1001, "{key}");
        said.push(format!("status {key}: {}", peak()));
    }
    dense(&tree.status(), &format!("{status}\"blessed_totals\":{{"), "\"a\":{},", "\"b\":1}}", DENSE);
    assert_eq!(status_index::inspect(tree.path()).unwrap().unwrap().problems.len(), 1001);
    said.push(format!("status totals: {}", peak()));

    let log = RunLog::at(LogTree::at(folder.join("logs")));
    let id: RunId = RUN.parse().unwrap();
    let run = log.tree().run(&id);
    let known = r#"{"run_id":"2026-03-09-125444","phase":"building","#;
    dense(&run.progress(), &format!("{known}\"heartbeat\":["), "{},", "0]}", DENSE);
    assert_eq!(progress::read(run.path()).unwrap().unwrap().heartbeat, None);
    said.push(format!("progress: {}", peak()));
    dense(&run.solve(), r#"{"timestamp":"t","solved":1,"failed":2,"later":["#, "{},", "0]}", DENSE);
    assert_eq!(log.solve(&id).unwrap().unwrap().record.failed, 2);
    said.push(format!("solve: {}", peak()));
    let layer = tree.path().join("build-0123456789ab/layer.json");
    for key in ["later", "created_at", "created"] {
        dense(&layer, &format!("{{\"parent_hashes\":[],{key:?}:["), "{},", "0]}", 8);
        assert!(gc::survey_layers(&tree).unwrap().problems.is_empty());
        said.push(format!("layer {key}: {}", peak()));
    }
    let html = Book::at(folder).html();
    dense(&html.blessed().join("a/1/universes.json"), r#"{"universes":[],"later":["#, "{},", "0]}", 8);
    assert_eq!(gc::collect_referenced_universes(&html).unwrap(), []);
    said.push(format!("references: {}", peak()));
    said
}

#[test]
fn a_document_of_very_many_small_things_takes_little_more_than_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let said = play("dense_documents", folder.path(), &[]);
    assert_eq!(said.lines().count(), 12, "{said}");
    for line in said.lines() {
        let (what, megabytes) = line.rsplit_once(' ').unwrap();
        assert!(megabytes.parse::<u64>().unwrap() < DENSE + 40, "{what} {megabytes} MB");
    }
}

/// How many packages: all the suite has time for, unless somebody asks for more.
fn packages() -> u32 {
    std::env::var("BUILDBOOK_TEST_PACKAGES").map_or(20_000, |count| count.parse().unwrap())
}

/// The part of the child: names of all packages are in memory, histories are not.
pub(crate) fn read_many_packages(folder: &Path) -> Vec<String> {
    let history = History::at(PackagesTree::at(folder.join("packages")));
    let start = Instant::now();
    let listed = history.packages().unwrap().packages.len();
    let run = RUN.parse().unwrap();
    let generated = status_index::generate(&history, &run, None, at("2026-03-09T13:00:00Z")).unwrap();
    assert_eq!((listed, generated.problems.len()), (generated.standings.len(), 0));
    assert_eq!(generated.status.blessed_totals.values().sum::<u64>(), listed as u64);
    status_index::write(folder, &generated.status, status_index::Durability::Cached).unwrap();
    assert_eq!(status_index::read(folder).unwrap().unwrap(), generated.status);
    let compacted = history.compact(&package("p00000.1"), &Retention::days(1), at("2026-03-09T13:00:00Z"));
    assert_eq!(compacted.unwrap().lines_before, 1);
    vec![format!("{listed} {} {:.1}", peak(), start.elapsed().as_secs_f64())]
}

/// `BUILDBOOK_TEST_PACKAGES=1000000` makes it a million.
#[test]
fn memory_grows_with_the_number_of_packages_and_by_little_for_each() {
    let count = packages();
    let memory = Path::new("/dev/shm");
    // A million folders are quickly made only where nothing is written to a disk.
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let line = format!("{}\n", serde_json::to_string(&result(1)).unwrap());
    for number in 0..count {
        let package = folder.path().join(format!("packages/p{number:05}.1"));
        std::fs::create_dir_all(&package).unwrap();
        std::fs::write(package.join("history.jsonl"), &line).unwrap();
    }
    let said = play("many_packages", folder.path(), &[]);
    let words: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [listed, megabytes, seconds] = words[..] else { panic!("{said}") };
    println!("{listed} packages: {megabytes} MB, {seconds} s");
    assert_eq!(listed, f64::from(count));
    assert!(megabytes < 40.0 + f64::from(count) * 0.002, "{megabytes} MB for {count} packages");
}
