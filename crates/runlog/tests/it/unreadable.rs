//! What the system does not let us read is not taken for something that is not there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use buildbook_layout::LogTree;
use buildbook_runlog::{Counts, Error, RunLog, RunState};
use nix::unistd::{Uid, seteuid};

use crate::{at, empty, end, finish, start};

const RUNS: &str = "RUNLOG_TEST_UNREADABLE";

/// Nobody can be refused anything as root, so another process finishes a run that gives its rights away. It is in the
/// folder by then: the way to it may lead through one that is open to root alone.
#[test]
fn latest_does_not_go_back_when_the_run_that_it_names_cannot_be_read() {
    let (_folder, log) = empty();
    let newest = finish(log.start_run(at("2026-03-09T12:59:00Z")).unwrap());
    let closed = log.tree().run(&newest).path().to_owned();
    for folder in [log.tree().path(), &log.tree().runs()] {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    }
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let finished = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unreadable::somebody_without_rights_finishes_an_earlier_run", "--nocapture"])
        .env(RUNS, ".")
        .current_dir(log.tree().path())
        .output()
        .unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&finished.stdout);
    assert!(finished.status.success() && said.contains("handed back"), "{said}");
    assert_eq!(log.latest().unwrap(), Some(newest));
}

/// Does nothing in an ordinary test run.
#[test]
fn somebody_without_rights_finishes_an_earlier_run() {
    let Some(folder) = std::env::var_os(RUNS) else { return };
    if Uid::effective().is_root() {
        seteuid(Uid::from_raw(65_534)).unwrap();
    }
    let log = RunLog::at(LogTree::at(folder));
    let failed = log.start_run(start()).unwrap().finish_run(Counts::default(), end()).unwrap_err();
    assert!(matches!(failed.error, Error::File(_)), "{failed:?}");
    assert_eq!(log.state(failed.run.id()).unwrap(), RunState::Finished, "its summary is there");
    println!("handed back");
}

#[test]
fn a_run_that_cannot_be_looked_at_is_not_said_to_be_missing() {
    let (_folder, log) = empty();
    finish(log.start_run(start()).unwrap());
    fs::remove_dir_all(log.tree().runs()).unwrap();
    assert!(matches!(log.latest(), Err(Error::BadLatest { .. })), "nothing is there");
    symlink("runs", log.tree().runs()).unwrap();
    let error = log.latest().unwrap_err();
    assert!(matches!(error, Error::File(_)), "the way to it goes round in circles: {error:?}");
}

/// A link to a run whose summary is no file, or no summary, is worth nothing for ever.
#[test]
fn a_summary_that_is_none_does_not_keep_latest() {
    for summary_is_a_folder in [false, true] {
        let (_folder, log) = empty();
        let newest = finish(log.start_run(at("2026-03-09T12:59:00Z")).unwrap());
        let summary = log.tree().run(&newest).summary();
        if summary_is_a_folder {
            fs::remove_file(&summary).unwrap();
            fs::create_dir(&summary).unwrap();
        } else {
            fs::write(&summary, "{").unwrap();
        }
        let run = finish(log.start_run(start()).unwrap());
        assert_eq!(log.latest().unwrap(), Some(run));
    }
}
