//! Stops appending and compaction at every one of their operations, and looks at what is left.

use buildbook_atomic_swap::recover;
use buildbook_fsio::faults::{Call, Fault, inject_all};
use buildbook_fsio::op::Operation;
use buildbook_history::{Entry, Retention};

use crate::{World, entry, line, time};

const FAULTS: [Fault; 5] = [
    Fault::Stop,
    Fault::StopTorn,
    Fault::Fail(nix::libc::EIO),
    Fault::FailTorn(nix::libc::ENOSPC),
    Fault::Fail(nix::libc::EACCES),
];

/// Runs a procedure on a fresh world with a fault at each operation in turn, then recovery, then `check`, which
/// is told whether the procedure claimed to have succeeded.
fn at_every_point(
    prepare: impl Fn() -> World,
    procedure: impl Fn(&World) -> bool,
    check: impl Fn(&World, bool, &str),
) -> Vec<Operation> {
    let run = |faults: &[(usize, Fault)]| -> (World, bool, Vec<Call>) {
        let world = prepare();
        let (done, calls) = inject_all(faults, || procedure(&world));
        (world, done, calls)
    };
    let (world, done, calls) = run(&[]);
    check(&world, done, "undisturbed");
    assert!(done);
    for (at, call) in calls.iter().enumerate() {
        for fault in FAULTS {
            let (world, done, _) = run(&[(at, fault)]);
            let point = format!("{fault:?} at {at}, {:?}", call.operation);
            let folder = world.path().parent().unwrap().to_owned();
            let recovery = recover(&folder).unwrap();
            assert!(recovery.problems.is_empty(), "{point}: {recovery:?}");
            check(&world, done, &point);
            world.history.append(&world.package, &entry("next")).unwrap();
            assert_eq!(world.tags()[0], "next", "{point}: the history can be used");
        }
    }
    calls.into_iter().map(|call| call.operation).collect()
}

#[test]
fn an_acknowledged_entry_survives_any_stop_of_a_later_append() {
    let operations = at_every_point(
        || World::with(line(&entry("old"))),
        |world| world.history.append_synced(&world.package, &entry("new")).is_ok(),
        |world, done, point| {
            let tags = world.tags();
            assert!(tags == ["new", "old"] || (tags == ["old"] && !done), "{point}: {tags:?}");
        },
    );
    assert_eq!(
        operations,
        [Operation::Write, Operation::SyncFile, Operation::SyncFolder, Operation::SyncFolder]
    );
}

#[test]
fn a_first_entry_is_there_or_not_after_any_stop() {
    let operations = at_every_point(
        World::new,
        |world| world.history.append_synced(&world.package, &entry("new")).is_ok(),
        |world, done, point| {
            let tags = world.tags();
            assert!(tags == ["new"] || (tags.is_empty() && !done), "{point}: {tags:?}");
        },
    );
    assert_eq!(operations.len(), 8, "{operations:?}");
}

#[test]
fn a_history_is_old_or_compacted_after_any_stop() {
    let all: Vec<String> = (1..=6)
        .map(|day| line(&Entry { ts: format!("2020-01-0{day}T00:00:00Z"), ..entry(&day.to_string()) }))
        .collect();
    let old = all.concat() + "torn";
    let new = all[0].clone() + &all[5] + "torn";
    let operations = at_every_point(
        || World::with(&old),
        |world| {
            world.history.compact(&world.package, &Retention::days(30), time("2026-01-01T00:00:00Z")).is_ok()
        },
        |world, done, point| {
            let text = world.text();
            assert!(text == new || (text == old && !done), "{point}: {text}");
            assert_eq!(std::fs::read_dir(world.path().parent().unwrap()).unwrap().count(), 1, "{point}");
        },
    );
    assert_eq!(
        operations,
        [
            Operation::CreateFile,
            Operation::Write,
            Operation::SyncFile,
            Operation::Rename,
            Operation::SyncFolder
        ]
    );
}
