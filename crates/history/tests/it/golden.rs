//! Files that the original wrote, and what it read from them.

use std::path::{Path, PathBuf};

use buildbook_history::{Entry, History, Reason, Retention};
use buildbook_layout::{PackageId, PackagesTree};
use serde_json::Value;

use crate::{World, time};

fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(path)
}

/// An entry as the original's later version prints it: without the fields that only the first one had.
fn as_printed(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap();
    let fields = value.as_object_mut().unwrap();
    for key in ["compiler", "failed_dep", "failed_dep_hash", "universe"] {
        fields.remove(key);
    }
    value
}

fn all_as_printed(entries: &[Entry]) -> Value {
    entries.iter().map(as_printed).collect()
}

#[test]
fn every_history_reads_as_the_original_reads_it() {
    let expected: Value = serde_json::from_slice(&std::fs::read(golden("expected.json")).unwrap()).unwrap();
    let history = History::at(PackagesTree::at(golden("cache/packages")));
    let mut compared = 0;
    for (key, value) in expected.as_object().unwrap() {
        let Some((what, package)) = key.split_once(' ') else { continue };
        let package: PackageId = package.parse().unwrap();
        // The original gives up on the whole file for its torn last line: C-H1. What it read before that
        // line was cut is under another key.
        if value.get("RAISES").is_some() {
            assert_eq!(package.as_str(), "harbor-ppx.1.1");
            continue;
        }
        let ours = match what {
            "read" | "read-before-truncation" => all_as_printed(&history.read(&package).unwrap().entries),
            "latest" => all_as_printed(&history.read_latest(&package).unwrap().entries),
            "blessed" => {
                history.read_blessed(&package).unwrap().entry.as_ref().map_or(Value::Null, as_printed)
            }
            _ => continue,
        };
        assert_eq!(ours, *value, "{key}");
        compared += 1;
    }
    assert_eq!(compared, 31);
}

#[test]
fn what_the_original_passes_over_in_silence_is_reported() {
    let history = History::at(PackagesTree::at(golden("cache/packages")));
    let granite = history.read(&"granite.5.0".parse().unwrap()).unwrap();
    let reported: Vec<(Option<u64>, bool)> = granite
        .problems
        .iter()
        .map(|problem| (problem.line, matches!(problem.reason, Reason::NotAnEntry(_))))
        .collect();
    assert_eq!(reported, [7, 8, 9, 10].map(|line| (Some(line), true)));
    let with_dependency = granite.entries.iter().find(|entry| entry.failed_dep.is_some()).unwrap();
    assert_eq!(with_dependency.compiler, "5.2.0", "fields of the first version are read");
    let harbor = history.read(&"harbor-ppx.1.1".parse().unwrap()).unwrap();
    assert_eq!(harbor.problems.len(), 1);
    assert_eq!(harbor.problems[0].reason, Reason::CutOff);
}

#[test]
fn bytes_of_another_encoding_are_read() {
    let history = History::at(PackagesTree::at(golden("cache-invalid-utf8/packages")));
    let reading = history.read(&"lantern.1.0".parse().unwrap()).unwrap();
    let errors: Vec<Option<&str>> = reading.entries.iter().map(|entry| entry.error.as_deref()).collect();
    assert_eq!(errors, [None, Some("latin-1 caf\u{fffd}, truncated \u{fffd}")]);
    assert_eq!(reading.problems, []);
}

/// The original's answers for single odd lines, some of which make it give up.
#[test]
fn odd_lines_never_stop_a_read() {
    let expected: Value = serde_json::from_slice(&std::fs::read(golden("expected.json")).unwrap()).unwrap();
    let lines = expected["odd-lines"].as_array().unwrap();
    for line in lines {
        let world = World::with(line[0].as_str().unwrap());
        let reading = world.history.read(&world.package).unwrap();
        assert_eq!((reading.entries.len(), reading.problems.len()), (0, 1), "{line}");
    }
    assert_eq!(lines.len(), 14);
}

/// Compacts a golden file as the original did, with the same age, and gives the numbers of the lines that
/// were kept, counted from 1.
fn compacted(name: &str) -> (Vec<usize>, bool) {
    let before = std::fs::read_to_string(golden(&format!("compact/{name}.before.jsonl"))).unwrap();
    let after = std::fs::read_to_string(golden(&format!("compact/{name}.after.jsonl"))).unwrap();
    let world = World::with(&before);
    world.history.compact(&world.package, &Retention::days(30), time("2026-11-20T03:46:20Z")).unwrap();
    let ours = world.text();
    let mut kept = Vec::new();
    let mut left = ours.lines().peekable();
    for (number, line) in (1..).zip(before.lines()) {
        if left.next_if_eq(&line).is_some() {
            kept.push(number);
        }
    }
    assert_eq!(left.next(), None, "{name}: every line is one of the old ones, in order");
    (kept, ours == after)
}

#[test]
fn streaks_of_one_build_are_reduced_as_the_original_does() {
    for (name, lines) in [
        ("five-same", &[1, 5][..]),
        ("two-same", &[1, 2]),
        ("one", &[1]),
        ("old-then-new", &[1, 4, 5, 6, 7, 8]),
        ("status-flips", &[1, 3, 4, 6, 7, 9]),
    ] {
        assert_eq!(compacted(name), (lines.to_vec(), true), "{name}");
    }
}

/// C-H8: the original compares neighbours only, and leaves all twelve.
#[test]
fn builds_that_alternate_are_reduced_each_by_itself() {
    assert_eq!(compacted("interleaved"), (vec![1, 2, 3, 10, 11, 12], false));
}

/// C-H7: the original compares hash and status only, and leaves the first and the last line.
#[test]
fn failures_of_different_categories_are_all_kept() {
    assert_eq!(compacted("categories-merged"), (vec![1, 2, 3, 4, 5], false));
}

/// The original takes a time that it cannot read for 1970. Two such lines are both kept either way.
#[test]
fn lines_with_unreadable_times_are_kept() {
    assert_eq!(compacted("bad-ts"), (vec![1, 2, 3, 4], true));
}
