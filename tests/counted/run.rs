//! The program on a plan of which everything is in place, or in a memo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::child;
use crate::count::{self, Cost};
use crate::opened::opened;

/// The program, which cargo builds together with the tests of the whole workspace; see `program` in `tests/it`.
fn program() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("buildbook");
    if !path.is_file() {
        eprintln!("skipped: the program has not been built; `cargo test --workspace` builds it");
        return None;
    }
    Some(path)
}

/// Runs the plan. Without a folder of programs it can start none.
fn buildbook(folder: &Path, programs: &str) -> Command {
    let mut command = Command::new(program().unwrap());
    command.env_remove("BUILDBOOK_ROOT").env("PATH", programs).current_dir(folder);
    command.args(["--root", "book", "--platform", "test-1", "run", "plan.json", "--jobs", "1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub(crate) fn run(folder: &Path) -> Cost {
    let mut command = buildbook(folder, "/nowhere");
    count::cost(|| assert!(command.status().unwrap().success()))
}

/// A book in which a plan of so many targets is built.
fn built(targets: usize) -> Option<tempfile::TempDir> {
    program()?;
    let folder = tempfile::tempdir().unwrap();
    let targets: Vec<Value> = (0..targets)
        .map(|number| json!({ "package": format!("package-{number}.1.0"), "command": ["true"] }))
        .collect();
    fs::write(folder.path().join("plan.json"), json!({ "targets": targets }).to_string()).unwrap();
    let path = std::env::var("PATH").unwrap();
    assert!(buildbook(folder.path(), &path).status().unwrap().success());
    Some(folder)
}

#[test]
fn a_second_run_starts_no_process_and_does_the_same_for_each_target() {
    let sizes = [20, 60];
    let Some(few) = built(sizes[0]) else { return };
    let Some(many) = built(sizes[1]) else { return };
    // No program of a target can be found, and it succeeds all the same.
    let [few, many] = [&few, &many].map(|folder| child::cost("run", folder.path()));
    let targets = (sizes[1] - sizes[0]) as u64;
    let each = |of: fn(&Cost) -> u64| (of(&many) - of(&few)).div_ceil(targets);
    assert!(each(|cost| cost.read_calls) <= 4, "{few:?} {many:?}");
    assert!(each(|cost| cost.bytes_read) <= 2048, "{few:?} {many:?}");
    assert!(each(|cost| cost.write_calls) <= 1, "{few:?} {many:?}");
    assert!(each(|cost| cost.bytes_written) <= 2048, "{few:?} {many:?}");
}

/// Takes everything from the memo, into a book that is new.
pub(crate) fn from_memo(folder: &Path) -> Cost {
    let mut command = from_memo_into(folder, "third");
    let cost = count::cost(|| assert!(command.status().unwrap().success()));
    let report: Value = serde_json::from_slice(&fs::read(folder.join("third.json")).unwrap()).unwrap();
    assert_eq!(report["totals"]["from_memo"], report["totals"]["targets"], "{}", report["totals"]);
    cost
}

fn from_memo_into(folder: &Path, book: &str) -> Command {
    let mut command = buildbook(folder, &std::env::var("PATH").unwrap());
    command.args(["--memo", "memo", "--json", "--root", book]);
    command.stdout(fs::File::create(folder.join(format!("{book}.json"))).unwrap());
    command
}

/// What is remembered grows with the targets. It is read and written once for all of them.
#[test]
fn a_run_that_takes_all_from_the_memo_does_the_same_for_each_target() {
    if program().is_none() {
        return;
    }
    let [few, many] = [30, 120].map(|targets| {
        let folder = tempfile::tempdir().unwrap();
        let target = |number| {
            json!({ "package": format!("package-{number}.1.0"), "command": ["true"], "outputs": ["."] })
        };
        let plan = json!({ "targets": (0..targets).map(target).collect::<Vec<_>>() });
        fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        // The second notes what it found, and the third has that.
        for book in ["first", "second"] {
            assert!(from_memo_into(folder.path(), book).status().unwrap().success());
        }
        assert!(folder.path().join("memo/recent").exists());
        child::cost("from memo", folder.path())
    });
    let each = |of: fn(&Cost) -> u64| (of(&many) - of(&few)).div_ceil(120 - 30);
    assert!(each(|cost| cost.bytes_read) <= 4 << 10, "{few:?} {many:?}");
    assert!(each(|cost| cost.bytes_written) <= 4 << 10, "{few:?} {many:?}");
}

#[test]
fn a_second_run_opens_few_files_of_a_layer() {
    let Some(folder) = built(20) else { return };
    let platform = folder.path().join("book/test-1");
    let layers: Vec<PathBuf> = fs::read_dir(&platform)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("layer.json").exists())
        .collect();
    assert_eq!(layers.len(), 20);
    let run = || assert!(buildbook(folder.path(), "/nowhere").status().unwrap().success());
    let ((), opened) = opened(layers.iter().map(PathBuf::as_path), run);
    for layer in 0..layers.len() {
        let times: usize =
            opened.iter().filter(|((number, _), _)| *number == layer).map(|(_, times)| times).sum();
        assert!(times <= 1, "{opened:?}");
    }
}
