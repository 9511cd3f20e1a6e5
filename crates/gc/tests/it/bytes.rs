//! The bytes that a plan promises and a result reports are those that `du` sees go.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use buildbook_gc::{Policy, execute_layers};

use crate::farm::{DAY, Farm, age, age_tree, item, policy};

fn du(path: &Path) -> u64 {
    let output = Command::new("du").args(["-s", "-B1"]).arg(path).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

/// A file whose blocks the file system has already given it.
fn write(path: &Path, bytes: usize) {
    let mut file = File::create(path).unwrap();
    file.write_all(&vec![7; bytes]).unwrap();
    file.sync_all().unwrap();
}

fn settle(farm: &Farm, name: &str) {
    for entry in walkdir::WalkDir::new(farm.at(name)) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            File::open(entry.path()).unwrap().sync_all().unwrap();
        }
    }
    age_tree(&farm.at(name), 30 * DAY);
}

#[test]
fn what_is_promised_is_what_du_sees_go() {
    let farm = Farm::new();
    let names = ["build-00000000000a", "build-00000000000b", "build-00000000000c"];
    for name in names {
        farm.layer(name, &[], 30);
    }
    let at = |name: &str| farm.at(name);
    write(&at("build-00000000000a/fs/own"), 50_000);
    write(&at("build-00000000000a/fs/twice"), 60_000);
    fs::hard_link(at("build-00000000000a/fs/twice"), at("build-00000000000a/fs/lib/twice")).unwrap();
    write(&at("build-00000000000a/fs/both"), 70_000);
    fs::hard_link(at("build-00000000000a/fs/both"), at("build-00000000000b/fs/both")).unwrap();
    write(&at("build-00000000000b/fs/kept"), 800_000);
    fs::hard_link(at("build-00000000000b/fs/kept"), at("build-00000000000c/fs/kept")).unwrap();
    let sparse = File::create(at("build-00000000000b/fs/sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    names.iter().for_each(|name| settle(&farm, name));

    let plan = farm.plan(&["build-00000000000c"], &policy());
    assert_eq!(
        item(&plan, "build-00000000000c").bytes,
        du(&at("build-00000000000c")),
        "what stays takes so much"
    );
    let [first, second] = plan.removals().collect::<Vec<_>>()[..] else { panic!("two layers go") };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("build-00000000000a", "build-00000000000b"));
    assert!(
        first.bytes >= 110_000 && first.bytes < 180_000,
        "{}: the file in both is not counted yet",
        first.bytes
    );
    assert!(
        second.bytes >= 70_000 && second.bytes < 200_000,
        "{}: it is counted with the second",
        second.bytes
    );

    let before = du(farm.tree().path());
    let result = execute_layers(&plan).unwrap();
    let freed = before - du(farm.tree().path());
    assert_eq!(result.bytes_freed, freed);
    assert_eq!(plan.bytes_to_free(), freed);
    let by_item: Vec<u64> = result.removed.iter().map(|removed| removed.bytes).collect();
    assert_eq!(by_item, [first.bytes, second.bytes]);
}

#[test]
fn bytes_of_a_layer_that_is_skipped_are_not_reported() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    farm.layer("build-00000000000b", &[], 30);
    write(&farm.at("build-00000000000a/fs/both"), 70_000);
    fs::hard_link(farm.at("build-00000000000a/fs/both"), farm.at("build-00000000000b/fs/both")).unwrap();
    settle(&farm, "build-00000000000a");
    settle(&farm, "build-00000000000b");
    let plan = farm.plan(&[], &Policy { ..policy() });
    assert!(plan.bytes_to_free() >= 70_000);
    age(&farm.at("build-00000000000b"), 0);
    let before = du(farm.tree().path());
    let result = execute_layers(&plan).unwrap();
    assert_eq!(result.removed.len(), 1);
    assert_eq!(result.bytes_freed, before - du(farm.tree().path()));
    assert!(result.bytes_freed < 70_000, "the file has a name in a layer that stays");
}

/// They are measured by whoever has time, and told in the order of the plan.
#[test]
fn bytes_of_very_unequal_layers_are_reported_for_the_right_ones() {
    let farm = Farm::new();
    let names: Vec<String> = (0..40).map(|number| format!("build-{number:012x}")).collect();
    for (number, name) in names.iter().enumerate() {
        let layer = farm.layer(name, &[], 30);
        write(&layer.join("fs/large"), if number % 3 == 0 { 600_000 } else { 100 + number });
        settle(&farm, name);
    }
    let taken: Vec<u64> = names.iter().map(|name| du(&farm.at(name))).collect();
    let result = execute_layers(&farm.plan(&[], &policy())).unwrap();
    let told: Vec<(&str, u64)> = result.removed.iter().map(|item| (item.name.as_str(), item.bytes)).collect();
    let expected: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(taken).collect();
    assert_eq!(told, expected);
}
