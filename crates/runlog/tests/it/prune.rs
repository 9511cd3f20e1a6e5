use std::time::Duration;

use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_fsio::op::Operation;
use buildbook_layout::{RunId, Timestamp};
use buildbook_runlog::{RunLog, RunRetention, RunState};

use crate::{at, empty, finish, id, tree};

/// Days after the first run.
fn day(n: i64) -> Timestamp {
    Timestamp::from_unix(1_772_000_000 + n * 86_400).unwrap()
}

/// A finished run on each of so many days.
fn finished(log: &RunLog, days: i64) -> Vec<RunId> {
    (0..days).map(|n| finish(log.start_run(day(n)).unwrap())).collect()
}

fn ids(log: &RunLog) -> Vec<RunId> {
    log.runs().unwrap().runs.into_iter().map(|run| run.id).collect()
}

#[test]
fn only_runs_that_every_limit_lets_go_are_removed() {
    let table = [
        (RunRetention::default(), 0),
        (RunRetention { keep_newest: Some(3), min_age: None }, 2),
        (RunRetention { keep_newest: Some(0), min_age: None }, 4),
        (RunRetention { keep_newest: None, min_age: Some(Duration::from_secs(3 * 86_400)) }, 3),
        (RunRetention { keep_newest: Some(4), min_age: Some(Duration::from_secs(3 * 86_400)) }, 1),
    ];
    for (retention, removed) in table {
        let (_folder, log) = empty();
        let runs = finished(&log, 5);
        let now = day(5);
        assert_eq!(log.prunable(&retention, now).unwrap(), runs[..removed], "{retention:?}");
        assert_eq!(ids(&log), runs, "asking changes nothing");
        let pruned = log.prune(&retention, now).unwrap();
        assert_eq!(pruned.removed, runs[..removed], "{retention:?}");
        assert_eq!(ids(&log), runs[removed..]);
        assert_eq!(log.latest().unwrap().as_ref(), runs.last(), "the latest run stays");
    }
}

#[test]
fn a_run_in_progress_or_of_unknown_state_stays() {
    let (_folder, log) = empty();
    let alive = log.start_run(day(0)).unwrap();
    let by_the_original: RunId = "2020-01-01-000000".parse().unwrap();
    std::fs::create_dir(log.tree().run(&by_the_original).path()).unwrap();
    let interrupted = log.start_run(day(1)).unwrap();
    let dead = interrupted.id().clone();
    drop(interrupted);
    finished(&log, 3);
    let pruned = log.prune(&RunRetention { keep_newest: Some(1), min_age: None }, day(9)).unwrap();
    assert!(pruned.removed.contains(&dead));
    let left = ids(&log);
    assert!(left.contains(alive.id()) && left.contains(&by_the_original), "{left:?}");
}

#[test]
fn pruning_that_is_cut_off_leaves_whole_runs_and_is_finished_by_recovery() {
    let (_folder, log) = empty();
    let runs = finished(&log, 3);
    let retention = RunRetention { keep_newest: Some(1), min_age: None };
    for at in 0..4 {
        let _ = inject(at, Fault::Stop, || log.prune(&retention, day(9)));
        for id in ids(&log) {
            assert!(log.summary(&id).unwrap().is_some(), "half of run {id} is there");
        }
    }
    log.recover().unwrap();
    log.prune(&retention, day(9)).unwrap();
    let left: Vec<_> =
        std::fs::read_dir(log.tree().runs()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [runs[2].as_str()]);
}

#[test]
fn nothing_in_a_run_is_removed_before_the_device_knows_that_it_has_no_name() {
    let (_folder, log) = empty();
    let runs = finished(&log, 3);
    let retention = RunRetention { keep_newest: Some(1), min_age: None };
    let (_, calls) = count(|| log.prune(&retention, day(9)).unwrap());
    let operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
    let (rename, remove) = (Operation::RenameToFreeName, Operation::RemoveTree);
    assert_eq!(operations, [rename, rename, Operation::SyncFolder, remove, remove]);
    assert_eq!(calls[2].path, log.tree().runs());

    finished(&log, 2);
    let sync_fails = (2, Fault::Fail(nix::libc::EIO));
    let pruned = inject(sync_fails.0, sync_fails.1, || log.prune(&retention, day(9)).unwrap());
    assert_eq!((pruned.removed.len(), pruned.problems.len()), (0, 1), "{pruned:?}");
    assert_eq!(ids(&log), runs[2..]);
    // Nor by a recovery, which comes when the one who pruned has died before it knew.
    let (recovery, calls) = count(|| log.recover().unwrap());
    assert_eq!(recovery.removed.len(), 2);
    let first = |operation| calls.iter().position(|call| call.operation == operation).unwrap();
    assert!(first(Operation::SyncFolder) < first(remove), "{calls:?}");
    assert_eq!(calls[first(Operation::SyncFolder)].path, log.tree().runs());
}

#[test]
fn a_run_that_is_being_pruned_never_seems_to_be_in_progress() {
    let (_folder, log) = empty();
    finished(&log, 1);
    let retention = RunRetention { keep_newest: Some(1), min_age: None };
    for n in 1..100 {
        let dead = log.start_run(day(-n)).unwrap().id().clone();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                loop {
                    match log.state(&dead).unwrap() {
                        RunState::Interrupted => {}
                        // What has gone has no state that is known.
                        other => return other,
                    }
                }
            });
            log.prune(&retention, day(9)).unwrap();
            assert_eq!(reader.join().unwrap(), RunState::Unknown);
        });
    }
}

#[test]
fn the_age_of_a_run_with_a_name_in_local_time_is_that_of_its_summary() {
    let (_folder, log) = empty();
    // Its writer's clock showed seven in the morning when it was noon in UTC.
    let run = id("2026-03-09-070000");
    std::fs::create_dir_all(tree(&log, &run).path()).unwrap();
    let summary = r#"{"run_id":"2026-03-09-070000","start_time":1773057600,"end_time":1773057601,"duration":1,
        "targets_requested":0,"packages_built":0,"packages_failed":0,"docs_generated":0,"failures":[]}"#;
    std::fs::write(tree(&log, &run).summary(), summary).unwrap();
    let retention = RunRetention { keep_newest: None, min_age: Some(Duration::from_secs(3 * 3600)) };
    assert_eq!(log.prunable(&retention, at("2026-03-09T13:00:00Z")).unwrap(), []);
    assert_eq!(log.prunable(&retention, at("2026-03-09T15:00:00Z")).unwrap(), [run]);
}
