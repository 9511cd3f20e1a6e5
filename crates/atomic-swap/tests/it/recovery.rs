use buildbook_atomic_swap::{Role, Swap, find_leftovers, recover};

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
