//! Reading commands: on sound books and on books that something happened to.

use buildbook_tests::{Snapshot, cases, golden_copy};

use crate::book::{Book, Ended};

const COMMANDS: [&[&str]; 14] = [
    &["status"],
    &["packages"],
    &["failures"],
    &["failures", "--category", "build_failure"],
    &["history", "anvil.1.2.0"],
    &["history", "anvil.1.2.0", "--blessed"],
    &["log", "anvil.1.2.0"],
    &["why", "anvil.1.2.0"],
    &["runs"],
    &["show", "latest"],
    &["progress"],
    &["locks"],
    &["fsck"],
    &["gc", "--dry-run"],
];

/// Runs a reading command with and without `--json`, and asserts what holds for any book.
#[track_caller]
fn assert_well_behaved(root: &std::path::Path, arguments: &[&str], about: &str) {
    for json in [false, true] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_buildbook"));
        command.env_remove("BUILDBOOK_ROOT").arg("--root").arg(root).args(arguments);
        if json {
            command.arg("--json");
        }
        let ended = Ended::from(command.output().unwrap());
        let about = format!("{about}: {arguments:?}: {}", ended.stderr);
        assert!([0, 1, 3].contains(&ended.status), "status {}: {about}", ended.status);
        assert!(!ended.stderr.contains("panicked"), "{about}");
        for line in ended.stderr.lines() {
            assert!(line.starts_with("buildbook: "), "{about}");
        }
        if json && !ended.stdout.is_empty() {
            assert!(ended.json().is_object(), "{about}");
        }
        assert!(!ended.stdout.contains('\u{1b}'), "a terminal is not steered by data: {about}");
        if ended.status == 3 {
            assert!(!ended.stderr.is_empty(), "{about}");
        }
    }
}

#[test]
fn no_case_stops_a_reading_command_or_is_changed_by_it() {
    for case in cases() {
        let book = Book::new();
        case.generate(&book.root()).unwrap();
        let before = Snapshot::take(&book.root()).unwrap();
        for arguments in COMMANDS {
            assert_well_behaved(&book.root(), arguments, case.name);
        }
        let after = Snapshot::take(&book.root()).unwrap();
        assert_eq!(before.differences(&after), Vec::<String>::new(), "{}", case.name);
    }
}

#[test]
fn a_book_of_the_original_is_read() {
    let golden = golden_copy().unwrap();
    let book = Book::new();
    // The original keeps the parts of one platform in one folder.
    let platform = book.root().join("debian-12-x86_64");
    std::fs::create_dir_all(book.root().join("logs")).unwrap();
    let cache = golden.path().join("cache");
    std::fs::create_dir_all(&platform).unwrap();
    for (from, to) in [
        ("packages", platform.join("packages")),
        ("status.json", platform.join("status.json")),
        ("runs", book.root().join("logs/runs")),
        ("latest", book.root().join("logs/latest")),
        ("locks", book.root().join("locks")),
    ] {
        std::fs::rename(cache.join(from), to).unwrap();
    }
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_buildbook"))
            .env_remove("BUILDBOOK_ROOT")
            .arg("--root")
            .arg(book.root())
            .args(arguments)
            .arg("--json")
            .output()
            .unwrap();
        Ended::from(output).json()
    };
    assert_eq!(run(&["status"])["blessed_totals"]["success"], 5);
    assert_eq!(run(&["history", "anvil.1.2.0"])["entries"].as_array().unwrap().len(), 12);
    assert_eq!(run(&["runs"])["runs"][0]["id"], "2026-11-20-034620");
    let torn = run(&["history", "harbor-ppx.1.1"]);
    assert_eq!(torn["problems"].as_array().unwrap().len(), 1, "what was skipped is not hidden");
    let shown = run(&["show", "latest"]);
    assert_eq!(shown["summary"]["run_id"], "2026-11-20-034620");
    for arguments in COMMANDS {
        assert_well_behaved(&book.root(), arguments, "golden");
    }
}
