//! Two runs alive in one process.

use buildbook_layout::LogTree;
use buildbook_runlog::{RunLog, RunState};

use crate::{at, empty, event, finish, names, package, start, tree};

#[test]
fn each_run_has_its_own_events() {
    let (_folder, log) = empty();
    let first = log.start_run(start()).unwrap();
    first.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let second = log.start_run(start()).unwrap();
    second.log_build_result(&event("b.1", "h2"), start()).unwrap();
    first.log_build_result(&event("c.1", "h3"), start()).unwrap();

    let packages = |id| -> Vec<String> {
        log.events(id).unwrap().events.iter().map(|logged| logged.event.pkg.to_string()).collect()
    };
    assert_eq!(packages(first.id()), ["a.1", "c.1"]);
    assert_eq!(packages(second.id()), ["b.1"]);
}

#[test]
fn a_run_finishes_in_the_tree_in_which_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let one = RunLog::at(LogTree::at(folder.path().join("one")));
    let other = RunLog::at(LogTree::at(folder.path().join("other")));
    let first = one.start_run(start()).unwrap();
    let second = other.start_run(at("2026-03-09T12:55:00Z")).unwrap();
    let first = finish(first);
    assert_eq!(one.latest().unwrap(), Some(first));
    assert_eq!(other.latest().unwrap(), None);
    let second = finish(second);
    assert_eq!(other.latest().unwrap(), Some(second));
    assert_eq!(names(&folder.path().join("one")), ["latest", "runs"]);
}

#[test]
fn the_end_of_one_run_is_not_the_end_of_another() {
    let (folder, log) = empty();
    let source = folder.path().join("layer.log");
    std::fs::write(&source, "text").unwrap();
    let (first, second) = (log.start_run(start()).unwrap(), log.start_run(start()).unwrap());
    let first = finish(first);
    assert_eq!(log.state(&first).unwrap(), RunState::Finished);
    assert_eq!(log.state(second.id()).unwrap(), RunState::InProgress);
    second.log_build_result(&event("a.1", "h1"), start()).unwrap();
    assert!(second.add_build_log(&package("a.1"), &source).unwrap());
    assert!(log.events(&first).unwrap().events.is_empty());
    assert!(names(&tree(&log, &first).build_logs()).is_empty());
}

#[test]
fn threads_share_a_run_and_lose_no_line() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let run = &run;
            scope.spawn(move || {
                for number in 0..50 {
                    let event = event("a.1", &format!("{thread}-{number}"));
                    run.log_build_result(&event, start()).unwrap();
                }
            });
        }
    });
    let events = log.events(run.id()).unwrap();
    assert!(events.problems.is_empty() && !events.cut_off);
    assert_eq!(events.results().len(), 400);
}
