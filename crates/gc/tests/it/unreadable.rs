//! Layers that the collection has no right to read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use buildbook_gc::{Policy, Roots, plan_layers, survey_layers};
use buildbook_layout::PlatformTree;
use nix::unistd::{Uid, seteuid};

use crate::farm::{Farm, goes, now, policy, reason};

const FARM: &str = "GC_TEST_UNREADABLE";

/// Nobody can be refused anything as root, so another process looks that gives its rights away. It is in the folder by
/// then: the way to it may lead through one that is open to root alone.
#[test]
fn a_layer_that_cannot_be_read_stays_with_what_could_be_its_parent() {
    let farm = Farm::new();
    farm.layer("build-000000000001", &[], 30);
    let closed = farm.layer("build-000000000002", &[], 30);
    farm.layer("build-000000000003", &["build-000000000001"], 30);
    let (tree, open) = (farm.tree(), Permissions::from_mode(0o755));
    fs::set_permissions(tree.path(), open.clone()).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let looked = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unreadable::somebody_without_rights_looks", "--nocapture"])
        .env(FARM, ".")
        .current_dir(tree.path())
        .output()
        .unwrap();
    fs::set_permissions(&closed, open).unwrap();
    let said = String::from_utf8_lossy(&looked.stdout);
    assert!(looked.status.success() && said.contains("nothing goes"), "{said}");
}

/// Does nothing in an ordinary test run.
#[test]
fn somebody_without_rights_looks() {
    let Some(folder) = std::env::var_os(FARM) else { return };
    if Uid::effective().is_root() {
        seteuid(Uid::from_raw(65_534)).unwrap();
    }
    let survey = survey_layers(&PlatformTree::at(folder)).unwrap();
    assert!(
        survey.problems.iter().all(|problem| problem.path().iter().any(|name| name == "build-000000000002"))
    );
    assert!(!survey.problems.is_empty());
    let plan = plan_layers(survey, &Roots::new(), &Policy { remove_corrupt: true, ..policy() }, now());
    assert_eq!(goes(&plan), [""; 0]);
    assert_eq!(reason(&plan, "build-000000000002"), "it cannot be read");
    for other in ["build-000000000001", "build-000000000003"] {
        let expected = "may be a parent of build-000000000002, whose description cannot be read";
        assert_eq!(reason(&plan, other), expected);
    }
    println!("nothing goes");
}
