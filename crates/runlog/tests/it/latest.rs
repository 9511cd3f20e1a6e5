use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use buildbook_runlog::{Error, RunState};

use crate::{at, empty, end, finish, id, names, start, tree};

#[test]
fn latest_is_a_relative_link_to_the_run_that_finished() {
    let (folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    assert_eq!(log.latest().unwrap(), None, "a run in progress is not the latest");
    finish(run);
    let target = std::fs::read_link(log.tree().latest()).unwrap();
    assert_eq!(target, Path::new("runs/2026-03-09-125444"));
    std::fs::rename(folder.path().join("logs"), folder.path().join("moved")).unwrap();
    assert!(folder.path().join("moved/latest/summary.json").is_file(), "the tree can be moved");
}

#[test]
fn latest_never_goes_back_to_a_run_that_began_earlier() {
    let (_folder, log) = empty();
    let first = log.start_run(start()).unwrap();
    let second = log.start_run(start()).unwrap();
    let third = log.start_run(at("2026-03-09T12:59:00Z")).unwrap();
    let second = finish(second);
    assert_eq!(log.latest().unwrap(), Some(second.clone()));
    let first = finish(first);
    assert_eq!(log.latest().unwrap(), Some(second), "the first began earlier");
    assert_eq!(log.state(&first).unwrap(), RunState::Finished);
    let third = finish(third);
    assert_eq!(log.latest().unwrap(), Some(third));
}

#[test]
fn a_run_by_the_original_with_a_name_in_the_future_does_not_keep_latest() {
    let (_folder, log) = empty();
    // Its writer's clock showed 21:50 in Tokyo when it was 12:50 in UTC.
    let old = tree(&log, &id("2026-03-09-215000"));
    std::fs::create_dir_all(old.path()).unwrap();
    let summary = r#"{"run_id":"2026-03-09-215000","start_time":1773060600,"end_time":1773060700,"duration":100,
        "targets_requested":0,"packages_built":0,"packages_failed":0,"docs_generated":0,"failures":[]}"#;
    std::fs::write(old.summary(), summary).unwrap();
    symlink("runs/2026-03-09-215000", log.tree().latest()).unwrap();
    let run = finish(log.start_run(start()).unwrap());
    assert_eq!(log.latest().unwrap(), Some(run));
}

#[test]
fn a_clock_that_was_in_the_future_once_does_not_hold_latest_for_ever() {
    let (_folder, log) = empty();
    let astray = log.start_run(at("2040-01-01T00:00:00Z")).unwrap();
    astray.finish_run(Default::default(), at("2040-01-01T00:00:01Z")).unwrap();
    let run = finish(log.start_run(start()).unwrap());
    assert_eq!(log.latest().unwrap(), Some(run));
}

#[test]
fn readers_find_a_finished_run_at_every_moment() {
    let (_folder, log) = empty();
    finish(log.start_run(start()).unwrap());
    let done = AtomicBool::new(false);
    let (begun, first_read) = mpsc::channel();
    std::thread::scope(|scope| {
        let (log, done) = (&log, &done);
        let reader = scope.spawn(move || {
            let mut last = None;
            while !done.load(Ordering::Relaxed) {
                let latest = log.latest().unwrap();
                let id = latest.clone().expect("there was a finished run before");
                assert_eq!(log.state(&id).unwrap(), RunState::Finished);
                assert!(log.summary(&id).unwrap().is_some());
                assert!(latest >= last, "it went back");
                last = latest;
                // Nobody listens after the first.
                let _ = begun.send(());
            }
        });
        first_read.recv().expect("it reads before anything is written");
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || (0..50).for_each(|_| drop(finish(log.start_run(start()).unwrap())))))
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(log.latest().unwrap(), Some(id("2026-03-09-125444-201")));
    assert_eq!(names(log.tree().path()), ["latest", "runs"]);
}

#[test]
fn a_link_that_leads_nowhere_is_reported_and_healed_by_the_next_run() {
    let targets =
        ["runs/2026-01-01-000000", "runs/nonsense", "/etc", "../runs/2026-01-01-000000", "2026-01-01-000000"];
    for target in targets {
        let (_folder, log) = empty();
        std::fs::create_dir_all(log.tree().runs()).unwrap();
        symlink(target, log.tree().latest()).unwrap();
        let error = log.latest().unwrap_err();
        assert!(matches!(&error, Error::BadLatest { path, .. } if *path == log.tree().latest()), "{error:?}");
        assert!(matches!(log.resolve("latest"), Err(Error::BadLatest { .. })));
        let run = finish(log.start_run(start()).unwrap());
        assert_eq!(log.latest().unwrap(), Some(run), "{target}");
    }
}

#[test]
fn a_link_to_a_run_without_a_summary_does_not_keep_its_place() {
    let (_folder, log) = empty();
    let unfinished = log.start_run(at("2026-03-09T12:58:00Z")).unwrap();
    symlink(format!("runs/{}", unfinished.id()), log.tree().latest()).unwrap();
    let run = finish(log.start_run(start()).unwrap());
    assert_eq!(log.latest().unwrap(), Some(run));
}

#[test]
fn a_folder_in_the_place_of_latest_is_left_alone_and_the_run_is_handed_back() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    std::fs::create_dir_all(log.tree().latest().join("precious")).unwrap();
    assert!(matches!(log.latest(), Err(Error::BadLatest { .. })));
    let failed = run.finish_run(Default::default(), end()).unwrap_err();
    assert!(matches!(failed.error, Error::Replace(_)), "{failed:?}");
    assert!(log.tree().latest().join("precious").is_dir());
    assert_eq!(log.state(failed.run.id()).unwrap(), RunState::Finished, "its summary is there");

    std::fs::remove_dir_all(log.tree().latest()).unwrap();
    let run = finish(failed.run);
    assert_eq!(log.latest().unwrap(), Some(run));
}

#[test]
fn latest_does_not_go_back_while_an_earlier_run_takes_long_to_finish() {
    let (_folder, log) = empty();
    let first = log.start_run(start()).unwrap();
    let looked_at_the_clock = end();
    let second = log.start_run(at("2026-03-09T13:00:05Z")).unwrap();
    let second = second.finish_run(Default::default(), at("2026-03-09T13:00:09Z")).unwrap().run_id;
    first.finish_run(Default::default(), looked_at_the_clock).unwrap();
    assert_eq!(log.latest().unwrap(), Some(second));
}

#[test]
fn the_folder_of_the_runs_may_be_a_link_to_another_disk() {
    let (folder, log) = empty();
    std::fs::create_dir(folder.path().join("big")).unwrap();
    symlink("big", folder.path().join("logs")).unwrap();
    let first = finish(log.start_run(start()).unwrap());
    let second = finish(log.start_run(start()).unwrap());
    assert_eq!(log.latest().unwrap(), Some(second.clone()));
    assert!(folder.path().join("big/latest/summary.json").is_file());

    std::fs::write(folder.path().join("big/.latest.tmp-bb0123456789"), "").unwrap();
    let recovery = log.recover().unwrap();
    assert!(recovery.problems.is_empty() && recovery.removed.len() == 1, "{recovery:?}");
    let retention = buildbook_runlog::RunRetention { keep_newest: Some(1), min_age: None };
    assert_eq!(log.prune(&retention, end()).unwrap().removed, [first]);
    assert_eq!(log.latest().unwrap(), Some(second));
}
