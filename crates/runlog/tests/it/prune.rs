use std::time::Duration;

use buildbook_fsio::faults::{Fault, inject};
use buildbook_layout::{RunId, Timestamp};
use buildbook_runlog::{RunLog, RunRetention};

use crate::{empty, finish};

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
