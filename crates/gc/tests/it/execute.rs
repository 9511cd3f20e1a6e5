use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use buildbook_fsio::Lock;
use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_fsio::op::Operation;
use buildbook_gc::{Error, GcResult, Policy, SkipReason, execute_layers, touch_layer};
use buildbook_layout::LayerName;

use crate::farm::{Farm, age, age_tree, goes, now, policy};

fn skipped(result: &GcResult) -> Vec<(&str, SkipReason)> {
    result.skipped.iter().map(|skipped| (skipped.name.as_str(), skipped.reason.clone())).collect()
}

fn layer(name: &str) -> LayerName {
    name.parse().unwrap()
}

#[test]
fn exactly_the_plan_is_executed() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    farm.layer("build-00000000000b", &[], 30);
    let plan = farm.plan(&["build-00000000000b"], &policy());
    farm.layer("build-00000000000c", &[], 30);
    let result = execute_layers(&plan).unwrap();
    assert_eq!(result.removed.len(), 1);
    assert_eq!(result.removed[0].path, farm.at("build-00000000000a"));
    assert_eq!(
        farm.names(),
        ["build-00000000000b", "build-00000000000c"],
        "what is not in the plan is not touched"
    );

    let again = execute_layers(&plan).unwrap();
    assert!(again.removed.is_empty(), "what was removed before is not counted again");
    assert_eq!(skipped(&again), [("build-00000000000a", SkipReason::Gone)]);
    assert_eq!(again.bytes_freed, 0);
    assert_eq!(farm.names().len(), 2, "no lock file is left for a layer that has gone");
}

#[test]
fn a_layer_that_was_used_since_the_plan_stays() {
    let farm = Farm::new();
    for name in ["build-00000000000a", "build-00000000000b", "build-00000000000c", "build-00000000000d"] {
        farm.layer(name, &[], 30);
    }
    farm.unfinished_layer("build-00000000000e", 30);
    farm.unfinished_layer("build-00000000000f", 30);
    let plan = farm.plan(&[], &policy());
    assert_eq!(goes(&plan).len(), 6);
    assert!(touch_layer(&farm.tree(), &layer("build-00000000000a"), now()).unwrap());
    let locked = Lock::acquire(&farm.tree().layer_lock(&layer("build-00000000000b"))).unwrap();
    fs::rename(farm.at("build-00000000000c"), farm.root().join("original")).unwrap();
    farm.layer("build-00000000000c", &[], 30);
    fs::remove_dir_all(farm.at("build-00000000000d")).unwrap();
    symlink(farm.root().join("original"), farm.at("build-00000000000d")).unwrap();
    age(&farm.at("build-00000000000e/fs/lib/made"), 60);
    fs::write(farm.at("build-00000000000f/layer.json"), "{}").unwrap();
    age_tree(&farm.at("build-00000000000f"), 86_400 * 30);

    let result = execute_layers(&plan).unwrap();
    assert_eq!(
        skipped(&result),
        [
            ("build-00000000000a", SkipReason::Used),
            ("build-00000000000b", SkipReason::Locked),
            ("build-00000000000c", SkipReason::Replaced),
            ("build-00000000000d", SkipReason::Replaced),
            ("build-00000000000e", SkipReason::Used),
            ("build-00000000000f", SkipReason::Used),
        ]
    );
    assert!(result.removed.is_empty() && result.problems.is_empty());
    assert!(farm.root().join("original/fs/lib/made").exists(), "a link was followed");
    locked.release();
}

#[test]
fn the_parents_of_a_layer_that_is_skipped_stay() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    farm.layer("build-00000000000b", &["build-00000000000a"], 30);
    farm.layer("build-00000000000c", &["build-00000000000b"], 30);
    farm.layer("build-00000000000d", &["build-00000000000a"], 30);
    let plan = farm.plan(&[], &policy());
    assert!(touch_layer(&farm.tree(), &layer("build-00000000000c"), now()).unwrap());
    let result = execute_layers(&plan).unwrap();
    assert_eq!(result.removed.len(), 1);
    assert_eq!(
        skipped(&result),
        [
            ("build-00000000000c", SkipReason::Used),
            ("build-00000000000b", SkipReason::ParentOf("build-00000000000c".to_owned())),
            ("build-00000000000a", SkipReason::ParentOf("build-00000000000b".to_owned())),
        ]
    );
    assert_eq!(farm.names(), ["build-00000000000a", "build-00000000000b", "build-00000000000c"]);
}

#[test]
fn a_corrupt_layer_that_is_skipped_keeps_whatever_could_be_its_parent() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 90);
    farm.layer_saying("build-00000000000c", "{ not json", 30);
    farm.layer(".build-00000000000f.trash-bb0123456789", &[], 60);
    let plan = farm.plan(&[], &Policy { remove_corrupt: true, ..policy() });
    assert_eq!(goes(&plan).len(), 3);
    assert!(touch_layer(&farm.tree(), &layer("build-00000000000c"), now()).unwrap());
    let result = execute_layers(&plan).unwrap();
    assert_eq!(
        skipped(&result),
        [
            ("build-00000000000c", SkipReason::Used),
            ("build-00000000000a", SkipReason::MaybeParentOf("build-00000000000c".to_owned())),
        ]
    );
    assert_eq!(farm.names(), ["build-00000000000a", "build-00000000000c"]);
}

/// Builders of the original wait for it, and do not look whether the name still stands for the file.
#[test]
fn a_lock_file_that_was_there_stays_with_its_layer() {
    let farm = Farm::new();
    for name in ["00000000000a", "00000000000b", "00000000000c"] {
        farm.unfinished_layer(name, 30);
    }
    let plan = farm.plan(&[], &policy());
    for name in ["00000000000a.lock", "00000000000b.lock"] {
        fs::write(farm.at(name), "").unwrap();
    }
    let inode = || fs::metadata(farm.at("00000000000a.lock")).unwrap().ino();
    let before = inode();
    for name in ["00000000000a", "00000000000c"] {
        age(&farm.at(name).join("fs/lib/made"), 60);
    }
    let result = execute_layers(&plan).unwrap();
    assert_eq!((result.removed.len(), result.skipped.len(), result.problems.len()), (1, 2, 0));
    assert_eq!(farm.names(), ["00000000000a", "00000000000a.lock", "00000000000c"]);
    assert_eq!(inode(), before);
}

#[test]
fn only_one_collection_works_at_a_time() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    let plan = farm.plan(&[], &policy());
    let other = Lock::acquire(&farm.at("gc.lock")).unwrap();
    let refused = execute_layers(&plan).unwrap_err();
    assert!(matches!(refused, Error::Busy { .. }), "{refused}");
    assert!(farm.at("build-00000000000a").exists());
    other.release();
    assert_eq!(execute_layers(&plan).unwrap().removed.len(), 1);
    assert_eq!(farm.names(), [""; 0], "no lock file is left");
}

#[test]
fn what_cannot_be_removed_is_not_counted_and_hinders_nothing() {
    let prepare = || {
        let farm = Farm::new();
        farm.layer("build-00000000000a", &[], 30);
        farm.layer("build-00000000000b", &[], 30);
        let plan = farm.plan(&[], &policy());
        (farm, plan)
    };
    let (_farm, plan) = prepare();
    let (_, calls) = count(|| execute_layers(&plan).unwrap());
    let first = |wanted: Operation| calls.iter().position(|call| call.operation == wanted).unwrap();

    let (farm, plan) = prepare();
    let result =
        inject(first(Operation::RemoveTree), Fault::Fail(nix::libc::EACCES), || execute_layers(&plan))
            .unwrap();
    assert_eq!((result.removed.len(), result.problems.len()), (1, 1));
    assert_eq!(result.bytes_freed, result.removed[0].bytes);
    assert!(!farm.at("build-00000000000a").exists(), "it is out of sight");
    let next = farm.plan(&[], &policy());
    let [trash] = next.removals().collect::<Vec<_>>()[..] else { panic!("the rest goes with the next plan") };
    assert_eq!(trash.decision.to_string(), "remove, left by a removal that was cut off");
    assert_eq!(execute_layers(&next).unwrap().removed.len(), 1);
    assert_eq!(farm.names(), [""; 0]);

    let (farm, plan) = prepare();
    let at = first(Operation::RenameToFreeName);
    let result = inject(at, Fault::Fail(nix::libc::EACCES), || execute_layers(&plan)).unwrap();
    assert_eq!((result.removed.len(), result.problems.len()), (1, 1));
    assert_eq!(farm.names(), ["build-00000000000a"], "it is still in its place");
    let text = serde_json::to_string(&result).unwrap();
    assert!(text.contains("cannot take out of sight"), "{text}");
}

#[test]
fn a_plan_that_removes_nothing_writes_nothing() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 1);
    let plan = farm.plan(&[], &policy());
    let (result, calls) = count(|| execute_layers(&plan).unwrap());
    assert_eq!((result.kept, calls), (1, vec![]));
}
