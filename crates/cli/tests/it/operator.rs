//! Upkeep, classification and messages.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use serde_json::json;

use crate::book::{Book, Ended};

#[test]
fn a_dry_run_says_what_gc_then_does() {
    let book = Book::new();
    book.batch(&book.plan(&[("old.1", "true", &[])]));
    book.batch(&book.plan(&[("new.1", "true", &[]), ("old.1", "true; true", &[])]));
    let plan = book.gc(&["--dry-run", "--json"]).json();
    let again = book.gc(&["--dry-run", "--json"]).json();
    assert_eq!(plan, again, "a dry run changes nothing");
    let ended = book.gc(&["--json"]);
    assert_eq!((ended.status, &ended.json()["problems"]), (0, &json!([])), "{}", ended.stderr);
    let (_, report) = book.batch(&book.plan(&[("new.1", "true", &[]), ("old.1", "true; true", &[])]));
    assert_eq!(report["totals"]["from_layer"], 2, "what is referenced stays: {report}");
    let (_, report) = book.batch(&book.plan(&[("old.1", "true", &[])]));
    assert_eq!(report["totals"]["built"], 1, "what nothing needs is gone: {report}");
}

#[test]
fn nothing_is_removed_because_a_history_cannot_be_read() {
    let book = Book::new();
    let builds = |scripts: [&'static str; 2]| {
        book.batch(&book.plan(&[("torn.1", scripts[0], &[]), ("sound.1", scripts[1], &[])]))
    };
    let removed = || {
        let ended = book.gc(&["--json"]);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        ended.json()["layers"]["removed"].as_array().unwrap().len()
    };
    builds(["true", "true"]);
    let history = book.root().join("test-1/packages/torn.1/history.jsonl");
    let mut text = std::fs::read_to_string(&history).unwrap();
    text.insert(1, 'x');
    std::fs::write(&history, text).unwrap();
    builds(["true; true", "true; true"]);
    assert_eq!(removed(), 1, "what may be all that torn.1 stands on is kept");
    std::fs::remove_file(&history).unwrap();
    assert_eq!(removed(), 1, "without the line that could not be read, it goes");
    let stray = book.root().join("test-1/packages/no-version.");
    std::fs::create_dir(&stray).unwrap();
    builds(["true", "true"]);
    for arguments in [&[][..], &["--dry-run"]] {
        book.gc(arguments).assert_error(3, "no-version.");
    }
}

/// Two layers, of which one would go, and what makes it unclear which.
#[test]
fn nothing_is_removed_because_something_is_not_where_it_was() {
    for (what, words) in [
        ("packages", "mount it, or run a plan"),
        ("emptied packages", "mount it, or run a plan"),
        ("link of packages", "leads nowhere"),
        ("link of a package", "leads nowhere"),
        ("emptied link of a package", "mount that, or remove the link"),
        ("link of all logs", "cannot read the folder"),
        ("link of all runs", "cannot read the folder"),
        ("link of a run", "is not the folder of a run"),
        ("link of the locks", "locks"),
        ("end of a run's nodes", "it is cut off; once a later run has finished"),
        ("state of a run", "what runs need is not known"),
    ] {
        let book = Book::new();
        book.batch(&book.plan(&[("a.1", "true", &[])]));
        book.batch(&book.plan(&[("a.1", "true; true", &[])]));
        let packages = book.root().join("test-1/packages");
        let package = packages.join("a.1");
        let away = book.path("away");
        let run = std::fs::canonicalize(book.root().join("logs/latest")).unwrap();
        match what {
            "packages" => std::fs::rename(&packages, &away).unwrap(),
            "emptied packages" => std::fs::rename(&package, &away).unwrap(),
            "link of packages" => {
                std::fs::rename(&packages, &away).unwrap();
                symlink("nowhere", &packages).unwrap();
            }
            "link of a package" => {
                std::fs::rename(&package, &away).unwrap();
                symlink("nowhere", &package).unwrap();
            }
            "emptied link of a package" => {
                std::fs::rename(&package, &away).unwrap();
                std::fs::create_dir(book.path("empty")).unwrap();
                symlink(book.path("empty"), &package).unwrap();
            }
            "link of all logs" | "link of all runs" | "link of a run" | "link of the locks" => {
                let link = match what {
                    "link of all logs" => book.root().join("logs"),
                    "link of all runs" => book.root().join("logs/runs"),
                    "link of the locks" => book.root().join("locks"),
                    _ => run,
                };
                std::fs::rename(&link, &away).unwrap();
                symlink("nowhere", &link).unwrap();
            }
            "end of a run's nodes" => {
                let nodes = run.join("dag_structure.jsonl");
                let text = std::fs::read(&nodes).unwrap();
                std::fs::write(&nodes, &text[..text.len() - 20]).unwrap();
                let checked = book.run(&["fsck"]);
                assert_eq!(checked.status, 1, "{}", checked.stdout);
                assert!(checked.stdout.contains("its end is missing"), "{}", checked.stdout);
            }
            _ => {
                std::fs::remove_file(run.join("summary.json")).unwrap();
                std::fs::remove_file(run.join("writer.lock")).unwrap();
                symlink("writer.lock", run.join("writer.lock")).unwrap();
            }
        }
        for arguments in [&[][..], &["--dry-run"]] {
            book.gc(arguments).assert_error(3, words);
            book.gc(arguments).assert_error(3, "nothing is removed");
        }
    }
}

#[test]
fn a_page_that_cannot_be_read_keeps_universes_and_not_layers() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    book.batch(&book.plan(&[("a.1", "true; true", &[])]));
    let page = book.root().join("html/p/a/1");
    let universe = book.root().join("html/u/0123456789abcdef0123456789abcdef");
    for folder in [&page, &universe] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(page.join("universes.json"), "{").unwrap();
    for arguments in [&["--dry-run", "--json"][..], &["--json"]] {
        let ended = book.gc(arguments);
        assert_eq!(ended.status, 3, "{}", ended.stdout);
        let document = ended.json();
        assert!(document["problems"][0].as_str().unwrap().contains("universes.json"), "{document}");
        assert_eq!(document["universes"], json!(null));
        if let Some(removed) = document["layers"]["removed"].as_array() {
            assert_eq!(removed.len(), 1, "{document}");
        }
    }
    assert!(universe.exists());
    let ended = book.run(&["gc"]);
    assert_eq!(ended.status, 3);
    assert!(ended.stderr.contains("universes.json"), "{}", ended.stderr);
}

#[test]
fn the_name_of_a_run_is_not_given_again() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "exit 1", &[])]);
    let mut names = std::collections::HashSet::new();
    for _ in 0..4 {
        let (_, report) = book.batch(&plan);
        assert!(names.insert(report["run"].to_string()), "{report}");
        let ended = book.gc(&["--keep-runs", "0", "--json"]);
        assert_eq!(ended.json()["runs_removed"], json!([]), "younger than its name");
    }
}

#[test]
fn old_runs_go_when_they_are_not_wanted() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let old = book.root().join("logs/runs/2001-02-03-040506");
    std::fs::create_dir(&old).unwrap();
    let summary = json!({
        "run_id": "2001-02-03-040506", "start_time": "2001-02-03T04:05:06", "end_time": "2001-02-03T04:05:07",
        "duration": 1.0, "targets_requested": 0, "solutions_found": 0, "packages_built": 0,
        "packages_failed": 0, "docs_generated": 0, "failures": [],
    });
    std::fs::write(old.join("summary.json"), summary.to_string()).unwrap();
    let dry = book.run(&["gc", "--keep-runs", "1", "--dry-run"]);
    assert!(dry.stdout.ends_with(", beside one run and its logs\n"), "{}", dry.stdout);
    let ended = book.run(&["gc", "--keep-runs", "1", "--json"]);
    assert_eq!(ended.json()["runs_removed"], json!(["2001-02-03-040506"]), "{}", ended.stderr);
    assert!(!old.exists());
}

#[test]
fn a_collection_names_what_it_passed_over_as_its_dry_run_does() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let layer = book.root().join("test-1/build-0123456789ab");
    std::fs::create_dir(&layer).unwrap();
    std::fs::write(layer.join("layer.json"), "{").unwrap();
    for arguments in [&["--dry-run", "--json"][..], &["--json"]] {
        let ended = book.gc(arguments);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let problems = ended.json()["problems"].clone();
        assert!(problems[0].as_str().unwrap().contains("build-0123456789ab"), "{problems}");
    }
    assert!(book.gc(&[]).stderr.contains("build-0123456789ab"));
    assert!(layer.is_dir());
}

#[test]
fn compaction_changes_no_answer() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "exit 1", &[])]);
    for _ in 0..5 {
        book.batch(&plan);
    }
    let before = book.run(&["packages", "--json"]).json();
    // One misspelled name, and nothing is rewritten.
    let misspelled = book.run(&["compact", "--max-age-days", "0", "a.1", "b.1"]);
    misspelled.assert_error(1, "nothing is known of b.1");
    let compacted = book.run(&["compact", "--max-age-days", "0", "--json"]).json();
    assert_eq!(compacted["packages"][0]["lines_before"], 5, "{compacted}");
    assert!(compacted["packages"][0]["lines_after"].as_u64().unwrap() < 5, "{compacted}");
    let mut after = book.run(&["packages", "--json"]).json();
    assert_eq!(before["packages"][0]["category"], after["packages"][0]["category"].take());
}

#[test]
fn fsck_finds_and_mends_what_a_crash_left() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    assert_eq!(book.run(&["fsck"]).status, 0);
    let platform = book.root().join("test-1");
    std::fs::create_dir(platform.join(".build-0123456789ab.new-bb0123456789")).unwrap();
    std::fs::write(platform.join("status.json"), "{").unwrap();
    std::fs::remove_file(book.root().join("logs/latest")).unwrap();
    std::os::unix::fs::symlink("runs/2001-01-01-000000", book.root().join("logs/latest")).unwrap();
    let found = book.run(&["fsck"]);
    assert_eq!(found.status, 1);
    assert!(found.stdout.contains("2 faults"), "{}", found.stdout);
    let repaired = book.run(&["fsck", "--repair"]);
    assert_eq!(repaired.status, 0, "{}", repaired.stdout);
    let clean = book.run(&["fsck", "--json"]).json();
    assert_eq!(clean["findings"], json!([]));
    assert_eq!(book.run(&["show", "latest"]).status, 0);
}

#[test]
fn fsck_moves_a_line_that_a_kill_has_torn_out_of_the_history_and_is_content() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "exit 1", &[])]);
    book.batch(&plan);
    let package = book.root().join("test-1/packages/a.1");
    let whole = std::fs::read_to_string(package.join("history.jsonl")).unwrap();
    std::fs::write(package.join("history.jsonl"), format!("{whole}{{\"ts\":\"2026-")).unwrap();
    book.batch(&plan);
    let found = book.run(&["fsck"]);
    assert_eq!(found.status, 1);
    assert!(found.stdout.contains("it is cut off"), "{}", found.stdout);
    let repaired = book.run(&["fsck", "--repair"]);
    assert_eq!(repaired.status, 0, "{}", repaired.stdout);
    assert!(repaired.stdout.contains("1 broken line moved to history.unreadable"), "{}", repaired.stdout);
    assert_eq!(book.run(&["fsck", "--json"]).json()["findings"], json!([]));
    assert_eq!(std::fs::read_to_string(package.join("history.unreadable")).unwrap(), "{\"ts\":\"2026-\n");
    let left = std::fs::read_to_string(package.join("history.jsonl")).unwrap();
    assert!(left.starts_with(&whole) && left.lines().count() == 2, "{left}");
}

#[test]
fn an_index_is_made_anew_and_is_the_same() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[]), ("b.1", "false", &[])]));
    let before = book.run(&["status", "--json"]).json();
    std::fs::remove_file(book.root().join("test-1/status.json")).unwrap();
    book.run(&["status"]).assert_error(3, "there is no index");
    assert_eq!(book.run(&["index"]).status, 0);
    let after = book.run(&["status", "--json"]).json();
    for key in ["run_id", "blessed_totals", "non_blessed_totals", "new_packages"] {
        assert_eq!(before[key], after[key], "{key}");
    }
}

#[test]
fn an_index_that_cannot_be_read_is_told_with_its_remedy() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let index = book.root().join("test-1/status.json");
    for corrupt in ["{", "[]", ""] {
        std::fs::write(&index, corrupt).unwrap();
        book.run(&["status"]).assert_error(3, "; `buildbook index` makes it anew");
        let made = book.run(&["index"]);
        assert_eq!(made.status, 0, "{}", made.stderr);
        assert!(made.stderr.ends_with("; it is made anew\n"), "{}", made.stderr);
        assert_eq!(book.run(&["status"]).status, 0);
    }
}

#[test]
fn what_fsck_could_not_repair_is_told_with_the_reason() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let (index, latest) = (book.root().join("test-1/status.json"), book.root().join("logs/latest"));
    // Folders where files belong, with something in them, cannot be replaced.
    for path in [&index, &latest] {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir_all(path.join("in the way")).unwrap();
    }
    let run = book.root().join("logs/runs/2001-02-03-040506");
    std::fs::create_dir_all(&run).unwrap();
    let repaired = book.run(&["fsck", "--repair", "--json"]);
    assert_eq!(repaired.status, 1);
    for path in [&index, &latest] {
        let document = repaired.json();
        let findings = document["findings"].as_array().unwrap().iter();
        let finding = findings.clone().find(|finding| finding["path"] == path.to_str().unwrap()).unwrap();
        let what = finding["what"].as_str().unwrap();
        assert!(what.contains("; it could not be repaired: "), "{what}");
        assert_eq!(finding["repaired"], json!(false));
    }
    assert!(!book.run(&["fsck"]).stdout.contains("could not be repaired"), "nothing was tried");
}

#[test]
fn logs_are_classified_from_files_and_standard_input() {
    let book = Book::new();
    let log = book.path("a.log");
    std::fs::write(&log, "cc: error\nE: Unable to locate package libfoo\n").unwrap();
    let ended = book.run(&["classify", log.to_str().unwrap(), "--json"]);
    let verdict = &ended.json()["verdicts"][0];
    assert_eq!((&verdict["category"], &verdict["line"]["number"]), (&json!("depext_unavailable"), &json!(2)));

    let mut child =
        book.command().args(["classify", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"No space left on device\n").unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert!(ended.stdout.contains("transient_failure"), "{}", ended.stdout);
}

#[test]
fn a_message_is_delivered_or_the_status_says_that_it_was_not() {
    let book = Book::new();
    let nasty = "'; touch MARKER; ' \\ \u{1f42b} \"x\"\nsecond line";
    let ended = book.run(&["notify", "stdout", nasty]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, format!("{nasty}\n").as_str()));
    let slack = |url: Option<&str>| {
        let mut command = book.command();
        command.env_remove("SLACK_WEBHOOK_URL").args(["notify", "slack", "hello"]);
        if let Some(url) = url {
            command.env("SLACK_WEBHOOK_URL", url);
        }
        Ended::from(command.output().unwrap())
    };
    slack(None).assert_error(2, "SLACK_WEBHOOK_URL");
    // A port that was just free, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = slack(Some(&format!("http://127.0.0.1:{port}/services/SECRET")));
    refused.assert_error(1, "");
    assert!(!refused.stderr.contains("SECRET"), "{}", refused.stderr);
}

#[test]
fn fsck_removes_what_publishers_and_pruning_left() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let left = [
        "html/p/astring/.0.8.5.new-bb0123456789",
        "html/p/.astring.trash-bb0123456789",
        "html/u/.0123456789abcdef0123456789abcdef.new-bb0123456789",
        "logs/runs/.2026-03-09-125444.trash-bb0123456789",
    ];
    for folder in left {
        std::fs::create_dir_all(book.root().join(folder).join("half")).unwrap();
    }
    let found = book.run(&["fsck", "--json"]).json();
    assert_eq!(found["findings"].as_array().unwrap().len(), left.len(), "{found}");
    assert_eq!(book.run(&["fsck", "--repair"]).status, 0);
    for folder in left {
        assert!(!book.root().join(folder).exists(), "{folder}");
    }
    assert_eq!(book.run(&["fsck", "--json"]).json()["findings"], json!([]));
}
