//! Writers that are killed at any moment: the short form of `cargo xtask soak`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use buildbook_tests::soak::{Soak, Task, work};

use crate::program::program;

const TASK: &str = "BUILDBOOK_TEST_TASK";
const FOLDER: &str = "BUILDBOOK_TEST_FOLDER";

/// This test binary, as a worker.
pub(crate) fn start(folder: &Path, task: &Task) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "soak::a_worker_does_its_task", "--nocapture"])
        .env(TASK, task.to_string())
        .env(FOLDER, folder);
    command
}

/// Does nothing in an ordinary test run.
#[test]
fn a_worker_does_its_task() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    work(folder.as_ref(), &task.parse().unwrap(), &mut std::io::stdout()).unwrap();
}

#[test]
fn what_killed_writers_had_acknowledged_is_there_and_nothing_is_torn_locked_or_left() {
    let folder = tempfile::tempdir().unwrap();
    let soak = Soak {
        root: folder.path().to_owned(),
        seed: 1,
        length: Duration::ZERO,
        round: Duration::from_secs(4),
        pause: Duration::from_millis(80),
        program: program(folder.path()).map(|command| command.get_program().into()),
    };
    let outcome = soak.run(&start, |_| {}).unwrap();
    if outcome.kept.is_some() {
        panic!("the book is in {}:\n{}", folder.keep().display(), outcome.bad.join("\n"));
    }
    let figures = outcome.figures;
    assert!(figures.kills > 14, "all workers are killed at the end, and some before: {figures}");
    assert!(figures.entries > 0 && figures.reads > 0, "nothing was done:\n{figures}");
}
