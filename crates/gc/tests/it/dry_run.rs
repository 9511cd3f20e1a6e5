use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use buildbook_fsio::Lock;
use buildbook_gc::{Policy, Roots, plan_all};
use buildbook_layout::LayerName;

use crate::farm::{Farm, goes, listing, now, references};

#[test]
fn a_dry_run_changes_nothing_at_all() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 30);
    farm.layer("00000000000b", &["build-00000000000a"], 30);
    farm.layer_saying("build-00000000000c", r#"{"exit_status":-1}"#, 30);
    farm.unfinished_layer("build-00000000000d", 30);
    farm.layer(".build-00000000000e.trash-bb0123456789", &[], 30);
    farm.layer(".build-00000000000f.old-bb0123456789", &[], 30);
    symlink("nowhere", farm.at("dangling")).unwrap();
    fs::write(farm.at("00000000000b.lock"), "").unwrap();
    fs::create_dir(farm.root().join("day11_run_abcdef")).unwrap();
    farm.universe(&"1".repeat(32), 30);
    farm.universe(&"2".repeat(32), 30);
    farm.publish("anvil.1.2.0", &references(&[&"1".repeat(32)]));
    let held: LayerName = "build-00000000000c".parse().unwrap();
    let lock = Lock::acquire(&farm.tree().layer_lock(&held)).unwrap();

    let before = listing(farm.root());
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let (layers, universes) = plan_all(&farm.tree(), &farm.html(), &Roots::new(), &policy, now());
    let (layers, universes) = (layers.unwrap(), universes.unwrap());
    assert_eq!(listing(farm.root()), before);
    assert_eq!(layers.removals().count(), 4);
    assert_eq!(goes(&universes), ["2".repeat(32)]);
    lock.release();

    let json = serde_json::to_value(&layers).unwrap();
    let first =
        json["items"].as_array().unwrap().iter().find(|item| item["name"] == "build-00000000000c").unwrap();
    assert_eq!((first["action"].as_str(), first["reason"].as_str()), (Some("keep"), Some("locked")));
    assert_eq!(first["last_used"], "2026-02-07T12:54:44Z");
}
