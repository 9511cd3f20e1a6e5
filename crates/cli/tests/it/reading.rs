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
        if json && (ended.status == 0 || !ended.stdout.is_empty()) {
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

#[test]
fn a_log_is_followed_within_the_book_and_not_out_of_it() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "echo hello", &[])]));
    let logs = book.root().join("logs/latest/build");
    let log = std::fs::canonicalize(logs.join("a.1.log")).unwrap();
    let secret = book.path("secret");
    std::fs::write(&secret, "secret").unwrap();
    for (name, target) in [("in.1.log", &log), ("out.1.log", &secret), ("gone.1.log", &book.path("nothing"))]
    {
        std::os::unix::fs::symlink(target, logs.join(name)).unwrap();
    }
    assert_eq!(book.run(&["log", "in.1"]).stdout, "hello\n");
    for json in [&["log", "out.1"][..], &["log", "out.1", "--json"], &["log", "out.1", "--run", "latest"]] {
        let ended = book.run(json);
        ended.assert_error(3, "leads out of the book");
        assert_eq!(ended.stdout, "");
    }
    book.run(&["log", "gone.1"]).assert_error(1, "has no log");
    // The cache may be on another disk.
    let elsewhere = book.path("elsewhere");
    std::fs::rename(book.root().join("test-1"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, book.root().join("test-1")).unwrap();
    std::fs::write(elsewhere.join("x.log"), "there").unwrap();
    std::os::unix::fs::symlink(elsewhere.join("x.log"), logs.join("there.1.log")).unwrap();
    assert_eq!(book.run(&["log", "there.1"]).stdout, "there");
}

#[test]
fn what_cannot_be_read_is_told_with_its_reason() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let run = std::fs::canonicalize(book.root().join("logs/latest")).unwrap();
    std::fs::write(run.join("summary.json"), "{\"run_id\"").unwrap();
    std::fs::write(run.join("dag_structure.jsonl"), "nonsense\n").unwrap();
    for arguments in [&["runs"][..], &["show", run.file_name().unwrap().to_str().unwrap()]] {
        let ended = book.run(arguments);
        assert!(ended.stderr.contains("summary.json: EOF while parsing"), "{}", ended.stderr);
        let mut json = arguments.to_vec();
        json.push("--json");
        let problem = book.run(&json).json()["problems"][0].clone();
        assert!(problem.as_str().unwrap().contains("EOF while parsing"), "{problem}");
    }
    let found = book.run(&["fsck"]);
    assert_eq!(found.status, 1);
    for words in ["EOF while parsing", "dag_structure.jsonl", "2 faults"] {
        assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
    }
    std::fs::write(book.root().join("test-1/packages/a.1/history.jsonl"), "{\n").unwrap();
    let ended = book.run(&["why", "a.1"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("skipped: "), "not being readable is not being unknown: {}", ended.stderr);
    let document = book.run(&["why", "a.1", "--json"]).json();
    assert_eq!(document["problems"].as_array().unwrap().len(), 1, "{document}");
}

#[test]
fn a_line_that_is_skipped_is_told_with_its_file() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "exit 1", &[]), ("b.1", "true", &["a.1"])]);
    book.batch(&plan);
    book.batch(&plan);
    let spoil = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, format!("{text}nonsense\n")).unwrap();
    };
    let history = book.root().join("test-1/packages/a.1/history.jsonl");
    let runs = book.run(&["runs", "--json"]).json()["runs"].clone();
    let (old, new) = (runs[0]["id"].as_str().unwrap(), runs[1]["id"].as_str().unwrap());
    let events = book.root().join("logs/runs").join(old).join("build.jsonl");
    for path in [&history, &events] {
        spoil(path);
    }
    for (arguments, path) in [
        (&["history", "a.1"][..], &history),
        (&["history", "a.1", "-n", "9"], &history),
        (&["history", "a.1", "--blessed"], &history),
        (&["history", "a.1", "--latest"], &history),
        (&["why", "a.1"], &history),
        (&["why", "b.1"], &history),
        (&["compact"], &history),
        (&["show", old], &events),
        (&["diff", old, new], &events),
    ] {
        let words = format!("buildbook: skipped: {}: ", path.display());
        let ended = book.run(arguments);
        assert!(ended.stderr.starts_with(&words), "{arguments:?}: {:?}", ended.stderr);
        let document = book.run(&[arguments, &["--json"]].concat()).json();
        let problem = document["problems"][0].as_str().unwrap();
        assert!(problem.starts_with(path.to_str().unwrap()), "{arguments:?}: {problem}");
    }
    let ended = book.run(&["show", old]);
    assert!(
        ended.stderr.contains("line 3: expected ident at column 2"),
        "one number of a line: {}",
        ended.stderr
    );
    let ended = book.run(&["packages"]);
    assert!(ended.stderr.contains("the history of a.1 has one line that is no entry"), "{}", ended.stderr);
    spoil(&history);
    let ended = book.run(&["packages"]);
    assert!(ended.stderr.contains("the history of a.1 has 2 lines that are no entries"), "{}", ended.stderr);
}

#[test]
fn no_file_of_the_book_steers_a_terminal() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let escape = "\u{1b}[2J";
    let spoil = |path: &str, from: &str, to: &str| {
        let path = book.root().join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        let spoiled = text.replace(from, &serde_json::json!(format!("{to}{escape}")).to_string());
        assert_ne!(text, spoiled, "{}", path.display());
        std::fs::write(&path, spoiled).unwrap();
    };
    let run = std::fs::read_link(book.root().join("logs/latest")).unwrap();
    let id = run.file_name().unwrap().to_str().unwrap();
    spoil("test-1/status.json", &format!("\"{id}\""), "run");
    spoil("test-1/packages/a.1/history.jsonl", "\"success\"", "odd");
    spoil("test-1/packages/a.1/history.jsonl", &format!("\"{id}\""), "run");
    spoil("logs/latest/build.jsonl", "\"success\"", "odd");
    for arguments in COMMANDS {
        let arguments: Vec<&str> =
            arguments.iter().map(|word| word.replace("anvil.1.2.0", "a.1").leak() as &str).collect();
        let ended = book.run(&arguments);
        for text in [ended.stdout, ended.stderr] {
            assert!(!text.contains('\u{1b}'), "{arguments:?}: {text:?}");
        }
    }
}
