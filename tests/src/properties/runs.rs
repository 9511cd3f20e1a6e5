//! The files of a run, of any bytes.

use buildbook::layout::{LogTree, RunId};
use buildbook::runlog::{Counts, Event, EventKind, EventStatus, Result, Run, RunLog};

use super::{at, file, lines_of, scratch};

fn start(folder: &tempfile::TempDir) -> (RunLog, Run) {
    let log = RunLog::at(LogTree::at(folder.path()));
    let run = log.start_run(at("2026-03-09T12:54:44Z")).unwrap();
    (log, run)
}

/// What can be read of a run's records can be written and read again.
///
/// # Panics
///
/// If it does not hold.
pub fn check_records(bytes: &[u8]) {
    let folder = scratch();
    let (log, run) = start(&folder);
    let now = at("2026-03-09T12:54:44Z");
    let (id, tree) = (run.id().clone(), run.tree().clone());
    for path in [tree.plan(), tree.solve(), tree.dag(), tree.doc_dag(), tree.summary()] {
        file(path, bytes);
    }
    if let Some(plan) = read(log.plan(&id)) {
        run.write_plan(&plan.record, now).unwrap();
        assert_eq!(log.plan(&id).unwrap().unwrap().record, plan.record);
    }
    if let Some(solve) = read(log.solve(&id)) {
        run.write_solve(&solve.record, now).unwrap();
        assert_eq!(log.solve(&id).unwrap().unwrap().record, solve.record);
    }
    if let Some(dag) = read(log.dag(&id)) {
        run.write_dag(&dag.record, now).unwrap();
        assert_eq!(log.dag(&id).unwrap().unwrap().record, dag.record);
    }
    if let Some(dag) = read(log.doc_dag(&id)) {
        run.write_doc_dag(&dag.record, now).unwrap();
        assert_eq!(log.doc_dag(&id).unwrap().unwrap().record, dag.record);
    }
    if let Some(summary) = read(log.summary(&id)) {
        let (_, _) = (summary.started(), summary.ended());
        let counts = Counts {
            targets_requested: summary.targets_requested,
            packages_built: summary.packages_built,
            packages_failed: summary.packages_failed,
            docs_generated: summary.docs_generated,
            failures: summary.failures.clone(),
        };
        let written = run.finish_run(counts, now).unwrap();
        let again = log.summary(&id).unwrap().unwrap();
        assert_eq!(again, written);
        assert_eq!(again.failures, summary.failures);
        assert_eq!(log.latest().unwrap(), Some(id));
    }
}

/// A record that is there and makes sense. What does not is an error with a short message.
fn read<T>(answer: Result<Option<T>>) -> Option<T> {
    match answer {
        Ok(record) => Some(record.unwrap()),
        Err(error) => {
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.len() < 2000, "{} bytes", source.len());
            None
        }
    }
}

/// Of the lines of a run, those that are read and those that are not are all there are; an event that is added is
/// the last one, and hides none.
///
/// # Panics
///
/// If it does not hold.
pub fn check_events(bytes: &[u8]) {
    let folder = scratch();
    let (log, run) = start(&folder);
    let id: RunId = run.id().clone();
    file(run.tree().events(), bytes);
    file(run.tree().dag_structure(), bytes);
    let lines = lines_of(bytes);
    let blank = lines.iter().filter(|line| is_blank(line)).count();

    let structure = log.dag_structure(&id).unwrap();
    let told = structure.problems.len() + usize::from(structure.cut_off);
    if structure.problems.len() <= 1000 {
        assert_eq!(structure.nodes.len() + told + blank, lines.len());
    }
    let events = log.events(&id).unwrap();
    let told = events.problems.len() + usize::from(events.cut_off);
    if events.problems.len() <= 1000 {
        assert_eq!(events.events.len() + told + blank, lines.len(), "{:?}", events.problems);
    }
    assert!(events.results().len() <= events.events.len());

    let event = Event::new(EventKind::Build, "a.1".parse().unwrap(), "hash", EventStatus::Ok);
    run.log_build_result(&event, at("2026-03-09T12:54:44Z")).unwrap();
    let after = log.events(&id).unwrap().events;
    let (last, before) = after.split_last().unwrap();
    assert_eq!(last.event, event);
    assert_eq!(before, events.events);
}

fn is_blank(line: &[u8]) -> bool {
    String::from_utf8_lossy(line).trim_start_matches('\u{feff}').trim().is_empty()
}
