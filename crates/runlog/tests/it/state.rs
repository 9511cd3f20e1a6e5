use buildbook_runlog::{Error, RunInfo, RunState};

use crate::child::{next_run, starts_runs};
use crate::{empty, event, finish, id, start, tree};

#[test]
fn a_run_whose_writer_was_killed_is_told_from_one_in_progress() {
    let (_folder, log) = empty();
    let mut other = starts_runs(1, &log);
    other.go_on();
    let theirs = next_run(&mut other);
    let ours = log.start_run(start()).unwrap();
    assert_eq!(log.state(&theirs).unwrap(), RunState::InProgress);
    assert_eq!(log.state(ours.id()).unwrap(), RunState::InProgress, "a look sees our own lock");
    assert_eq!(log.state(ours.id()).unwrap(), RunState::InProgress, "and leaves it alone");
    other.kill();
    assert_eq!(log.state(&theirs).unwrap(), RunState::Interrupted);
    assert_eq!(log.state(ours.id()).unwrap(), RunState::InProgress);
}

#[test]
fn a_run_that_is_dropped_is_interrupted_and_one_that_is_finished_is_not() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.log_build_result(&event("a.1", "h"), start()).unwrap();
    let dropped = run.id().clone();
    drop(run);
    let finished = finish(log.start_run(start()).unwrap());
    let expected = [
        RunInfo { id: dropped, state: RunState::Interrupted },
        RunInfo { id: finished, state: RunState::Finished },
    ];
    assert_eq!(log.runs().unwrap().runs, expected);
}

#[test]
fn a_run_without_a_lock_or_with_one_never_held_is_unknown() {
    let (_folder, log) = empty();
    let original = tree(&log, &id("2026-03-09-100000"));
    std::fs::create_dir_all(original.path()).unwrap();
    let beginning = tree(&log, &id("2026-03-09-110000"));
    std::fs::create_dir_all(beginning.path()).unwrap();
    std::fs::write(beginning.writer_lock(), "").unwrap();
    for info in log.runs().unwrap().runs {
        assert_eq!(info.state, RunState::Unknown, "{}", info.id);
    }
    std::fs::write(original.summary(), "{ torn").unwrap();
    assert_eq!(log.state(&id("2026-03-09-100000")).unwrap(), RunState::Finished);
    assert!(matches!(log.summary(&id("2026-03-09-100000")), Err(Error::Corrupt { .. })));
}

#[test]
fn what_is_not_a_run_is_reported_in_order_and_hides_no_run() {
    let (_folder, log) = empty();
    let run = finish(log.start_run(start()).unwrap());
    let runs = log.tree().runs();
    std::fs::create_dir(runs.join("backup of monday")).unwrap();
    std::fs::write(runs.join("2026-03-09-120000"), "a file").unwrap();
    std::fs::write(runs.join("2026-03-09-130000"), "a file").unwrap();
    std::os::unix::fs::symlink("nowhere", runs.join("2026-03-09-140000")).unwrap();
    std::fs::create_dir(runs.join(".2026-03-09-150000.trash-bb0123456789")).unwrap();
    let found = log.runs().unwrap();
    assert_eq!(found.runs, [RunInfo { id: run, state: RunState::Finished }]);
    let odd: Vec<_> = found
        .problems
        .iter()
        .map(|problem| match problem {
            Error::NotARun { path } => path.file_name().unwrap().to_str().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    let sorted = ["2026-03-09-120000", "2026-03-09-130000", "2026-03-09-140000", "backup of monday"];
    assert_eq!(odd, sorted);
}

#[test]
fn a_run_whose_lock_cannot_be_looked_at_is_listed_with_a_problem() {
    let (_folder, log) = empty();
    let odd = tree(&log, &id("2026-03-09-100000"));
    std::fs::create_dir_all(odd.writer_lock()).unwrap();
    let found = log.runs().unwrap();
    assert_eq!(found.runs, [RunInfo { id: id("2026-03-09-100000"), state: RunState::Unknown }]);
    assert!(matches!(found.problems[..], [Error::File(_)]), "{:?}", found.problems);
    std::fs::write(odd.summary(), "{}").unwrap();
    assert_eq!(log.state(&id("2026-03-09-100000")).unwrap(), RunState::Finished);
}

#[test]
fn runs_are_listed_oldest_first_whatever_their_suffixes() {
    let (_folder, log) = empty();
    let names = ["2026-03-09-125444", "2026-03-09-125444-2", "2026-03-09-125444-010", "2026-03-09-125445"];
    for name in names.iter().rev() {
        std::fs::create_dir_all(tree(&log, &id(name)).path()).unwrap();
    }
    let found = log.runs().unwrap();
    assert_eq!(found.runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), names);
}

#[test]
fn states_are_words_for_programs_and_for_people() {
    let info = RunInfo { id: id("2026-03-09-125444"), state: RunState::InProgress };
    let json = serde_json::to_string(&info).unwrap();
    assert_eq!(json, r#"{"id":"2026-03-09-125444","state":"in_progress"}"#);
    assert_eq!(format!("{:>12}|", info.state), " in progress|");
}
