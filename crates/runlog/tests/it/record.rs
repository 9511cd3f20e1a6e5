use std::sync::atomic::{AtomicBool, Ordering};

use buildbook_fsio::faults::{Fault, inject};
use buildbook_runlog::{Dag, Dated, DocDag, Error, Node, Plan, Repo, Solve};
use time::UtcOffset;

use crate::{empty, id, names, package, start};

fn plan(targets: u64) -> Plan {
    let repo = Repo { path: "/srv/packages \"x\"".to_owned(), commit: "89abcdef".to_owned() };
    Plan { repos: vec![repo; usize::try_from(targets).unwrap()], targets, ..Plan::default() }
}

fn dated<T>(record: T) -> Option<Dated<T>> {
    Some(Dated { timestamp: "2026-03-09T14:54:44".to_owned(), record })
}

#[test]
fn every_record_is_read_back_with_its_local_time() {
    let (_folder, log) = empty();
    let log = log.with_utc_offset(UtcOffset::from_hms(2, 0, 0).unwrap());
    let run = log.start_run(start()).unwrap();
    let solve = Solve { solved: 8, failed: 1 };
    let dag = Dag { build_nodes: 40, cached: 31, need_build: 9 };
    let doc_dag = DocDag {
        build_nodes: 40,
        tool_nodes: 3,
        doc_all_nodes: 20,
        compile_nodes: 15,
        link_nodes: 12,
        total: 90,
    };
    let nodes = [
        Node { hash: "h1".to_owned(), pkg: package("a.1"), deps: vec![] },
        Node { hash: "h2".to_owned(), pkg: package("b.1"), deps: vec!["h1".to_owned()] },
    ];
    assert_eq!(log.plan(run.id()).unwrap(), None);
    assert!(log.dag_structure(run.id()).unwrap().nodes.is_empty());

    run.write_plan(&plan(2), start()).unwrap();
    run.write_solve(&solve, start()).unwrap();
    run.write_dag(&dag, start()).unwrap();
    run.write_doc_dag(&doc_dag, start()).unwrap();
    run.write_dag_structure(&nodes).unwrap();
    assert_eq!(log.plan(run.id()).unwrap(), dated(plan(2)));
    assert_eq!(log.solve(run.id()).unwrap(), dated(solve));
    assert_eq!(log.dag(run.id()).unwrap(), dated(dag));
    assert_eq!(log.doc_dag(run.id()).unwrap(), dated(doc_dag));
    let structure = log.dag_structure(run.id()).unwrap();
    assert_eq!(structure.nodes, nodes);
    assert!(structure.problems.is_empty() && !structure.cut_off);
    let text = std::fs::read_to_string(run.tree().dag_structure()).unwrap();
    assert_eq!(
        text,
        "{\"hash\":\"h1\",\"pkg\":\"a.1\",\"deps\":[]}\n{\"hash\":\"h2\",\"pkg\":\"b.1\",\"deps\":[\"h1\"]}\n"
    );
}

#[test]
fn readers_never_see_a_part_of_a_record() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.write_plan(&plan(0), start()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let seen = log.plan(run.id()).unwrap().expect("it was there before").record;
                assert_eq!(seen.repos.len() as u64, seen.targets);
                reads += 1;
            }
            reads
        });
        let writers = [0, 1].map(|writer| {
            let run = &run;
            scope.spawn(move || {
                (0..300).for_each(|turn| run.write_plan(&plan((turn + writer) % 90), start()).unwrap());
            })
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(
        names(run.run_dir()),
        ["build", "docs", "plan.json", "writer.lock"],
        "nothing temporary stays"
    );
}

#[test]
fn missing_and_corrupt_are_different_answers() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    assert!(log.plan(run.id()).unwrap().is_none());
    assert!(log.summary(&id("1999-01-01-000000")).unwrap().is_none(), "nor is there such a run");
    for damaged in [
        "",
        "{",
        "\0\0\0",
        "[]",
        "[\"t\",8,1]",
        "{\"timestamp\":\"t\"}",
        "{\"timestamp\":\"t\",\"solved\":-1,\"failed\":0}",
    ] {
        std::fs::write(run.tree().solve(), damaged).unwrap();
        let error = log.solve(run.id()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path, .. } if *path == run.tree().solve()), "{damaged:?}");
    }
    std::fs::remove_file(run.tree().solve()).unwrap();
    std::fs::create_dir(run.tree().solve()).unwrap();
    assert!(matches!(log.solve(run.id()), Err(Error::File(_))));
}

#[test]
fn keys_and_bytes_of_others_are_no_reason_to_refuse() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let text = b"{\"repos\":[{\"path\":\"/caf\xe9\",\"commit\":\"c\",\"branch\":\"main\"}],\"format\":9,\"targets\":1,\
        \"ocaml_version\":null,\"with_doc\":false,\"all_versions\":true,\"small_universe\":false,\"timestamp\":\"t\"}";
    std::fs::write(run.tree().plan(), text).unwrap();
    let plan = log.plan(run.id()).unwrap().unwrap();
    assert_eq!(plan.timestamp, "t");
    assert_eq!(plan.record.repos[0].path, "/caf\u{fffd}");
    assert!(plan.record.all_versions && plan.record.ocaml_version.is_none());

    let twice = br#"{"timestamp":"t","solved":8,"failed":1,"timestamp":0,"solved":9}"#;
    std::fs::write(run.tree().solve(), twice).unwrap();
    let solve = log.solve(run.id()).unwrap().unwrap();
    assert_eq!((solve.timestamp.as_str(), solve.record), ("t", Solve { solved: 8, failed: 1 }));

    let lines =
        b"{\"hash\":\"h\",\"pkg\":\"a.1\",\"deps\":[]}\n{\"hash\":\"h\",\"pkg\":\"../a\",\"deps\":[]}\n";
    std::fs::write(run.tree().dag_structure(), lines).unwrap();
    let structure = log.dag_structure(run.id()).unwrap();
    assert_eq!((structure.nodes.len(), structure.problems.len()), (1, 1));
    assert_eq!(structure.problems[0].number, 2);
}

#[test]
fn a_record_that_cannot_be_replaced_stays_as_it_was() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.write_plan(&plan(1), start()).unwrap();
    for at in 0..2 {
        let failed = inject(at, Fault::FailTorn(nix::libc::ENOSPC), || run.write_plan(&plan(2), start()));
        assert!(matches!(failed, Err(Error::Replace(_))), "{failed:?}");
        assert_eq!(log.plan(run.id()).unwrap().unwrap().record, plan(1));
    }
    run.write_plan(&plan(2), start()).unwrap();
    assert_eq!(log.plan(run.id()).unwrap().unwrap().record, plan(2));
}
