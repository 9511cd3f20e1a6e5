use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use buildbook_atomic_swap::Swap;
use buildbook_fsio::Lock;
use buildbook_gc::{Decision, KeepReason, Policy, Roots, gc_layers};
use buildbook_layout::LayerName;
use buildbook_other_process::Other;

use crate::farm::{DAY, Farm, age, goes, item, now, policy, reason};

#[test]
fn unreferenced_layers_go_and_referenced_ones_stay_in_every_spelling() {
    let farm = Farm::new();
    for name in ["build-000000000001", "build-000000000002", "doc-000000000003", "doc-000000000004"] {
        farm.layer(name, &[], 30);
    }
    for name in ["000000000005", "000000000006", "000000000007"] {
        farm.layer(name, &[], 30);
    }
    let roots =
        ["build-000000000001", "00000000000300000000000000000000", "000000000005", "build-000000000006aaaa"];
    let plan = farm.plan(&roots, &policy());
    assert_eq!(goes(&plan), ["000000000007", "build-000000000002", "doc-000000000004"]);
    assert_eq!(reason(&plan, "build-000000000001"), "referenced");
    assert_eq!(reason(&plan, "000000000007"), "goes: unreferenced, and unused for 30 days");

    let roots: Roots = roots.into_iter().collect();
    let result = gc_layers(&farm.tree(), &roots, &policy(), now()).unwrap();
    assert_eq!(
        (result.removed.len(), result.kept, result.skipped.len(), result.problems.len()),
        (3, 4, 0, 0)
    );
    assert_eq!(farm.names(), ["000000000005", "000000000006", "build-000000000001", "doc-000000000003"]);
    assert!(farm.at("build-000000000001/fs/lib/made").exists());
}

#[test]
fn a_layer_that_is_locked_stays_with_its_lock() {
    let farm = Farm::new();
    farm.layer("build-aaaaaaaaaaaa", &[], 30);
    farm.layer("bbbbbbbbbbbb", &[], 30);
    let name: LayerName = "build-aaaaaaaaaaaa".parse().unwrap();
    let held = Lock::acquire(&farm.tree().layer_lock(&name)).unwrap();
    fs::write(farm.at("bbbbbbbbbbbb.lock"), "left by a dead builder").unwrap();
    let plan = farm.plan(&[], &policy());
    assert_eq!(reason(&plan, "build-aaaaaaaaaaaa"), "locked");
    let result = gc_layers(&farm.tree(), &Roots::new(), &policy(), now()).unwrap();
    assert_eq!(result.removed.len(), 1);
    assert_eq!(
        farm.names(),
        ["build-aaaaaaaaaaaa", "build-aaaaaaaaaaaa.lock"],
        "the lock file of a removed layer goes too"
    );
    held.release();
}

#[test]
fn a_layer_that_another_program_builds_under_lockf_stays() {
    let farm = Farm::new();
    farm.layer("aaaaaaaaaaaa", &[], 30);
    farm.layer("bbbbbbbbbbbb", &[], 30);
    let plan = farm.plan(&[], &policy());
    let builder = Other::start("lockf", &farm.at("aaaaaaaaaaaa.lock"));
    assert_eq!(reason(&farm.plan(&[], &policy()), "aaaaaaaaaaaa"), "locked");
    let result = buildbook_gc::execute_layers(&plan).unwrap();
    assert_eq!((result.removed.len(), result.skipped.len()), (1, 1), "the plan is older than the lock");
    assert_eq!(farm.names(), ["aaaaaaaaaaaa", "aaaaaaaaaaaa.lock"]);
    builder.finish();
    assert_eq!(goes(&farm.plan(&[], &policy())), ["aaaaaaaaaaaa"]);
}

#[test]
fn a_lock_that_cannot_be_looked_at_keeps_its_layer() {
    let farm = Farm::new();
    farm.layer("build-aaaaaaaaaaaa", &[], 30);
    nix::unistd::mkfifo(&farm.at("build-aaaaaaaaaaaa.lock"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let plan = farm.plan(&[], &policy());
    assert_eq!(reason(&plan, "build-aaaaaaaaaaaa"), "its lock cannot be looked at");
    assert_eq!(plan.problems.len(), 1);
}

#[test]
fn links_files_and_foreign_names_disturb_nothing() {
    let farm = Farm::new();
    farm.layer("build-000000000001", &[], 30);
    fs::create_dir_all(farm.root().join("elsewhere/fs")).unwrap();
    symlink("nowhere", farm.at("dangling")).unwrap();
    symlink("nowhere", farm.at("build-00000000000d")).unwrap();
    symlink(farm.root().join("elsewhere"), farm.at("build-00000000000e")).unwrap();
    symlink(farm.root().join("elsewhere"), farm.at("build-000000000001/outside")).unwrap();
    age(&farm.at("build-000000000001"), 30 * DAY);
    fs::write(farm.at("build-00000000000f"), "a file").unwrap();
    for folder in ["packages/a.1", "base", "build-zzzzzzzzzzzz", "build-"] {
        fs::create_dir_all(farm.at(folder)).unwrap();
    }
    fs::write(farm.at("status.json"), "{}").unwrap();

    let plan = farm.plan(&[], &Policy { min_age: Duration::ZERO, ..policy() });
    assert_eq!(goes(&plan), ["build-000000000001"]);
    for name in ["build-00000000000d", "build-00000000000e", "build-00000000000f"] {
        assert_eq!(item(&plan, name).decision, Decision::Keep(KeepReason::NotAFolder), "{name}");
    }
    for name in ["base", "build-zzzzzzzzzzzz", "build-"] {
        assert_eq!(item(&plan, name).decision, Decision::Keep(KeepReason::ForeignName), "{name}");
    }
    assert_eq!(plan.items.len(), 7, "the book's own names are not in question");
    let mut left = farm.names();
    left.retain(|name| name != "build-000000000001");
    buildbook_gc::execute_layers(&plan).unwrap();
    assert_eq!(farm.names(), left);
    assert!(farm.root().join("elsewhere/fs").is_dir(), "a link was followed");
}

#[test]
fn every_sign_of_use_keeps_a_layer_young() {
    type Sign = (&'static str, fn(&Farm));
    let signs: [Sign; 5] = [
        ("its folder", |farm| age(&farm.at("build-000000000001"), 6 * DAY)),
        ("its description", |farm| age(&farm.at("build-000000000001/layer.json"), 6 * DAY)),
        ("the mark of its last use", |farm| {
            fs::write(farm.at("build-000000000001/last_used"), "").unwrap();
            age(&farm.at("build-000000000001/last_used"), 6 * DAY);
            age(&farm.at("build-000000000001"), 30 * DAY);
        }),
        ("created_at", |farm| {
            farm.layer_saying("build-000000000001", r#"{"created_at":"2026-03-03T12:54:44Z"}"#, 30);
        }),
        ("created", |farm| {
            farm.layer_saying("build-000000000001", r#"{"created":1772542484.5}"#, 30);
        }),
    ];
    for (sign, make) in signs {
        let farm = Farm::new();
        farm.layer("build-000000000001", &[], 30);
        assert_eq!(goes(&farm.plan(&[], &policy())).len(), 1);
        make(&farm);
        let plan = farm.plan(&[], &policy());
        assert_eq!(reason(&plan, "build-000000000001"), "used less than 7 days ago", "{sign}");
        let shorter = Policy { min_age: Duration::from_secs(5 * DAY), ..policy() };
        assert_eq!(goes(&farm.plan(&[], &shorter)).len(), 1, "{sign}: it was six days ago");
    }
}

#[test]
fn a_layer_in_the_making_is_as_young_as_its_youngest_file() {
    let farm = Farm::new();
    farm.unfinished_layer("build-000000000001", 30);
    farm.unfinished_layer("000000000002", 30);
    age(&farm.at("000000000002/fs/lib/made"), 60);
    farm.layer("build-000000000003", &[], 30);
    age(&farm.at("build-000000000003/fs/lib/made"), 60);
    let plan = farm.plan(&[], &policy());
    assert_eq!(
        goes(&plan),
        ["build-000000000001", "build-000000000003"],
        "the files of a finished layer have any time"
    );
    assert_eq!(reason(&plan, "000000000002"), "used less than 7 days ago");
}

#[test]
fn a_time_in_the_future_keeps_a_layer() {
    let farm = Farm::new();
    farm.layer_saying("build-000000000001", r#"{"created_at":"9999-12-31T23:59:59Z"}"#, 30);
    assert_eq!(reason(&farm.plan(&[], &policy()), "build-000000000001"), "used less than 7 days ago");
}

#[test]
fn the_parents_of_what_stays_stay() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 90);
    farm.layer("00000000000b", &["00000000000a00000000000000000000"], 90);
    farm.layer_saying("build-00000000000c", r#"{"deps":["b.1"],"hashes":["00000000000b"]}"#, 90);
    farm.layer("build-00000000000d", &["build-00000000000a"], 90);
    farm.layer("build-00000000000e", &["not a hash", "ffffffffffff"], 90);
    let plan = farm.plan(&["build-00000000000c"], &policy());
    assert_eq!(goes(&plan), ["build-00000000000d", "build-00000000000e"]);
    assert_eq!(reason(&plan, "00000000000b"), "parent of build-00000000000c");
    assert_eq!(reason(&plan, "build-00000000000a"), "parent of 00000000000b");

    age(&farm.at("build-00000000000d"), 60);
    let plan = farm.plan(&[], &policy());
    assert_eq!(reason(&plan, "build-00000000000a"), "parent of build-00000000000d", "young children count");
    assert_eq!(
        goes(&plan),
        ["build-00000000000c", "00000000000b", "build-00000000000e"],
        "children go first"
    );
}

#[test]
fn a_corrupt_layer_keeps_what_could_be_its_parent() {
    let farm = Farm::new();
    farm.layer("build-000000000001", &[], 30);
    farm.layer_saying("build-00000000000c", "{ not json", 30);
    let plan = farm.plan(&[], &policy());
    assert!(goes(&plan).is_empty());
    assert_eq!(reason(&plan, "build-00000000000c"), "its description cannot be read");
    assert_eq!(
        reason(&plan, "build-000000000001"),
        "may be a parent of build-00000000000c, whose description cannot be read"
    );
    let [problem] = &plan.problems[..] else { panic!("one problem") };
    assert_eq!(problem.path(), farm.at("build-00000000000c/layer.json"));

    let bold = Policy { remove_corrupt: true, ..policy() };
    assert_eq!(goes(&farm.plan(&[], &bold)).len(), 2);
    let plan = farm.plan(&["build-00000000000c"], &bold);
    assert!(goes(&plan).is_empty(), "it is needed, and nobody knows what it needs");

    fs::remove_file(farm.at("build-00000000000c/layer.json")).unwrap();
    fs::create_dir(farm.at("build-00000000000c/layer.json")).unwrap();
    age(&farm.at("build-00000000000c/layer.json"), 30 * DAY);
    age(&farm.at("build-00000000000c"), 30 * DAY);
    assert!(goes(&farm.plan(&[], &bold)).is_empty(), "what cannot be read may be good");
}

/// However the disk has them, and whoever looked at which.
#[test]
fn what_stays_and_the_problems_are_told_by_name() {
    let farm = Farm::new();
    let names: Vec<String> = (0..150).map(|number| format!("build-{number:012x}")).collect();
    for name in names.iter().rev() {
        farm.layer_saying(name, "{", 30);
    }
    let plan = farm.plan(&[], &policy());
    let kept: Vec<&str> = plan.kept().map(|item| item.name.as_str()).collect();
    assert_eq!(kept, names);
    let told: Vec<_> = plan.problems.iter().map(|problem| problem.path().to_owned()).collect();
    let expected: Vec<_> = names.iter().map(|name| farm.at(name).join("layer.json")).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_limit_takes_nothing_that_a_corrupt_layer_which_stays_could_be_built_upon() {
    let farm = Farm::new();
    farm.layer("build-000000000001", &[], 90);
    farm.layer_saying("build-00000000000c", "{ not json", 30);
    farm.layer("build-00000000000d", &["build-00000000000c"], 40);
    let bold = Policy { remove_corrupt: true, ..policy() };
    let all = ["build-00000000000d", "build-00000000000c", "build-000000000001"];
    assert_eq!(goes(&farm.plan(&[], &bold)), all);
    for count in 0..3 {
        let limited = Policy { max_bytes: Some(count as u64), ..bold.clone() };
        let plan = farm.plan(&[], &limited);
        assert!(all.starts_with(&goes(&plan)), "{:?}", goes(&plan));
        assert!(goes(&plan).len() <= 1);
    }
}

/// Somebody has moved a layer to another disk. It stays, and what it was built upon with it.
#[test]
fn the_parents_of_a_layer_behind_a_link_stay() {
    let farm = Farm::new();
    for name in ["build-00000000000a", "build-00000000000b"] {
        farm.layer(name, &[], 30);
    }
    farm.layer("build-00000000000c", &["build-00000000000a"], 30);
    let elsewhere = farm.root().join("elsewhere");
    fs::rename(farm.at("build-00000000000c"), &elsewhere).unwrap();
    symlink(&elsewhere, farm.at("build-00000000000c")).unwrap();
    symlink("build-00000000000d", farm.at("build-00000000000d")).unwrap();
    let plan = farm.plan(&[], &policy());
    assert_eq!(reason(&plan, "build-00000000000c"), "not a folder");
    assert_eq!(reason(&plan, "build-00000000000a"), "parent of build-00000000000c");
    assert_eq!(goes(&plan), ["build-00000000000b"]);

    fs::write(elsewhere.join("layer.json"), "{ not json").unwrap();
    let plan = farm.plan(&[], &policy());
    assert!(goes(&plan).is_empty());
    assert_eq!(plan.problems.len(), 1);
}

#[test]
fn documentation_that_stays_keeps_that_of_its_dependencies() {
    let farm = Farm::new();
    farm.layer("doc-00000000000a", &[], 30);
    farm.layer("doc-00000000000b", &[], 30);
    farm.layer_saying("doc-00000000000c", r#"{"hashes":[],"dep_doc_hashes":["doc-00000000000a"]}"#, 30);
    let plan = farm.plan(&["doc-00000000000c"], &policy());
    assert_eq!(reason(&plan, "doc-00000000000a"), "parent of doc-00000000000c");
    assert_eq!(goes(&plan), ["doc-00000000000b"]);
}

#[test]
fn what_is_being_published_stays() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    farm.layer("build-00000000000b", &[], 30);
    let swap = Swap::prepare(&farm.at("build-000000000001")).unwrap();
    // A publisher died between two renames, and the layer waits under another name.
    let displaced = farm.layer(".build-000000000002.old-bb0123456789", &["build-00000000000a"], 30);
    let plan = farm.plan(&[], &Policy { min_age: Duration::ZERO, ..policy() });
    assert_eq!(goes(&plan), ["build-00000000000b"]);
    let staging = swap.staging().file_name().unwrap().to_str().unwrap();
    assert_eq!(reason(&plan, staging), "being published, or waiting for recovery");
    assert_eq!(reason(&plan, "build-00000000000a"), "parent of .build-000000000002.old-bb0123456789");
    buildbook_gc::execute_layers(&plan).unwrap();
    assert!(swap.staging().is_dir() && displaced.is_dir());
    buildbook_atomic_swap::recover(farm.tree().path()).unwrap();
    assert!(farm.at("build-000000000002/fs/lib/made").exists());
}

#[test]
fn a_limit_spares_the_latest_used_and_never_a_childs_parent() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 90);
    farm.layer("build-00000000000b", &["build-00000000000a"], 30);
    farm.layer("build-00000000000c", &[], 60);
    farm.layer("build-00000000000d", &[], 20);
    let all = farm.plan(&[], &policy());
    assert_eq!(
        goes(&all),
        ["build-00000000000b", "build-00000000000a", "build-00000000000c", "build-00000000000d"]
    );
    for (count, names) in [(0, &[][..]), (1, &["build-00000000000b"][..]), (3, &goes(&all)[..3])] {
        let bytes: u64 = all.removals().take(count).map(|item| item.bytes).sum();
        let limited = farm.plan(&[], &Policy { max_bytes: Some(bytes), ..policy() });
        assert_eq!(goes(&limited), names);
        assert_eq!(limited.bytes_to_free(), bytes);
        assert_eq!(reason(&limited, "build-00000000000d"), "enough is freed without it");
    }
}

#[test]
fn a_platform_that_is_missing_has_nothing_to_collect() {
    let farm = Farm::new();
    fs::remove_dir(farm.tree().path()).unwrap();
    let result = gc_layers(&farm.tree(), &Roots::new(), &policy(), now()).unwrap();
    assert!(result.removed.is_empty() && result.problems.is_empty());
    assert!(!farm.tree().path().exists());
    fs::write(farm.tree().path(), "").unwrap();
    let refused = gc_layers(&farm.tree(), &Roots::new(), &policy(), now()).unwrap_err();
    assert_eq!(refused.path(), farm.tree().path());
}

#[test]
fn layers_that_claim_to_be_each_others_parents_can_go() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &["build-00000000000b"], 30);
    farm.layer("build-00000000000b", &["build-00000000000a"], 30);
    farm.layer("build-00000000000c", &["build-00000000000c"], 30);
    let result = gc_layers(&farm.tree(), &Roots::new(), &policy(), now()).unwrap();
    assert_eq!(result.removed.len(), 3);
}
