//! Other processes, played by this test binary itself.

use std::io::Write as _;
use std::path::Path;

use buildbook_history::History;
use buildbook_layout::PackagesTree;
use buildbook_other_process::{Other, part, ready_until_told, wait_for_lockf};

use crate::{World, entry, line};

/// Starts a process that writes to the history, as this library does or as the original.
pub(crate) fn starts(role: &str, name: &str, world: &World) -> Other {
    Other::start(&format!("{role} {name} {}", world.package), world.history.tree().path())
}

/// Does nothing in an ordinary test run; in another process it plays the role.
#[test]
fn plays_its_role() {
    let Some((part, packages)) = part() else { return };
    let [role, name, package] = part.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let (history, package) = (History::at(PackagesTree::at(packages)), package.parse().unwrap());
    match role {
        "append" => {
            ready_until_told();
            for number in 0..crate::company::ENTRIES {
                history.append(&package, &crate::company::numbered(name, number)).unwrap();
            }
        }
        "original" => write_as_the_original(&history.tree().history(&package), name),
        other => panic!("{other:?}"),
    }
}

/// Opens the file, waits for the lock, writes one line and closes, without looking at the name again.
fn write_as_the_original(path: &Path, name: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    ready_until_told();
    wait_for_lockf(&file);
    file.write_all(line(&entry(name)).as_bytes()).unwrap();
}
