//! A run of the original, and ours beside it.

use std::path::Path;

use buildbook_layout::LogTree;
use buildbook_runlog::{
    Counts, Dag, DocDag, Event, EventKind, EventStatus, Failure, Plan, Repo, RunLog, RunState, Solve,
};

use crate::{at, empty, id, package};

const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cache");

fn golden() -> RunLog {
    RunLog::at(LogTree::at(CACHE))
}

fn plan() -> Plan {
    let repo = |path: &str, commit: &str| Repo { path: path.to_owned(), commit: commit.to_owned() };
    Plan {
        repos: vec![
            repo("/home/me/opam-repository", "0123456789abcdef0123456789abcdef01234567"),
            repo("/srv/overlay \"x\"", "89abcdef"),
        ],
        targets: 9,
        ocaml_version: Some("5.3.0".to_owned()),
        with_doc: true,
        all_versions: false,
        small_universe: true,
    }
}

const SOLVE: Solve = Solve { solved: 8, failed: 1 };
const DAG: Dag = Dag { build_nodes: 40, cached: 31, need_build: 9 };
const DOC_DAG: DocDag = DocDag {
    build_nodes: 40,
    tool_nodes: 3,
    doc_all_nodes: 20,
    compile_nodes: 15,
    link_nodes: 12,
    total: 90,
};

fn counts() -> Counts {
    let failure =
        |package: &str, error: &str| Failure { package: package.to_owned(), error: error.to_owned() };
    Counts {
        targets_requested: 9,
        packages_built: 7,
        packages_failed: 2,
        docs_generated: 3,
        failures: vec![
            failure("basalt.0.9.1", "build_failure"),
            failure("flint.0.1", "error with \"quotes\" and a\nnewline — dash"),
        ],
    }
}

fn events() -> [Event; 5] {
    let event =
        |kind, pkg, hash: &str, status| Event::new(kind, package(pkg), format!("build-{hash}"), status);
    [
        event(EventKind::Build, "anvil.1.2.0", "a1b2c3d4e5f6", EventStatus::Ok),
        Event {
            failed_dep: Some(package("anvil.1.2.0")),
            ..event(EventKind::Build, "flint.0.1", "f00000000001", EventStatus::Cascade)
        },
        Event {
            layer_dir: "/var/cache/day11/debian-12/build-b0000000000b".to_owned(),
            ..event(EventKind::Build, "basalt.0.9.1", "b0000000000b", EventStatus::Fail)
        },
        event(EventKind::Tool, "odoc.3.0.0", "0d0c0d0c0d0c", EventStatus::Ok),
        Event {
            layer_dir: "/l".to_owned(),
            ..event(EventKind::Compile, "copper-io.2.0.0", "c00000000002", EventStatus::Fail)
        },
    ]
}

#[test]
fn a_run_of_the_original_is_found() {
    let log = golden();
    let run = id("2026-11-20-034620");
    assert_eq!(log.latest().unwrap(), Some(run.clone()));
    assert_eq!(log.resolve("2026-11").unwrap(), run);
    let found = log.runs().unwrap();
    assert!(found.problems.is_empty());
    assert_eq!(found.runs.len(), 1);
    assert_eq!(found.runs[0].state, RunState::Finished);
}

#[test]
fn the_files_of_the_original_are_read_to_their_values() {
    let log = golden();
    let run = id("2026-11-20-034620");
    let plan_file = log.plan(&run).unwrap().unwrap();
    assert_eq!((plan_file.timestamp.as_str(), plan_file.record), ("2026-11-20T03:46:20", plan()));
    assert_eq!(log.solve(&run).unwrap().unwrap().record, SOLVE);
    assert_eq!(log.dag(&run).unwrap().unwrap().record, DAG);
    assert_eq!(log.doc_dag(&run).unwrap().unwrap().record, DOC_DAG);
    assert!(log.dag_structure(&run).unwrap().nodes.is_empty());

    let summary = log.summary(&run).unwrap().unwrap();
    assert_eq!(summary.run_id, run);
    assert_eq!((summary.start_time, summary.end_time), (1_795_146_380.365396, 1_795_146_380.374834));
    assert_eq!(summary.duration, 0.009438037872314453);
    assert_eq!((summary.targets_requested, summary.packages_built), (9, 7));
    assert_eq!((summary.packages_failed, summary.docs_generated), (2, 3));
    assert_eq!(summary.failures, counts().failures);

    let found = log.events(&run).unwrap();
    assert!(found.problems.is_empty() && !found.cut_off);
    assert!(found.events.iter().all(|logged| logged.t == "2026-11-20T03:46:20"));
    assert_eq!(found.events.into_iter().map(|logged| logged.event).collect::<Vec<_>>(), events());
}

/// The keys of a text in the order in which they appear, however it is spread over lines.
fn keys(text: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    let mut parts = text.split('"').skip(1);
    while let (Some(word), Some(rest)) = (parts.next(), parts.next()) {
        if rest.starts_with(':') {
            keys.push(word);
        }
    }
    keys
}

#[test]
fn our_run_has_the_same_files_with_the_same_keys_in_the_same_order() {
    let (_folder, log) = empty();
    let start = at("2026-11-20T03:46:20Z");
    let run = log.start_run(start).unwrap();
    run.write_plan(&plan(), start).unwrap();
    run.write_solve(&SOLVE, start).unwrap();
    run.write_dag(&DAG, start).unwrap();
    run.write_doc_dag(&DOC_DAG, start).unwrap();
    for event in &events() {
        run.log_build_result(event, start).unwrap();
    }
    let folder = run.run_dir().to_owned();
    run.finish_run(counts(), start).unwrap();

    let original = Path::new(CACHE).join("runs/2026-11-20-034620");
    for name in ["plan.json", "solve.json", "dag.json", "doc_dag.json", "summary.json", "build.jsonl"] {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(name)).unwrap();
        let (ours, theirs) = (read(&folder), read(&original));
        // Escaped quotation marks in values would be taken for the ends of words.
        let (our_words, their_words) = (ours.replace("\\\"", ""), theirs.replace("\\\"", ""));
        assert!(!keys(&our_words).is_empty());
        assert_eq!(keys(&our_words), keys(&their_words), "{name}");
        assert_eq!(ours.ends_with('\n'), theirs.ends_with('\n'), "{name}");
        match name {
            "build.jsonl" => assert_eq!(ours, theirs, "lines are the same to the byte"),
            "summary.json" => {}
            _ => {
                let [ours, theirs] =
                    [ours, theirs].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
                assert_eq!(ours, theirs, "{name}");
            }
        }
    }
}
