//! Every procedure of every crate, stopped and failed at each of its operations.

use std::path::Path;

use buildbook::fsio::op;
use buildbook_tests::crash::{Procedure, Row, procedures, run, table, uncovered};

const DOCUMENT: &str = include_str!("../../docs/crash-safety.md");

fn rows(procedures: &[Procedure]) -> Vec<Row> {
    // The faults are those of a thread, and waiting for the device takes most of the time.
    std::thread::scope(|scope| {
        let half = procedures.len().div_ceil(2);
        let workers: Vec<_> = procedures
            .chunks(half)
            .map(|some| scope.spawn(|| some.iter().map(|one| run(one).unwrap()).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn nothing_is_lost_or_half_wherever_a_procedure_stops_or_fails() {
    let procedures = procedures();
    let rows = rows(&procedures);
    let failures: Vec<String> = rows
        .iter()
        .flat_map(|row| row.failures.iter().map(|failure| format!("{}: {failure}", row.name)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if can_exchange() {
        let advice = "docs/crash-safety.md has another table: run `cargo xtask crash-matrix --write`";
        assert!(DOCUMENT.contains(&table(&procedures, &rows)), "{advice}");
    } else {
        println!(
            "the table in docs/crash-safety.md is not compared: this file system cannot exchange two names"
        );
    }
}

#[test]
fn whatever_changes_files_has_a_row_in_the_crash_matrix() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let uncovered = uncovered(&workspace, &procedures()).unwrap();
    assert!(uncovered.is_empty(), "{}", uncovered.join("\n"));
}

fn can_exchange() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    op::create_folder(&one).and_then(|()| op::create_folder(&two)).unwrap();
    op::exchange(&one, &two).is_ok()
}
