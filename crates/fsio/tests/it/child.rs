//! Other processes, played by this test binary itself.

use std::path::Path;

use buildbook_fsio::{Durability, Lock, append_lines};
use buildbook_other_process::{hold_lockf, part, ready_until_told};

/// Does nothing in an ordinary test run; in another process it plays the role.
#[test]
fn plays_its_role() {
    let Some((role, path)) = part() else { return };
    match role.as_str() {
        "hold" => {
            let _lock = Lock::acquire(&path).unwrap();
            ready_until_told();
        }
        "lockf" => hold_lockf(&path),
        role => {
            let writer: u32 = role.strip_prefix("append-").unwrap().parse().unwrap();
            for number in 0..500 {
                append_lines(&path, format!("{writer} {number}\n").as_bytes(), Durability::Cached).unwrap();
            }
            ready_until_told();
        }
    }
}

pub(crate) fn lockf_is_refused(path: &Path) -> bool {
    buildbook_other_process::lockf_is_refused("lockf", path)
}
