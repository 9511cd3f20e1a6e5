use std::collections::HashSet;

use buildbook_fsio::faults::count;
use buildbook_fsio::op::Operation;
use buildbook_layout::{RunId, Timestamp};
use buildbook_other_process::Other;
use buildbook_runlog::{Error, RunState};
use time::UtcOffset;

use crate::child::{next_run, starts_runs};
use crate::{at, empty, id, names, start};

#[test]
fn a_run_has_a_folder_with_places_for_logs() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    assert_eq!(run.id().as_str(), "2026-03-09-125444");
    assert_eq!(run.run_dir(), log.tree().run(run.id()).path());
    assert_eq!(run.start_time(), start());
    assert_eq!(names(run.run_dir()), ["build", "docs", "writer.lock"]);
    let note = std::fs::read_to_string(run.tree().writer_lock()).unwrap();
    assert_eq!(note, format!("{}\n1773060884\n", std::process::id()));
}

#[test]
fn the_folders_above_the_first_run_survive_a_power_cut() {
    let (folder, log) = empty();
    let syncs = || {
        let (_run, calls) = count(|| log.start_run(start()).unwrap());
        let syncs = calls.into_iter().filter(|call| call.operation == Operation::SyncFolder);
        syncs.map(|call| call.path).collect::<Vec<_>>()
    };
    assert_eq!(syncs(), [log.tree().path(), folder.path()]);
    assert!(syncs().is_empty(), "they are there");
}

#[test]
fn naming_a_folder_touches_nothing() {
    let (folder, log) = empty();
    assert!(log.runs().unwrap().runs.is_empty());
    assert_eq!(log.latest().unwrap(), None);
    assert_eq!(log.summary(&id("2026-03-09-125444")).unwrap(), None);
    assert!(log.recover().unwrap().is_clean());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn runs_of_one_second_do_not_share_a_folder() {
    let (_folder, log) = empty();
    let runs: Vec<_> = (0..3).map(|_| log.start_run(start()).unwrap()).collect();
    let ids: Vec<&str> = runs.iter().map(|run| run.id().as_str()).collect();
    assert_eq!(ids, ["2026-03-09-125444", "2026-03-09-125444-002", "2026-03-09-125444-003"]);
    assert!(ids.iter().all(|id| id.starts_with("2026-03-09-125444")), "the first 17 bytes are the time");
}

#[test]
fn a_run_begins_in_the_next_second_when_a_second_is_full() {
    let (_folder, log) = empty();
    for n in 1..=RunId::MAX_SUFFIX {
        let taken = RunId::starting_at(start()).with_suffix(n).unwrap();
        std::fs::create_dir_all(log.tree().run(&taken).path()).unwrap();
    }
    let run = log.start_run(start()).unwrap();
    assert_eq!(run.id().as_str(), "2026-03-09-125445");
    assert_eq!(run.start_time(), start(), "the time of the start is the true one");
}

#[test]
fn two_hundred_runs_started_at_once_by_threads_and_processes_are_two_hundred_runs() {
    let (_folder, log) = empty();
    let mut others = [starts_runs(50, &log), starts_runs(50, &log)];
    let mut ids = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..25).map(|_| log.start_run(start()).unwrap()).collect::<Vec<_>>()))
            .collect();
        others.iter_mut().for_each(Other::go_on);
        let runs: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let mut ids: Vec<RunId> = runs.iter().map(|run| run.id().clone()).collect();
        for other in &mut others {
            ids.extend((0..50).map(|_| next_run(other)));
        }
        let found = log.runs().unwrap();
        assert_eq!(found.runs.len(), 200);
        assert!(found.runs.iter().all(|run| run.state == RunState::InProgress));
        ids
    });
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 200);
    ids.sort();
    assert_eq!(ids[199].as_str(), "2026-03-09-125444-200", "no name is left out");
    others.into_iter().for_each(Other::finish);
    assert!(log.runs().unwrap().runs.iter().all(|run| run.state == RunState::Interrupted));
}

#[test]
fn names_are_in_utc_whatever_the_zone_of_the_writer() {
    let (_folder, log) = empty();
    let tokyo = log.clone().with_utc_offset(UtcOffset::from_hms(9, 0, 0).unwrap());
    let lima = log.clone().with_utc_offset(UtcOffset::from_hms(-5, 0, 0).unwrap());
    // An hour that happens twice in local time, an hour before and after the clocks change.
    let (early, late) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
    let (first, second) = (tokyo.start_run(early).unwrap(), lima.start_run(late).unwrap());
    assert_eq!((first.id().as_str(), second.id().as_str()), ("2026-10-25-003000", "2026-10-25-013000"));
    assert!(first.id() < second.id());
    assert_eq!(tokyo.format_time(early), "2026-10-25T09:30:00");
    assert_eq!(lima.format_time(early), "2026-10-24T19:30:00");
}

#[test]
fn runs_of_the_original_are_listed_and_keep_their_folder() {
    let (_folder, log) = empty();
    let old = log.tree().run(&id("2026-03-09-125444"));
    std::fs::create_dir_all(old.path()).unwrap();
    std::fs::write(old.summary(), "{}").unwrap();
    let run = log.start_run(start()).unwrap();
    assert_eq!(run.id().as_str(), "2026-03-09-125444-002");
    assert_eq!(names(old.path()), ["summary.json"]);
}

#[test]
fn a_run_that_cannot_be_started_leaves_nothing() {
    let (folder, log) = empty();
    std::fs::write(folder.path().join("logs"), "a file in the way").unwrap();
    assert!(matches!(log.start_run(start()), Err(Error::File(_))));
    assert_eq!(std::fs::read(folder.path().join("logs")).unwrap(), b"a file in the way");
}

#[test]
fn a_clock_at_the_end_of_time_is_an_error_and_not_a_loop() {
    let (_folder, log) = empty();
    let last = at("9999-12-31T23:59:59Z");
    for n in 1..=RunId::MAX_SUFFIX {
        let taken = RunId::starting_at(last).with_suffix(n).unwrap();
        std::fs::create_dir_all(log.tree().run(&taken).path()).unwrap();
    }
    let error = log.start_run(last).unwrap_err();
    assert!(matches!(&error, Error::NoFreeName { first, .. } if first.as_str() == "9999-12-31-235959"));
    assert!(log.start_run(Timestamp::UNIX_EPOCH).is_ok());
}
