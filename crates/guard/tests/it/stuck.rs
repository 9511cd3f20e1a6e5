//! Why a build is stuck (row U2).

use std::path::Path;

use buildbook_guard::{FileId, Guard};

use crate::{drained, named};

fn paths<'a>(guard: &'a Guard<&str>, files: &[FileId]) -> Vec<&'a Path> {
    files.iter().map(|file| guard.path(*file)).collect()
}

/// Probe P24: three operations, of which one waits for another, and three files that nobody writes.
#[test]
fn the_causes_of_a_stuck_build_are_the_files_that_no_guarded_operation_writes() {
    let mut guard = Guard::new();
    let [n0, n1, n2, e0, e1, e2] = named(&mut guard, ["n0", "n1", "n2", "e0", "e1", "e2"]);
    let writes = |op: &str| match op {
        "one" => e0,
        "two" => e1,
        _ => e2,
    };
    guard.add("one", &[n0, n1], &[e0]);
    guard.add("two", &[e0], &[e1]);
    guard.add("three", &[n0, n2], &[e2]);

    assert_eq!(guard.allowed(), None);
    assert_eq!(guard.guarded_ops(), [&"one", &"two", &"three"]);
    assert_eq!(guard.undecided_files(), [n0, n1, n2, e0]);
    assert_eq!(guard.root_undecided_files(), [n0, n1, n2]);
    assert!(guard.cycles().is_empty());

    for root in guard.root_undecided_files() {
        guard.set_file_never(root).unwrap();
    }
    let mut aborted = Vec::new();
    while let Some(allowed) = guard.allowed() {
        let op = allowed.into_op();
        aborted.push(op);
        guard.set_file_never(writes(op)).unwrap();
    }
    assert_eq!(aborted, ["one", "three", "two"]);
    assert_eq!(paths(&guard, &guard.never_files()), ["n0", "n1", "n2", "e0", "e1", "e2"].map(Path::new));
    assert_eq!(guard.undecided_files(), []);
    assert!(guard.guarded_ops().is_empty());
}

#[test]
fn files_are_listed_by_what_is_known_about_them() {
    let mut guard = Guard::new();
    let [a, b, c, d, e, _] = named(&mut guard, ["a", "b", "c", "d", "e", "f"]);
    guard.set_file_ready(d).unwrap();
    guard.set_file_ready(a).unwrap();
    guard.set_file_never(b).unwrap();
    guard.add("op", &[c, a], &[e]);
    assert_eq!(guard.ready_files(), [a, d]);
    assert_eq!(guard.never_files(), [b]);
    assert_eq!(guard.undecided_files(), [c], "nobody reads what the operation writes");
}

#[test]
fn operations_that_have_been_allowed_are_not_guarded_even_before_they_are_taken_out() {
    let mut guard = Guard::new();
    let [a, b, c] = named(&mut guard, ["a", "b", "c"]);
    guard.add("ready", &[a], &[]);
    guard.add("aborted", &[b], &[]);
    guard.add("guarded", &[c], &[]);
    guard.set_file_ready(a).unwrap();
    guard.set_file_never(b).unwrap();
    assert_eq!(guard.guarded_ops(), [&"guarded"]);
    assert_eq!(drained(&mut guard).len(), 2);
}

#[test]
fn guarded_operations_are_listed_in_the_order_of_addition_whichever_place_they_took() {
    let mut guard = Guard::new();
    let [a, b, c, d] = named(&mut guard, ["a", "b", "c", "d"]);
    for (op, file) in [("1", a), ("2", b), ("3", c)] {
        guard.add(op, &[file], &[]);
    }
    // The first two places become free, the second one last.
    guard.set_file_ready(a).unwrap();
    guard.set_file_ready(b).unwrap();
    for op in ["4", "5", "6"] {
        guard.add(op, &[d], &[]);
    }
    assert_eq!(guard.guarded_ops(), [&"3", &"4", &"5", &"6"]);
}

#[test]
fn a_file_is_a_cause_again_when_the_operation_that_would_write_it_is_gone() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    guard.add("writes b", &[a], &[b]);
    guard.add("reads b", &[b], &[]);
    assert_eq!(guard.root_undecided_files(), [a]);
    guard.set_file_ready(a).unwrap();
    assert_eq!(guard.root_undecided_files(), [b], "its writer is allowed, and has not said anything yet");
}

#[test]
fn a_file_that_only_aborted_operations_read_is_undecided() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    guard.add("op", &[a, b], &[]);
    guard.set_file_never(a).unwrap();
    assert!(guard.guarded_ops().is_empty());
    assert_eq!(guard.undecided_files(), [b]);
    assert_eq!(guard.root_undecided_files(), [b]);
}
