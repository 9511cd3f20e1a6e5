//! Other processes, played by this test binary itself.

use std::fs::File;
use std::path::Path;

use buildbook_build_lock::BuildLocks;
use buildbook_other_process::{hold_lockf, lockf, part, ready_until_told};

use crate::{holder, name};

/// Does nothing in an ordinary test run; in another process it plays the role.
#[test]
fn plays_its_role() {
    let Some((role, path)) = part() else { return };
    match role.as_str() {
        // Holds the lock of `a.1` in a folder.
        "hold" => {
            let _lock = BuildLocks::at(&path).acquire(&name("a.1"), &holder()).unwrap();
            ready_until_told();
        }
        "lockf" => hold_lockf(&path),
        // Locks every file in a folder.
        "lockf-all" => {
            let files: Vec<File> = std::fs::read_dir(&path)
                .unwrap()
                .map(|entry| File::options().read(true).write(true).open(entry.unwrap().path()).unwrap())
                .collect();
            assert!(files.iter().all(lockf));
            ready_until_told();
        }
        "churn" => {
            ready_until_told();
            crate::race::churn(&path);
        }
        role => panic!("there is no role {role}"),
    }
}

pub(crate) fn lockf_is_refused(path: &Path) -> bool {
    buildbook_other_process::lockf_is_refused("lockf", path)
}
