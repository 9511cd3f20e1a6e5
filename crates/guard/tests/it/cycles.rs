//! Operations that wait for each other (row U2, fault B-9).

use buildbook_guard::Guard;

use crate::{drained, named};

#[test]
fn circles_of_one_two_and_three_operations_have_no_root_and_all_members() {
    for length in 1..=3 {
        let mut guard = Guard::new();
        let files: Vec<_> = (0..length).map(|n| guard.file(format!("f{n}"))).collect();
        for op in 0..length {
            guard.add(op, &[files[op]], &[files[(op + 1) % length]]);
        }
        assert_eq!(guard.allowed(), None);
        assert_eq!(guard.root_undecided_files(), []);
        let members: Vec<usize> = (0..length).collect();
        assert_eq!(guard.cycles(), [members.iter().collect::<Vec<_>>()], "length {length}");
    }
}

#[test]
fn what_only_waits_for_a_circle_is_not_in_it() {
    let mut guard = Guard::new();
    let [a, b, c, root] = named(&mut guard, ["a", "b", "c", "root"]);
    guard.add("after", &[a], &[c]);
    guard.add("far after", &[c], &[]);
    guard.add("second", &[b, root], &[a]);
    guard.add("first", &[a], &[b]);
    guard.add("before", &[], &[root]);
    assert_eq!(drained(&mut guard).len(), 1);
    guard.set_file_ready(root).unwrap();
    assert_eq!(guard.cycles(), [[&"second", &"first"]]);
}

#[test]
fn circles_are_listed_by_their_first_operations() {
    let mut guard = Guard::new();
    let [a, b, c, d, e] = named(&mut guard, ["a", "b", "c", "d", "e"]);
    guard.add(1, &[a], &[b]);
    guard.add(2, &[c], &[d]);
    guard.add(3, &[e], &[e]);
    guard.add(4, &[d], &[c]);
    guard.add(5, &[b, d], &[a]);
    assert_eq!(guard.cycles(), [vec![&1, &5], vec![&2, &4], vec![&3]]);
}

#[test]
fn circles_that_share_an_operation_are_one() {
    let mut guard = Guard::new();
    let [a, b, c] = named(&mut guard, ["a", "b", "c"]);
    guard.add("hub", &[a, b], &[c]);
    guard.add("left", &[c], &[a]);
    guard.add("right", &[c], &[b]);
    assert_eq!(guard.cycles(), [[&"hub", &"left", &"right"]]);
}

#[test]
fn a_circle_is_open_when_one_of_its_files_is_decided() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    guard.add("one", &[a], &[b]);
    guard.add("two", &[b], &[a]);
    guard.set_file_ready(a).unwrap();
    assert!(guard.cycles().is_empty());
    assert_eq!(guard.guarded_ops(), [&"two"]);
}

#[test]
fn an_aborted_operation_closes_no_circle() {
    let mut guard = Guard::new();
    let [a, b, never] = named(&mut guard, ["a", "b", "never"]);
    guard.add("one", &[a, never], &[b]);
    guard.add("two", &[b], &[a]);
    assert_eq!(guard.cycles().len(), 1);
    guard.set_file_never(never).unwrap();
    assert!(guard.cycles().is_empty());
    assert_eq!(guard.guarded_ops(), [&"two"]);
}

#[test]
fn operations_that_share_many_files_are_looked_at_file_by_file() {
    // A million edges between operations and files, and five hundred times as many ways from one operation to another.
    const FILES: usize = 500;
    let mut guard = Guard::new();
    let files: Vec<_> = (0..FILES).map(|n| guard.file(n.to_string())).collect();
    for op in 0..1000 {
        guard.add(op, &files, &files);
    }
    assert_eq!(guard.cycles().iter().map(Vec::len).collect::<Vec<_>>(), [1000]);
}
