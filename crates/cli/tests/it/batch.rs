//! The main job.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

use serde_json::{Value, json};

use crate::book::Book;

/// Whether somebody has a pipe open to write to.
fn has_writer(pipe: &std::path::Path) -> bool {
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut reader = std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(pipe).unwrap();
    // Without one, that is the end of the file.
    reader.read(&mut [0; 1]).is_err()
}

fn totals(report: &Value) -> [u64; 4] {
    ["built", "from_layer", "failed", "blocked"].map(|key| report["totals"][key].as_u64().unwrap())
}

#[test]
fn a_second_run_takes_every_good_target_from_its_layer_and_reports_no_change() {
    let book = Book::new();
    let plan = book.plan(&[
        ("base.1", "echo made > file", &[]),
        ("middle.1", "cat \"$BUILDBOOK_DEPS/file\" > copy", &["base.1"]),
        ("top.1", "true", &["middle.1", "base.1"]),
    ]);
    let (status, first) = book.batch(&plan);
    assert_eq!((status, totals(&first)), (0, [3, 0, 0, 0]), "{first}");
    assert_eq!(first["new_packages"], json!(["base.1", "middle.1", "top.1"]));

    let (status, second) = book.batch(&plan);
    assert_eq!((status, totals(&second)), (0, [0, 3, 0, 0]), "{second}");
    assert_eq!((&second["changes"], &second["new_packages"]), (&json!([]), &json!([])));
    assert_eq!(second["categories"], json!({ "success": 3 }));
    let entries = book.run(&["history", "base.1", "--json"]).json();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1, "what did not happen is not recorded");
}

#[test]
fn an_edit_builds_exactly_the_target_and_what_depends_on_it() {
    let book = Book::new();
    let targets = |script: &'static str| {
        [("other.1", "true", &[][..]), ("base.1", script, &[]), ("top.1", "true", &["base.1"])]
    };
    book.batch(&book.plan(&targets("true")));
    let (_, report) = book.batch(&book.plan(&targets("true; true")));
    assert_eq!(totals(&report), [2, 1, 0, 0]);
    let (_, back) = book.batch(&book.plan(&targets("true")));
    assert_eq!(totals(&back), [0, 3, 0, 0], "the layers of the first plan are still there");
}

#[test]
fn a_failure_blocks_what_is_above_it_and_names_the_root() {
    let book = Book::new();
    let plan = book.plan(&[
        ("base.1", "echo 'E: Unable to locate package libfoo'; exit 100", &[]),
        ("middle.1", "true", &["base.1"]),
        ("top.1", "true", &["middle.1"]),
        ("beside.1", "true", &[]),
    ]);
    let (status, report) = book.batch(&plan);
    assert_eq!((status, totals(&report)), (1, [1, 0, 1, 2]), "{report}");
    let failure = &report["failures"][0];
    assert_eq!(failure["package"], "base.1");
    assert_eq!(failure["category"], "depext_unavailable");
    assert_eq!((&failure["line"], &failure["blocks"]), (&json!(1), &json!(["middle.1", "top.1"])));

    let why = book.run(&["why", "top.1"]);
    assert_eq!(why.status, 0);
    assert!(why.stdout.contains("root cause: base.1 depext_unavailable"), "{}", why.stdout);
    assert!(why.stdout.contains("Unable to locate package libfoo"), "{}", why.stdout);
    let entry = &book.run(&["history", "top.1", "--json"]).json()["entries"][0];
    assert_eq!((&entry["category"], &entry["failed_dep"]), (&json!("dependency_failure"), &json!("base.1")));
    let log = book.run(&["log", "base.1"]);
    assert_eq!(log.stdout, "E: Unable to locate package libfoo\n");
}

#[test]
fn a_regression_and_its_recovery_are_changes() {
    let book = Book::new();
    let run = |script: &str| book.batch(&book.plan(&[("a.1", script, &[])])).1;
    run("true");
    let worse = run("exit 1");
    let change = &worse["changes"][0];
    assert_eq!(
        (&change["package"], &change["from"], &change["to"]),
        (&json!("a.1"), &json!("success"), &json!("build_failure"))
    );
    assert_eq!(run("exit 1")["changes"], json!([]), "still failing is no change");
    let better = run("true");
    assert_eq!(better["changes"][0]["to"], "success", "taken from its layer, and back in the book: {better}");
    let diff = book.run(&["diff", "latest", "latest", "--json"]).json();
    assert_eq!(diff["totals"], json!({ "still_ok": 1 }));
}

#[test]
fn a_program_that_does_not_exist_is_a_failure_of_the_target() {
    let book = Book::new();
    let plan = book.plan_of(&json!({ "targets": [
        { "package": "a.1", "command": ["no-such-program-anywhere"] },
        { "package": "b.1", "command": ["true"] },
    ]}));
    let (status, report) = book.batch(&plan);
    assert_eq!((status, totals(&report)), (1, [1, 0, 1, 0]));
    let message = report["failures"][0]["message"].as_str().unwrap();
    assert!(message.contains("no-such-program-anywhere"), "{message}");
}

#[test]
fn a_time_limit_ends_a_target_and_what_it_started() {
    let book = Book::new();
    // What the command leaves running keeps this open to write to.
    let pipe = book.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = format!("(trap '' TERM; sleep 300) 3<>'{}' & sleep 300", pipe.display());
    let plan = book.plan_of(&json!({ "targets": [
        { "package": "a.1", "command": ["sh", "-c", script], "timeout_s": 0.3 },
    ]}));
    let start = std::time::Instant::now();
    let (status, report) = book.batch(&plan);
    assert_eq!(status, 1);
    assert!(start.elapsed().as_secs() < 60);
    assert_eq!(report["failures"][0]["category"], "timeout_failure", "{report}");
    assert!(!has_writer(&pipe), "what was left running is gone");
}

#[test]
fn a_time_limit_reaches_into_process_groups_that_a_command_began() {
    let book = Book::new();
    let pipe = book.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // `timeout` puts itself and what it starts into a group of their own.
    let script = format!("timeout 300 sleep 301 3<>'{}'; true", pipe.display());
    let plan = book.plan_of(&json!({ "targets": [
        { "package": "a.1", "command": ["sh", "-c", script], "timeout_s": 0.5 },
    ]}));
    let (_, report) = book.batch(&plan);
    assert_eq!(report["failures"][0]["category"], "timeout_failure", "{report}");
    // Asked to end, it needs a moment to do so.
    let start = std::time::Instant::now();
    while has_writer(&pipe) {
        assert!(start.elapsed().as_secs() < 30, "it is still there");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn targets_run_at_the_same_time_and_in_order() {
    let book = Book::new();
    // Each of the two waits for the other, so they only end if they run together.
    let meet = |own: &str, other: &str| {
        let (own, other) = (book.path(own), book.path(other));
        format!(
            "touch '{}'; i=0; while [ ! -e '{}' ]; do i=$((i+1)); [ $i -gt 600 ] && exit 1; sleep 0.1; done",
            own.display(),
            other.display()
        )
    };
    let (a, b) = (meet("a", "b"), meet("b", "a"));
    let plan = book.plan(&[("a.1", &a, &[]), ("b.1", &b, &[])]);
    let ended = book.run(&["run", plan.to_str().unwrap(), "--jobs", "2", "--json"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
}

#[test]
fn two_batches_of_one_plan_build_each_target_once() {
    let book = Book::new();
    let count = book.path("count");
    let script = format!("echo x >> '{}'; sleep 0.2", count.display());
    let plan = book.plan(&[("a.1", &script, &[]), ("b.1", &script, &["a.1"])]);
    let start = || {
        book.command()
            .args(["run", "--json"])
            .arg(&plan)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    for output in &both {
        assert!(output.status.success());
    }
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 2);
    let runs = book.run(&["runs", "--json"]).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "each has a folder of its own");
}

#[test]
fn a_layer_without_its_contents_is_built_again() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[])]);
    book.batch(&plan);
    let layer = std::fs::read_dir(book.root().join("test-1"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("build-"))
        .unwrap();
    std::fs::write(layer.join("layer.json"), "{\"package\":\"a.1\",\"exit_").unwrap();
    let (status, report) = book.batch(&plan);
    assert_eq!((status, totals(&report)), (0, [1, 0, 0, 0]));
}

#[test]
fn every_target_is_in_exactly_one_total() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[]), ("b.1", "false", &[]), ("c.1", "true", &["b.1"])]);
    let (_, report) = book.batch(&plan);
    let totals = report["totals"].as_object().unwrap();
    let parts: u64 =
        totals.iter().filter(|(key, _)| *key != "targets").map(|(_, n)| n.as_u64().unwrap()).sum();
    assert_eq!(parts, totals["targets"].as_u64().unwrap());
    let categories = report["categories"].as_object().unwrap();
    assert_eq!(categories.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 3);
}

#[test]
fn documentation_that_others_record_does_not_make_a_build_be_recorded_again() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[])]);
    book.batch(&plan);
    let history = book.root().join("test-1/packages/a.1/history.jsonl");
    let build = std::fs::read_to_string(&history).unwrap();
    let doc = build.replace(r#""category":"success""#, r#""category":"doc_success""#);
    assert_ne!(build, doc);
    std::fs::write(&history, build + &doc).unwrap();
    book.batch(&plan);
    let entries = book.run(&["history", "a.1", "--json"]).json();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 2, "{entries}");
}

#[test]
fn a_layer_describes_itself_with_the_keys_of_the_original() {
    let book = Book::new();
    book.batch(&book.plan(&[("base.1", "true", &[]), ("top.1", "true", &["base.1"])]));
    let entry = book.run(&["history", "top.1", "--json"]).json();
    let layer = book.root().join("test-1").join(entry["entries"][0]["build_hash"].as_str().unwrap());
    let text = std::fs::read_to_string(layer.join("layer.json")).unwrap();
    let keys: Vec<&str> = text.split('"').filter(|word| text.contains(&format!("\"{word}\":"))).collect();
    assert_eq!(
        keys,
        [
            "package",
            "exit_status",
            "deps",
            "hashes",
            "created",
            "parent_hashes",
            "timing",
            "total",
            "created_at",
            "build_hash"
        ]
    );
    let layer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&layer["package"], &layer["exit_status"]), (&json!("top.1"), &json!(0)));
    assert_eq!((&layer["deps"], &layer["hashes"]), (&json!(["base.1"]), &layer["parent_hashes"]));
    assert!(layer["created"].is_f64() && layer["created_at"].as_str().unwrap().ends_with('Z'), "{layer}");
}
