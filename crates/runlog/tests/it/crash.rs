//! Stops every procedure at every one of its operations, and looks at what is left.

use buildbook_fsio::faults::{Call, Fault, count, inject};
use buildbook_layout::RunId;
use buildbook_runlog::{Counts, Result, Run, RunLog, RunState};

use crate::{at, empty, end, finish, names, package, start};

const FAULTS: [Fault; 4] =
    [Fault::Stop, Fault::StopTorn, Fault::Fail(nix::libc::EIO), Fault::FailTorn(nix::libc::ENOSPC)];

/// Every fault at every operation, with words for what it is.
fn points(calls: &[Call]) -> impl Iterator<Item = (usize, Fault, String)> {
    assert!(!calls.is_empty());
    calls.iter().enumerate().flat_map(|(at, call)| {
        FAULTS.map(|fault| {
            (at, fault, format!("{fault:?} at {at}, {:?} {}", call.operation, call.path.display()))
        })
    })
}

/// A folder with one finished run.
fn with_a_finished_run() -> (tempfile::TempDir, RunLog, RunId) {
    let (folder, log) = empty();
    let first = finish(log.start_run(at("2026-03-08T00:00:00Z")).unwrap());
    (folder, log, first)
}

/// What must hold whatever has happened: the list can be read, `latest` names a finished run, leftovers can be
/// cleaned, and a next run works from start to end.
fn the_book_is_good(log: &RunLog, point: &str) {
    let found = log.runs().unwrap();
    assert!(found.problems.is_empty(), "{point}: {:?}", found.problems);
    let latest = log.latest().unwrap().expect(point);
    assert_eq!(log.state(&latest).unwrap(), RunState::Finished, "{point}");
    assert!(log.summary(&latest).unwrap().is_some(), "{point}");

    let recovery = log.recover().unwrap();
    assert!(recovery.problems.is_empty() && recovery.busy.is_empty(), "{point}: {recovery:?}");
    assert!(log.recover().unwrap().is_clean(), "{point}");
    assert_eq!(names(log.tree().path()), ["latest", "runs"], "{point}");

    let next = log.start_run(start()).unwrap();
    assert!(found.runs.iter().all(|run| run.id != *next.id()), "{point}");
    let next = finish(next);
    assert_eq!(log.latest().unwrap(), Some(next), "{point}");
}

#[test]
fn a_start_that_is_cut_off_leaves_a_book_that_reads_well() {
    let (_folder, log, _) = with_a_finished_run();
    let (_, calls) = count(|| log.start_run(start()).unwrap());
    assert!(calls.len() >= 5, "{calls:?}");
    for (at, fault, point) in points(&calls) {
        let (_folder, log, first) = with_a_finished_run();
        let started = inject(at, fault, || log.start_run(start()));
        let states: Vec<RunState> = log.runs().unwrap().runs.iter().map(|run| run.state).collect();
        let stopped = matches!(fault, Fault::Stop | Fault::StopTorn);
        match (&started, states.as_slice()) {
            (Ok(_), [RunState::Finished, RunState::InProgress]) => {}
            // A failed start is undone; the death of the process leaves what there is.
            (Err(_), [RunState::Finished]) => {}
            (Err(_), [RunState::Finished, RunState::Unknown | RunState::Interrupted]) if stopped => {}
            other => panic!("{point}: {other:?}"),
        }
        assert_eq!(log.latest().unwrap(), Some(first), "{point}");
        drop(started);
        the_book_is_good(&log, &point);
    }
}

#[test]
fn an_end_that_is_cut_off_leaves_latest_at_a_finished_run() {
    let finish_one = |run: Run| run.finish_run(Counts { packages_built: 5, ..Counts::default() }, end());
    let (_folder, log, _) = with_a_finished_run();
    let run = log.start_run(start()).unwrap();
    let (_, calls) = count(|| finish_one(run).unwrap());
    assert!(calls.len() >= 8, "{calls:?}");
    for (at, fault, point) in points(&calls) {
        let (_folder, log, first) = with_a_finished_run();
        let run = log.start_run(start()).unwrap();
        let id = run.id().clone();
        // The run that is handed back is dropped among the faults, as it is when a process dies.
        let done = inject(at, fault, || finish_one(run).is_ok());
        let state = log.state(&id).unwrap();
        let latest = log.latest().unwrap().expect(&point);
        match (done, state, latest == id) {
            (true, RunState::Finished, true) => {}
            (false, RunState::Finished, _) => assert!(latest == id || latest == first, "{point}"),
            (false, RunState::Interrupted, false) => assert_eq!(latest, first, "{point}"),
            other => panic!("{point}: {other:?}"),
        }
        if state == RunState::Finished {
            assert_eq!(log.summary(&id).unwrap().unwrap().packages_built, 5, "{point}");
        }
        the_book_is_good(&log, &point);
    }
}

#[test]
fn an_end_that_failed_can_be_repeated() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let (_, calls) = count(|| finish(run));
    let mut failures = 0;
    for at in 0..calls.len() {
        let (_folder, log) = empty();
        let run = log.start_run(start()).unwrap();
        let fault = Fault::Fail(nix::libc::EIO);
        if let Err(failed) = inject(at, fault, || run.finish_run(Counts::default(), end())) {
            failures += 1;
            let id = finish(failed.run);
            assert_eq!(log.latest().unwrap(), Some(id.clone()));
            assert_eq!(log.state(&id).unwrap(), RunState::Finished);
        }
    }
    assert!(failures >= 7, "{failures}");
}

#[test]
fn a_log_that_is_being_added_is_old_or_new_and_its_source_untouched() {
    type Add = fn(&Run, &std::path::Path) -> Result<bool>;
    let ways: [Add; 2] = [
        |run, source| run.add_build_log(&package("a.1"), source),
        |run, source| run.link_build_log(&package("a.1"), source),
    ];
    for add in ways {
        for before in [None, Some("old")] {
            let prepare = || {
                let (folder, log, _) = with_a_finished_run();
                let run = log.start_run(start()).unwrap();
                let source = folder.path().join("layer.log");
                std::fs::write(&source, "a new text").unwrap();
                if let Some(text) = before {
                    std::fs::write(run.tree().build_log(&package("a.1")), text).unwrap();
                }
                (folder, log, run, source)
            };
            let (_folder, _, run, source) = prepare();
            let (_, calls) = count(|| add(&run, &source).unwrap());
            for (at, fault, point) in points(&calls) {
                let (_folder, log, run, source) = prepare();
                let added = inject(at, fault, || add(&run, &source));
                let kept = std::fs::read_to_string(run.tree().build_log(&package("a.1"))).ok();
                let expected = if added.is_ok() { Some("a new text") } else { before };
                assert_eq!(kept.as_deref(), expected, "{point}");
                assert_eq!(std::fs::read(&source).unwrap(), b"a new text", "{point}");
                drop(run);
                the_book_is_good(&log, &point);
            }
        }
    }
}
