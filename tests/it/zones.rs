//! What must not depend on the process: its time zone, and how long it has lived.

use std::path::Path;
use std::time::Duration;

use buildbook::history::{Entry, History, Retention};
use buildbook::layout::{LogTree, PackagesTree};
use buildbook::runlog::RunLog;

use crate::child::play;
use crate::{at, entry, package};

/// C-H4: how old the entries of the original's fault were, in hours.
const HOURS: [u64; 8] = [30, 29, 28, 23, 22, 21, 20, 1];

/// Starts a run, compacts a history and makes an index, all at one moment, and tells every time that came out.
pub(crate) fn times(folder: &Path) -> Vec<String> {
    // The night in which clocks go back: this hour happens twice in most zones.
    let now = at("2026-10-25T01:30:00Z");
    let run = RunLog::at(LogTree::at(folder.join("logs"))).start_run(now).unwrap();
    let history = History::at(PackagesTree::at(folder.join("packages")));
    let entries = HOURS.map(|hours| Entry {
        error: Some(hours.to_string()),
        ..entry("2026-10-24-000000", now.minus(Duration::from_secs(hours * 3600)), "h", "build_failure")
    });
    history.append_all(&package("a.1"), &entries).unwrap();
    history.compact(&package("a.1"), &Retention::days(1), now).unwrap();
    let left = history.read(&package("a.1")).unwrap().entries;
    let generated = buildbook::status_index::generate(&history, run.id(), None, now).unwrap();
    vec![
        run.id().to_string(),
        left.into_iter().rev().filter_map(|entry| entry.error).collect::<Vec<_>>().join(" "),
        generated.status.generated,
        generated.standings[0].since_ts.clone(),
    ]
}

#[test]
fn the_zone_of_the_machine_changes_no_name_and_no_age() {
    // Spelled out, so that the system needs no table of zones: nine hours ahead of UTC, five behind it.
    for zone in ["UTC0", "EAST-9", "WEST5WSUM,M3.2.0,M11.1.0"] {
        let folder = tempfile::tempdir().unwrap();
        let said = play("zones", folder.path(), &[("TZ", zone)]);
        assert_eq!(
            said, "2026-10-25-013000\n30 28 23 22 21 20 1\n2026-10-25T01:30:00Z\n2026-10-25T00:30:00Z\n",
            "{zone}"
        );
    }
}

/// Appends to many histories with one value, and tells how many files the process has open before and after.
pub(crate) fn descriptors(folder: &Path) -> Vec<String> {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count().to_string();
    let history = History::at(PackagesTree::at(folder));
    let append = |number: u32| {
        let package = package(&format!("package-{number}.1"));
        history.append(&package, &entry("r", at("2026-03-09T12:54:44Z"), "h", "success")).unwrap();
    };
    append(0);
    let before = open();
    (1..400).for_each(append);
    vec![before, open()]
}

/// C-H12: the original keeps a lock in memory for every path that it ever wrote to.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_kept_open_of_histories_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let said = play("descriptors", folder.path(), &[]);
    let (before, after) = said.trim().split_once('\n').unwrap();
    assert_eq!(before, after);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 400);
}
