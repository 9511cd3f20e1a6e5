use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use buildbook_atomic_swap::{Durability, Role, Swap, find_leftovers, recover, retire};
use buildbook_fsio::faults::{Fault, count, inject, inject_all};
use buildbook_fsio::op::Operation;

use crate::{fill, names, version};

#[test]
fn the_only_good_copy_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fill(&at(".site.old-bb0123456789"), "published");
    fill(&at(".site.new-bbabcdefghij"), "of another swap, perhaps half done");
    let recovery = recover(folder.path()).unwrap();
    assert_eq!(recovery.restored, [at("site")]);
    assert_eq!(version(&at("site")).as_deref(), Some("published"));
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn an_interrupted_exchange_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fill(&at(".site.old-bb0123456789"), "old");
    fill(&at(".site.new-bb0123456789"), "new, and complete: the old was put aside");
    let recovery = recover(folder.path()).unwrap();
    assert_eq!(recovery.finished, [at("site")]);
    assert!(version(&at("site")).unwrap().starts_with("new"));
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn what_a_finished_exchange_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fill(&at("site"), "new");
    fill(&at(".site.old-bb0123456789"), "old");
    fill(&at(".site.new-bbabcdefghij"), "old, exchanged");
    fill(&at(".layer.trash-bbabcdefghij"), "half removed");
    std::fs::write(at(".status.json.tmp-bb0123456789"), "half writ").unwrap();
    std::os::unix::fs::symlink("runs/1", at(".latest.tmp-bb0123456789")).unwrap();
    assert_eq!(find_leftovers(folder.path()).unwrap().len(), 5);
    let recovery = recover(folder.path()).unwrap();
    assert_eq!(recovery.removed.len(), 5);
    assert_eq!(names(folder.path()), ["site"]);
    assert!(recover(folder.path()).unwrap().is_clean());
}

#[test]
fn names_that_this_crate_did_not_make_survive() {
    let folder = tempfile::tempdir().unwrap();
    let innocent =
        ["README.old", "pkg.new", "pkg.old", ".site.new", "site.new-bb0123456789", "status.json.tmp"];
    for name in innocent {
        fill(&folder.path().join(name), "precious");
    }
    fill(&folder.path().join("sub/.site.new-bb0123456789"), "not looked into");
    assert!(recover(folder.path()).unwrap().is_clean());
    for name in innocent {
        assert!(folder.path().join(name).is_dir(), "{name}");
    }
    assert!(folder.path().join("sub/.site.new-bb0123456789").is_dir());
}

#[test]
fn what_a_live_publisher_prepares_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let swap = Swap::prepare(&folder.path().join("site")).unwrap();
    fill(swap.staging(), "in progress");
    let recovery = recover(folder.path()).unwrap();
    assert_eq!(recovery.busy, [swap.staging()]);
    assert_eq!(version(swap.staging()).as_deref(), Some("in progress"));
    let [leftover] = &find_leftovers(folder.path()).unwrap()[..] else { panic!("one leftover") };
    assert_eq!(leftover.role, Role::Staging);
}

#[test]
fn a_folder_that_is_missing_needs_no_recovery() {
    let folder = tempfile::tempdir().unwrap();
    assert!(recover(&folder.path().join("missing")).unwrap().is_clean());
}

#[test]
fn the_last_of_several_interrupted_commits_is_recovered() {
    let run = |faults: &[(usize, Fault)]| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fill(&at(".site.old-bb0000000000"), "1, put aside by a commit that died");
        fill(&at(".site.new-bb0000000000"), "2, which it did not come to publish");
        fill(&at("site"), "3, published since");
        let swap = Swap::prepare(&at("site")).unwrap();
        fill(swap.staging(), "4");
        let (_, calls) = inject_all(faults, || swap.commit(Durability::Cached).is_ok());
        (folder, calls)
    };
    let unsupported = (0, Fault::Fail(nix::libc::EINVAL));
    let (_, calls) = run(&[unsupported]);
    let second_rename = calls.iter().rposition(|call| call.operation == Operation::Rename).unwrap();
    let (folder, _) = run(&[unsupported, (second_rename, Fault::Stop)]);
    let site = folder.path().join("site");
    assert!(!site.exists(), "stopped between the two renames");
    recover(folder.path()).unwrap();
    assert_eq!(version(&site).as_deref(), Some("4"));
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn nothing_is_removed_before_the_folder_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    fill(&folder.path().join("site"), "new");
    fill(&folder.path().join(".site.new-bb0123456789"), "old, exchanged, perhaps not on the device");
    let (_, calls) = count(|| recover(folder.path()).unwrap());
    let first = |operation| calls.iter().position(|call| call.operation == operation).unwrap();
    assert!(first(Operation::SyncFolder) < first(Operation::RemoveTree), "{calls:?}");
    assert!(first(Operation::SyncFolder) < first(Operation::RenameToFreeName), "{calls:?}");
}

#[test]
fn what_was_retired_is_not_removed_before_the_device_knows_that_it_has_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("layer");
    fill(&layer, "whole");
    let retired = retire(&layer).unwrap().unwrap();
    inject(0, Fault::Fail(nix::libc::EIO), || recover(folder.path())).unwrap_err();
    assert_eq!(version(retired.path()).as_deref(), Some("whole"));
    let (_, calls) = count(|| recover(folder.path()).unwrap());
    let operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
    assert_eq!(operations, [Operation::SyncFolder, Operation::RemoveTree], "{calls:?}");
}

#[test]
fn nothing_is_removed_that_could_not_be_put_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fill(&at(".site.old-bb0123456789"), "old");
    fill(&at(".site.new-bb0123456789"), "new");
    let recovery = inject(0, Fault::Fail(nix::libc::EIO), || recover(folder.path()).unwrap());
    assert_eq!(recovery.problems.len(), 1, "{recovery:?}");
    assert_eq!(names(folder.path()).len(), 2);
    assert_eq!(recover(folder.path()).unwrap().finished, [at("site")]);
    assert_eq!(version(&at("site")).as_deref(), Some("new"));
}

#[test]
fn a_name_that_is_no_text_is_recovered_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
    fill(&at(b".s\xff.old-bb0123456789"), "published");
    std::fs::write(at(b".f\xff.tmp-bb0123456789"), "half writ").unwrap();
    let recovery = recover(folder.path()).unwrap();
    assert_eq!(recovery.restored, [at(b"s\xff")]);
    assert_eq!(recovery.removed, [at(b".f\xff.tmp-bb0123456789")]);

    let swap = Swap::prepare(&at(b"s\xff")).unwrap();
    fill(swap.staging(), "without an exchange");
    inject(0, Fault::Fail(nix::libc::EINVAL), || swap.commit(Durability::Cached)).unwrap();
    assert_eq!(version(&at(b"s\xff")).as_deref(), Some("without an exchange"));
}
