//! Another process that has a run, or starts some: this test binary itself.

use buildbook_layout::{LogTree, RunId};
use buildbook_other_process::{Other, part, ready_until_told, say};
use buildbook_runlog::RunLog;

use crate::start;

const RUN: &str = "has run ";

/// Starts a process that starts as many runs, when it is told to go on, and keeps them until it is told to again.
pub(crate) fn starts_runs(count: usize, log: &RunLog) -> Other {
    Other::start(&count.to_string(), log.tree().path())
}

/// The next run that it says it has.
pub(crate) fn next_run(other: &mut Other) -> RunId {
    other.says_first(&[RUN]).expect("it has one more").1.parse().unwrap()
}

/// Does nothing in an ordinary test run; in another process it plays the role.
#[test]
fn plays_its_role() {
    let Some((count, path)) = part() else { return };
    let log = RunLog::at(LogTree::at(path));
    ready_until_told();
    let mut runs = Vec::new();
    for _ in 0..count.parse().unwrap() {
        let run = log.start_run(start()).unwrap();
        say(&format!("{RUN}{}", run.id()));
        runs.push(run);
    }
    ready_until_told();
}
