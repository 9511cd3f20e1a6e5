//! Files that the original wrote, and what it made of them.

use std::path::{Path, PathBuf};

use buildbook_history::History;
use buildbook_layout::PlatformTree;
use buildbook_status_index::{Change, Problem, generate, inspect};
use serde_json::Value;

use crate::{now, totals};

fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(path)
}

/// The keys that the original has.
fn as_printed(changes: &[Change]) -> Vec<Value> {
    let mut all: Vec<Value> = changes.iter().map(|change| serde_json::to_value(change).unwrap()).collect();
    for change in &mut all {
        let fields = change.as_object_mut().unwrap();
        fields.retain(|key, _| ["package", "build_hash", "blessed", "from", "to"].contains(&key.as_str()));
    }
    all.sort_by_key(Value::to_string);
    all
}

#[test]
fn the_originals_status_is_read_to_its_values() {
    let expected: Value = serde_json::from_slice(&std::fs::read(golden("expected.json")).unwrap()).unwrap();
    let expected = &expected["status"];
    let inspected = inspect(&golden("cache")).unwrap().unwrap();
    assert!(inspected.problems.is_empty());
    let status = inspected.status;
    let value = serde_json::to_value(&status).unwrap();
    for key in ["generated", "run_id", "blessed_totals", "non_blessed_totals", "new_packages"] {
        assert_eq!(value[key], expected[key], "{key}");
    }
    let mut changes = expected["changes_since_last"].as_array().unwrap().clone();
    changes.sort_by_key(Value::to_string);
    assert_eq!(as_printed(&status.changes), changes);
    assert_eq!((status.version, status.since), (1, None));
    assert!(status.changes.iter().all(|change| change.what.is_none() && change.from_hash.is_none()));
}

#[test]
fn the_originals_histories_give_its_values_but_for_its_faults() {
    let original = inspect(&golden("cache")).unwrap().unwrap().status;
    let history = History::at(PlatformTree::at(golden("cache")).packages());
    let generated = generate(&history, &original.run().unwrap(), None, now()).unwrap();
    let ours = generated.status;

    assert_eq!(as_printed(&ours.changes), as_printed(&original.changes), "the same changes, sorted (C-S7)");
    assert_eq!(ours.new_packages, original.new_packages);

    // The original: 5 success, 1 dependency_failure, 1 doc_success. Besides, ember.1.0 stands, although this run
    // did not touch it (C-S4), and copper-io.2.0.0 by its build as well as by its documentation (C-S10). For
    // flint.0.1 the original looked into the layer and called its build_failure a dependency_failure; here
    // whoever records a result decides.
    assert_eq!(
        totals(&original.blessed_totals),
        [("dependency_failure", 1), ("doc_success", 1), ("success", 5)]
    );
    assert_eq!(totals(&ours.blessed_totals), [("build_failure", 1), ("doc_success", 1), ("success", 7)]);
    // So ember.1.0 is not among the others any more.
    let mut others = original.non_blessed_totals.clone();
    *others.get_mut(&"success".into()).unwrap() -= 1;
    assert_eq!(ours.non_blessed_totals, others);

    // The original gives up on harbor-ppx.1.1 for its torn line (C-S1).
    let problems: Vec<&str> = generated
        .problems
        .iter()
        .map(|problem| match problem {
            Problem::Lines { package, .. } => package.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(problems, ["granite.5.0", "harbor-ppx.1.1"]);
}
