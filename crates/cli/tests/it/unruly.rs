//! Commands that spoil what they were given, and books in places with awkward names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::book::{Book, Ended, command};

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_command_that_spoils_its_own_folder_fails_alone() {
    for (script, built) in [
        ("d=$PWD; cd /; rm -rf \"${d%/fs}\"", 1),
        ("d=$PWD; cd /; rm -rf \"${d%/fs}\"; exit 1", 1),
        ("rm ../layer.log; mkfifo ../layer.log; exit 1", 1),
        ("rm ../layer.log; mkdir ../layer.log", 2),
        ("rm -rf ../fs", 2),
        ("chmod 000 ..; exit 1", 1),
        ("mkfifo pipe; ln -s /nowhere link; ln -s . loop", 2),
    ] {
        let book = Book::new();
        let plan = book.plan(&[("bad.1", script, &[]), ("good.1", "true", &[])]);
        let (status, report) = book.batch(&plan);
        assert_eq!(report["totals"]["built"], built, "{script}: {report}");
        assert_eq!(status, i32::from(built == 1), "{script}: {report}");
        assert_eq!(report["complete"], true, "{script}: {report}");
        assert_eq!(book.run(&["fsck"]).status, 0, "{script}");
    }
}

#[test]
fn a_product_that_cannot_be_read_fails_its_target_alone() {
    if nix::unistd::geteuid().is_root() {
        // Root may read anything.
        eprintln!("skipped: rights do not bind root");
        return;
    }
    for script in ["touch f; chmod 000 f", "mkdir d; touch d/f; chmod 000 d", "mkdir d; chmod 000 ..; exit 1"]
    {
        let book = Book::new();
        let plan = book.plan(&[("bad.1", script, &[]), ("good.1", "true", &[])]);
        let (status, report) = book.batch(&plan);
        assert_eq!((status, &report["totals"]["built"]), (1, &json!(1)), "{script}: {report}");
        assert_eq!(book.run(&["fsck"]).status, 0, "{script}");
    }
}

#[test]
fn dependencies_that_no_variable_can_hold_are_in_a_file() {
    let book = Book::new();
    // Forty dependencies in so deep a folder have more than the 128 KiB that Linux takes.
    let deep: PathBuf = (0..16).map(|_| "d".repeat(200)).collect();
    for root in [book.path("deep").join(deep), book.path("with:colon")] {
        let names: Vec<String> = (0..40).map(|number| format!("p{number}.1")).collect();
        let mut targets: Vec<_> = names
            .iter()
            .map(|name| json!({ "package": name, "command": ["sh", "-c", "echo $BUILDBOOK_PACKAGE > f"] }))
            .collect();
        let script = "[ -z \"${BUILDBOOK_DEPS+set}\" ] || exit 1; \
                      while read -r d; do cat \"$d/f\"; done < \"$BUILDBOOK_DEPS_FILE\"";
        targets.push(json!({ "package": "top.1", "command": ["sh", "-c", script], "deps": names }));
        let plan = book.plan_of(&json!({ "targets": targets }));
        std::fs::create_dir_all(&root).unwrap();
        let ended = command(&root).arg("run").arg(&plan).env("BUILDBOOK_DEPS", "inherited").output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        let log = Ended::from(command(&root).args(["log", "top.1"]).output().unwrap());
        assert_eq!(log.stdout.lines().collect::<Vec<_>>(), names, "in the order of the plan");
    }
}

#[test]
fn a_book_may_be_in_a_folder_that_is_not_utf_8() {
    let book = Book::new();
    let root = book.path("").join(OsStr::from_bytes(b"b\xffk"));
    let plan = book.plan(&[("a.1", "echo hi > f", &[]), ("b.1", "cat \"$BUILDBOOK_DEPS/f\"", &["a.1"])]);
    let run = |arguments: &[&str]| Ended::from(command(&root).args(arguments).output().unwrap());
    let ended = run(&["run", plan.to_str().unwrap(), "--json"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert_eq!(run(&["log", "b.1", "--json"]).json()["logs"][0]["text"], "hi\n");
    std::fs::write(root.join("locks/build-a.1.lock"), "").unwrap();
    std::fs::write(root.join("test-1/packages/a.1/history.jsonl"), "{\n").unwrap();
    assert_eq!(run(&["fsck", "--json"]).json()["findings"][0]["level"], "fault");
    let cleaned = run(&["locks", "clean", "--min-age-s", "0", "--json"]).json();
    assert_eq!(cleaned["removed"].as_array().unwrap().len(), 1, "{cleaned}");
}

#[test]
fn a_batch_that_waits_for_a_target_finds_it_in_the_book() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[])]);
    let history = book.root().join("test-1/packages/a.1/history.jsonl");
    std::fs::create_dir_all(history.parent().unwrap()).unwrap();
    // Whoever wants to record a.1 waits for this.
    let held = std::fs::File::create(&history).unwrap();
    held.lock().unwrap();
    let said = book.path("said");
    let start = || {
        let said = std::fs::OpenOptions::new().create(true).append(true).open(&said).unwrap();
        book.command().arg("run").arg(&plan).stdout(Stdio::null()).stderr(said).spawn().unwrap()
    };
    let layers = || {
        let entries = std::fs::read_dir(book.root().join("test-1")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_name().as_bytes().starts_with(b"build-")).count()
    };
    let mut first = start();
    wait_until("the first batch did not build", || layers() == 1);
    let mut second = start();
    let logs = || {
        let runs = std::fs::read_dir(book.root().join("logs/runs")).unwrap();
        runs.filter(|run| run.as_ref().unwrap().path().join("build/a.1.log").exists()).count()
    };
    wait_until("the second batch neither waits nor goes on", || {
        logs() == 2 || std::fs::read_to_string(&said).unwrap().contains("waiting for a.1")
    });
    drop(held);
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    let entries = book.run(&["history", "a.1", "--json"]).json();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1, "one build is one entry: {entries}");
}

#[test]
fn a_book_that_cannot_be_kept_asks_the_running_commands_to_end_and_says_why() {
    let book = Book::new();
    let packages = book.root().join("test-1/packages");
    let (up, asked) = (book.path("up"), book.path("asked"));
    let slow = format!(
        "trap 'sleep 1; touch \"{}\"; exit 1' TERM; touch '{}'; while true; do sleep 0.05; done",
        asked.display(),
        up.display()
    );
    let shown = packages.display();
    let wreck =
        format!("while [ ! -e '{}' ]; do sleep 0.05; done; rm -rf '{shown}'; : > '{shown}'", up.display());
    let follow = format!("while [ ! -f '{shown}' ]; do sleep 0.05; done");
    let plan = book.plan(&[("slow.1", &slow, &[]), ("wreck.1", &wreck, &[]), ("follow.1", &follow, &[])]);
    let ended = book.run(&["run", "-j", "3", plan.to_str().unwrap()]);
    assert_eq!(ended.status, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("because the book could not be kept"), "{}", ended.stderr);
    assert!(asked.exists(), "two errors are not two requests: a command has time to end");
}

#[test]
fn an_index_does_not_give_way_to_one_of_an_earlier_run() {
    let book = Book::new();
    let (up, go) = (book.path("up"), book.path("go"));
    let slow = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.05; done", up.display(), go.display());
    let plan = book.plan(&[("slow.1", &slow, &[])]);
    let mut command = book.command();
    let earlier = command.args(["run", "--json"]).arg(&plan).stdout(Stdio::piped()).spawn().unwrap();
    wait_until("the earlier batch did not begin", || up.exists());
    let (status, later) = book.batch(&book.plan(&[("fast.1", "true", &[])]));
    assert_eq!(status, 0, "{later}");
    std::fs::write(&go, "").unwrap();
    let earlier = Ended::from(earlier.wait_with_output().unwrap()).json();
    assert_eq!(earlier["new_packages"], json!(["slow.1"]), "each batch reports what it did");
    let index = book.run(&["status", "--json"]).json();
    assert_eq!((&index["run_id"], &index["newer_runs"]), (&later["run"], &json!([])), "{index}");
    assert_eq!(index["blessed_totals"], json!({ "success": 2 }), "{index}");
}
