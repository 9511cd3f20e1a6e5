//! Many targets that take no time, and what is left when the program is killed among them.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::book::Book;

const TARGETS: usize = 240;

/// The dependencies of a target: chains beside each other, and some that come together.
fn deps(number: usize) -> Vec<usize> {
    let before = |distance: usize| number.checked_sub(distance).filter(|_| !number.is_multiple_of(3));
    [before(40), before(90)].into_iter().flatten().collect()
}

fn name(number: usize) -> String {
    format!("quick-{number}.1")
}

fn plan(book: &Book) -> std::path::PathBuf {
    let targets: Vec<Value> = (0..TARGETS)
        .map(|number| {
            let deps: Vec<String> = deps(number).into_iter().map(name).collect();
            json!({ "package": name(number), "command": ["true"], "deps": deps })
        })
        .collect();
    book.plan_of(&json!({ "targets": targets }))
}

/// The entries of a target's history, as they are in the file.
fn entries(book: &Book, number: usize) -> Vec<Value> {
    let path = book.root().join("test-1/packages").join(name(number)).join("history.jsonl");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn layer_is_good(book: &Book, entry: &Value) -> bool {
    let layer = book.root().join("test-1").join(entry["build_hash"].as_str().unwrap());
    let description = std::fs::read(layer.join("layer.json")).unwrap_or_default();
    let description: Value = serde_json::from_slice(&description).unwrap_or_default();
    description["exit_status"] == 0 && layer.join("layer.log").is_file() && layer.join("fs").is_dir()
}

/// Runs the plan and kills the program as soon as it has told so many ends; gives what it has told by then.
fn kill_after(book: &Book, plan: &std::path::Path, lines: usize) -> BTreeSet<String> {
    let mut child = book
        .command()
        .args(["run", "--jobs", "3"])
        .arg(plan)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    let mut told = BTreeSet::new();
    let mut line = String::new();
    while told.len() < lines && output.read_line(&mut line).unwrap() > 0 {
        told.extend(line.split_whitespace().find(|word| word.starts_with("quick-")).map(str::to_owned));
        line.clear();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What was told before the end of the program was told.
    for line in output.lines() {
        told.extend(
            line.unwrap().split_whitespace().find(|word| word.starts_with("quick-")).map(str::to_owned),
        );
    }
    told
}

#[test]
fn whatever_was_told_is_in_the_book_when_the_program_is_killed_and_the_next_run_goes_on() {
    let book = Book::new();
    let plan = plan(&book);
    let mut in_place = 0;
    for lines in [1, 7, 30, 31, 64, 150, 239] {
        let told = kill_after(&book, &plan, lines);
        assert!(told.len() >= lines, "{} of {lines}", told.len());
        let recorded: Vec<bool> = (0..TARGETS).map(|number| !entries(&book, number).is_empty()).collect();
        for number in 0..TARGETS {
            assert!(
                recorded[number] || !told.contains(&name(number)),
                "{} was told and is lost",
                name(number)
            );
            for entry in entries(&book, number) {
                assert_eq!(entry["status"], "success");
                assert!(layer_is_good(&book, &entry), "{} is recorded and has no layer", name(number));
                assert!(
                    deps(number).iter().all(|dep| recorded[*dep]),
                    "{} before what it needs",
                    name(number)
                );
            }
        }
        in_place = recorded.iter().filter(|recorded| **recorded).count();
        let fsck = book.run(&["fsck"]);
        assert_eq!(fsck.status, 0, "{}", fsck.stdout);
    }
    let (status, report) = book.batch(&plan);
    assert_eq!((status, &report["complete"]), (0, &json!(true)), "{report}");
    assert!(report["totals"]["from_layer"].as_u64().unwrap() >= in_place as u64, "{report}");
    for number in 0..TARGETS {
        assert_eq!(entries(&book, number).len(), 1, "{} is recorded once", name(number));
    }
    let repaired = book.run(&["fsck", "--repair"]);
    assert_eq!(repaired.status, 0, "{}", repaired.stdout);
}

#[test]
fn a_crowd_of_targets_keeps_its_events_its_order_and_its_totals() {
    let book = Book::new();
    let plan = plan(&book);
    let (status, report) = book.batch(&plan);
    assert_eq!((status, &report["totals"]["built"]), (0, &json!(TARGETS)), "{report}");
    let events = || {
        let latest = book.root().join("logs/latest/build.jsonl");
        let text = std::fs::read_to_string(latest).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        events
    };
    let position = |events: &[Value], number: usize| {
        let told: Vec<usize> =
            (0..events.len()).filter(|at| events[*at]["pkg"] == name(number).as_str()).collect();
        assert_eq!(told.len(), 1, "{} is told once", name(number));
        told[0]
    };
    let first = events();
    assert!(first.iter().all(|event| event["via"] == "built" || event["via"] == "layer"));
    for number in 0..TARGETS {
        for dep in deps(number) {
            assert!(
                position(&first, dep) < position(&first, number),
                "{} before what it needs",
                name(number)
            );
        }
    }

    let (status, report) = book.batch(&plan);
    assert_eq!((status, &report["totals"]["from_layer"]), (0, &json!(TARGETS)), "{report}");
    let second = events();
    assert_eq!(second.len(), TARGETS);
    assert!(second.iter().all(|event| event["via"] == "layer" && event["status"] == "ok"));
    for number in 0..TARGETS {
        position(&second, number);
        let log = book.root().join("logs/latest/build").join(format!("{}.log", name(number)));
        assert!(log.is_file(), "each run has the log");
    }
    assert_eq!(book.run(&["locks", "--json"]).json()["locks"], json!([]));
}

#[test]
fn a_failure_among_a_crowd_blocks_what_needs_it_and_nothing_else() {
    let book = Book::new();
    let targets: Vec<Value> = (0..120)
        .map(|number| {
            let command = if number % 10 == 3 { "false" } else { "true" };
            let deps = if number % 10 == 4 { vec![name(number - 1)] } else { Vec::new() };
            json!({ "package": name(number), "command": [command], "deps": deps })
        })
        .collect();
    let plan = book.plan_of(&json!({ "targets": targets }));
    let (status, report) = book.batch(&plan);
    let totals = ["built", "failed", "blocked"].map(|key| report["totals"][key].as_u64().unwrap());
    assert_eq!((status, totals), (1, [96, 12, 12]), "{report}");
    assert_eq!(entries(&book, 4)[0]["failed_dep"], "quick-3.1");
    assert_eq!(book.run(&["fsck"]).status, 0);
}

#[test]
fn few_open_files_are_enough_for_a_crowd() {
    for (files, jobs) in [("40", "2"), ("160", "16")] {
        let book = Book::new();
        let plan = plan(&book);
        let ended = std::process::Command::new("sh")
            .args(["-c", "ulimit -n $0; exec \"$@\"", files])
            .arg(env!("CARGO_BIN_EXE_buildbook"))
            .args(["--platform", "test-1", "--root"])
            .arg(book.root())
            .args(["run", "--jobs", jobs])
            .arg(&plan)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{files} files: {}", String::from_utf8_lossy(&ended.stderr));
    }
}
