//! Every kind of file that the crates write, byte by byte against the text that dashboards of the original expect.
//!
//! The keys that the original has come first and in its order; what is ours alone follows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildbook::atomic_swap::Durability;
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::history::{Entry, History};
use buildbook::layout::{Category, LogTree, PackagesTree, Timestamp};
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::{
    Counts, Dag, DocDag, Event, EventKind, EventStatus, Failure, Node, Plan, Repo, Run, RunLog, Solve,
};
use buildbook::status_index;
use walkdir::WalkDir;

use crate::{at, entry, package};

fn now() -> Timestamp {
    at("2026-03-09T12:54:44Z")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A run in a folder of its own, by a writer whose clock shows the time of UTC.
fn run() -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunLog::at(LogTree::at(folder.path().join("logs"))).start_run(now()).unwrap();
    (folder, run)
}

#[test]
fn the_records_of_a_run() {
    let (_folder, run) = run();
    let plan = Plan {
        repos: vec![Repo { path: "/srv/opam".to_owned(), commit: "89abcdef".to_owned() }],
        targets: 9,
        ocaml_version: None,
        with_doc: true,
        all_versions: false,
        small_universe: true,
    };
    run.write_plan(&plan, now()).unwrap();
    run.write_solve(&Solve { solved: 8, failed: 1 }, now()).unwrap();
    run.write_dag(&Dag { build_nodes: 40, cached: 31, need_build: 9 }, now()).unwrap();
    let doc_dag = DocDag {
        build_nodes: 40,
        tool_nodes: 3,
        doc_all_nodes: 20,
        compile_nodes: 15,
        link_nodes: 12,
        total: 90,
    };
    run.write_doc_dag(&doc_dag, now()).unwrap();
    let node = |hash: &str, pkg: &str, deps: &[&str]| Node {
        hash: hash.to_owned(),
        pkg: package(pkg),
        deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
    };
    run.write_dag_structure(&[node("h1", "a.1", &[]), node("h2", "b.2.0", &["h1"])]).unwrap();

    assert_eq!(
        text(&run.tree().plan()),
        r#"{
  "timestamp": "2026-03-09T12:54:44",
  "repos": [
    {
      "path": "/srv/opam",
      "commit": "89abcdef"
    }
  ],
  "targets": 9,
  "ocaml_version": null,
  "with_doc": true,
  "all_versions": false,
  "small_universe": true
}"#
    );
    assert_eq!(
        text(&run.tree().solve()),
        "{\n  \"timestamp\": \"2026-03-09T12:54:44\",\n  \"solved\": 8,\n  \"failed\": 1\n}"
    );
    assert_eq!(
        text(&run.tree().dag()),
        "{\n  \"timestamp\": \"2026-03-09T12:54:44\",\n  \"build_nodes\": 40,\n  \"cached\": 31,\n  \"need_build\": 9\n}"
    );
    assert_eq!(
        text(&run.tree().doc_dag()),
        r#"{
  "timestamp": "2026-03-09T12:54:44",
  "build_nodes": 40,
  "tool_nodes": 3,
  "doc_all_nodes": 20,
  "compile_nodes": 15,
  "link_nodes": 12,
  "total": 90
}"#
    );
    assert_eq!(
        text(&run.tree().dag_structure()),
        "{\"hash\":\"h1\",\"pkg\":\"a.1\",\"deps\":[]}\n{\"hash\":\"h2\",\"pkg\":\"b.2.0\",\"deps\":[\"h1\"]}\n"
    );
}

#[test]
fn the_events_and_the_summary_of_a_run() {
    let (_folder, run) = run();
    let hash = "0123456789abcdef0123456789abcdef";
    let built = Event {
        layer_dir: "/c/build-0123456789ab".to_owned(),
        ..Event::new(EventKind::Build, package("a.1"), hash, EventStatus::Ok)
    };
    let blocked = Event {
        failed_dep: Some(package("a.1")),
        ..Event::new(EventKind::DocAll, package("b.2.0"), hash, EventStatus::Cascade)
    };
    run.log_build_result(&built, now()).unwrap();
    run.log_build_result(&blocked, now()).unwrap();
    assert_eq!(
        text(&run.tree().events()),
        concat!(
            r#"{"t":"2026-03-09T12:54:44","kind":"build","pkg":"a.1","hash":"0123456789abcdef0123456789abcdef","#,
            r#""status":"ok","layer_dir":"/c/build-0123456789ab"}"#,
            "\n",
            r#"{"t":"2026-03-09T12:54:44","kind":"doc-all","pkg":"b.2.0","hash":"0123456789abcdef0123456789abcdef","#,
            r#""status":"cascade","failed_dep":"a.1"}"#,
            "\n"
        )
    );
    let path = run.tree().summary();
    let counts = Counts {
        targets_requested: 2,
        packages_built: 1,
        packages_failed: 1,
        docs_generated: 0,
        failures: vec![Failure { package: "b.2.0".to_owned(), error: "build_failure".to_owned() }],
    };
    run.finish_run(counts, at("2026-03-09T12:54:45.5Z")).unwrap();
    assert_eq!(
        text(&path),
        r#"{
  "run_id": "2026-03-09-125444",
  "start_time": 1773060884.0,
  "end_time": 1773060885.5,
  "duration": 1.5,
  "targets_requested": 2,
  "packages_built": 1,
  "packages_failed": 1,
  "docs_generated": 0,
  "failures": [
    {
      "package": "b.2.0",
      "error": "build_failure"
    }
  ]
}"#
    );
}

#[test]
fn the_progress_of_a_run() {
    let (_folder, run) = run();
    let mut progress = Progress::create(run.id().clone(), "2026-03-09T12:54:44", ["a.1", "b.2.0"])
        .set_phase(Phase::Building)
        .set_solutions(2, 1)
        .set_build_total(4)
        .set_doc_total(5)
        .set_completed(3, 0);
    progress::write(run.run_dir(), &mut progress, now()).unwrap();
    assert_eq!(
        text(&run.tree().progress()),
        r#"{
  "run_id": "2026-03-09-125444",
  "start_time": "2026-03-09T12:54:44",
  "phase": "building",
  "targets": [
    "a.1",
    "b.2.0"
  ],
  "solutions_found": 2,
  "solutions_failed": 1,
  "build_completed": 3,
  "build_total": 4,
  "doc_completed": 0,
  "doc_total": 5,
  "heartbeat": "2026-03-09T12:54:44Z",
  "sequence": 1
}"#
    );
}

#[test]
fn a_history_and_the_index_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(PackagesTree::at(folder.path().join("packages")));
    let a = package("a.1");
    let first = entry("2026-03-08-125444", at("2026-03-08T12:54:44Z"), "build-000000000001", "success");
    let second = Entry {
        error: Some("tab\t, quote \", escape \u{1b} and caf\u{e9}".to_owned()),
        failed_dep: Some("b.2.0".to_owned()),
        failed_dep_hash: Some("build-00000000000b".to_owned()),
        universe: Some("0123456789abcdef0123456789abcdef".to_owned()),
        compiler: String::new(),
        ..entry("2026-03-09-125444", now(), "build-000000000002", Category::DEPENDENCY_FAILURE)
    };
    history.append_all(&a, &[first, second]).unwrap();
    assert_eq!(
        text(&history.tree().history(&a)),
        concat!(
            r#"{"ts":"2026-03-08T12:54:44Z","run":"2026-03-08-125444","build_hash":"build-000000000001","#,
            r#""status":"success","category":"success","compiler":"5.3.0","blessed":true}"#,
            "\n",
            r#"{"ts":"2026-03-09T12:54:44Z","run":"2026-03-09-125444","build_hash":"build-000000000002","#,
            r#""status":"failure","category":"dependency_failure","compiler":"","blessed":true,"#,
            r#""error":"tab\t, quote \", escape \u001b and café","failed_dep":"b.2.0","#,
            r#""failed_dep_hash":"build-00000000000b","universe":"0123456789abcdef0123456789abcdef"}"#,
            "\n"
        )
    );

    let run = "2026-03-09-125444".parse().unwrap();
    let generated = status_index::generate(&history, &run, None, now()).unwrap();
    status_index::write(folder.path(), &generated.status, Durability::Synced).unwrap();
    assert_eq!(
        text(&folder.path().join("status.json")),
        r#"{
  "generated": "2026-03-09T12:54:44Z",
  "run_id": "2026-03-09-125444",
  "blessed_totals": {
    "dependency_failure": 1
  },
  "non_blessed_totals": {
    "success": 1
  },
  "changes_since_last": [
    {
      "package": "a.1",
      "build_hash": "build-000000000002",
      "blessed": true,
      "from": "success",
      "to": "dependency_failure",
      "kind": "build",
      "from_hash": "build-000000000001",
      "run": "2026-03-09-125444",
      "what": "blocked"
    }
  ],
  "new_packages": [],
  "version": 1
}
"#
    );
}

#[test]
fn locks_and_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let universe = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let a = package("a.1.0");
    let holder = Holder {
        start: now(),
        layer: Some("build-0123456789ab".parse().unwrap()),
        temp_log_path: Some("/tmp/build.log".into()),
        run: Some("2026-03-09-125444".parse().unwrap()),
    };
    let names = [
        (LockName::build(&a), "build-a.1.0.lock"),
        (LockName::build_in(&a, &universe), "build-a.1.0-0123456789abcdef0123456789abcdef.lock"),
        (LockName::doc_in(&a, &universe), "doc-a.1.0-0123456789abcdef0123456789abcdef.lock"),
        (LockName::tool_for(&package("odoc"), "5.3.0").unwrap(), "tool-odoc-5.3.0.lock"),
    ];
    for (name, file) in names {
        let lock = locks.acquire(&name, &holder).unwrap();
        let body = text(&folder.path().join(file));
        let lines: Vec<&str> = body.lines().collect();
        let pid = std::process::id().to_string();
        assert_eq!(lines[..4], [&pid, "1773060884", "build-0123456789ab", "/tmp/build.log"], "{file}");
        // What the system does not tell is left out.
        let ours = lines[4..].iter().map(|line| line.split_once('=').unwrap().0);
        let known =
            ["host", "boot", "started", "run"].into_iter().filter(|key| ours.clone().any(|our| our == *key));
        assert_eq!(ours.clone().collect::<Vec<_>>(), known.collect::<Vec<_>>(), "{file}");
        assert_eq!(lines.last(), Some(&"run=2026-03-09-125444"));
        assert!(body.ends_with('\n'));
        lock.release().unwrap();
    }

    let (_folder, run) = run();
    assert_eq!(text(&run.tree().writer_lock()), format!("{}\n1773060884\n", std::process::id()));
}

/// A dashboard is usually another user than the builder.
#[test]
fn every_file_and_folder_has_the_rights_of_an_ordinary_one() {
    let (folder, run) = run();
    run.write_solve(&Solve::default(), now()).unwrap();
    run.log_build_result(&Event::new(EventKind::Build, package("a.1"), "h", EventStatus::Ok), now()).unwrap();
    std::fs::write(folder.path().join("ordinary"), "log").unwrap();
    run.add_build_log(&package("a.1"), &folder.path().join("ordinary")).unwrap();
    let mut progress = Progress::create(run.id().clone(), "", ["a.1"]);
    progress::write(run.run_dir(), &mut progress, now()).unwrap();
    run.finish_run(Counts::default(), now()).unwrap();
    let history = History::at(PackagesTree::at(folder.path().join("packages")));
    history.append(&package("a.1"), &entry("r", now(), "h", "success")).unwrap();
    let generated =
        status_index::generate(&history, &"2026-03-09-125444".parse().unwrap(), None, now()).unwrap();
    status_index::write(folder.path(), &generated.status, Durability::Cached).unwrap();
    let _lock = BuildLocks::at(folder.path().join("locks"))
        .acquire(&LockName::build(&package("a.1")), &Holder::since(now()))
        .unwrap();

    std::fs::create_dir(folder.path().join("ordinary folder")).unwrap();
    let rights = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (file, dir) =
        (rights(&folder.path().join("ordinary")), rights(&folder.path().join("ordinary folder")));
    let mut seen = 0;
    for found in WalkDir::new(folder.path()).min_depth(1) {
        let found = found.unwrap();
        if found.path_is_symlink() {
            continue;
        }
        let expected = if found.file_type().is_dir() { dir } else { file };
        assert_eq!(rights(found.path()), expected, "{}", found.path().display());
        seen += 1;
    }
    assert!(seen >= 18, "{seen}");
}
