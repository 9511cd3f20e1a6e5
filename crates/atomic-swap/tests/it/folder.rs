use std::sync::atomic::{AtomicBool, Ordering};

use buildbook_atomic_swap::{Durability, Error, Swap, recover};
use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_fsio::op::Operation;

use crate::{fill, names, version};

#[test]
fn the_first_publication_and_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deep/html/p");
    for (new, replaced) in [("1", false), ("2", true)] {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), new);
        let committed = swap.commit(Durability::Synced).unwrap();
        assert_eq!((committed.replaced, committed.leftover.is_none()), (replaced, true));
        assert_eq!(version(&target).as_deref(), Some(new));
    }
    assert_eq!(names(target.parent().unwrap()), ["p"]);
}

#[test]
fn readers_see_a_whole_folder_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    fill(&target, "0");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0_u32;
            while !done.load(Ordering::Relaxed) {
                // Two looks by path may see two versions; each of them must be there.
                assert!(target.is_dir(), "the folder was missing");
                looks += 1;
            }
            looks
        });
        for turn in 1..200 {
            let swap = Swap::prepare(&target).unwrap();
            fill(swap.staging(), &turn.to_string());
            swap.commit(Durability::Cached).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(version(&target).as_deref(), Some("199"));
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn publishers_of_one_target_do_not_collide() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    std::thread::scope(|scope| {
        for publisher in 0..4 {
            let target = &target;
            scope.spawn(move || {
                for turn in 0..50 {
                    let swap = Swap::prepare(target).unwrap();
                    fill(swap.staging(), &format!("{publisher} {turn}"));
                    let committed = swap.commit(Durability::Cached).unwrap();
                    assert!(committed.leftover.is_none(), "{committed:?}");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                let recovery = recover(folder.path()).unwrap();
                assert!(recovery.problems.is_empty(), "{recovery:?}");
            }
        });
    });
    let last = version(&target).expect("a whole folder");
    assert!(last.ends_with("49"), "the last to commit wins, and each commits its turns in order: {last}");
    assert!(recover(folder.path()).unwrap().is_clean());
}

#[test]
fn what_is_not_committed_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    fill(&target, "old");
    let dropped = Swap::prepare(&target).unwrap();
    fill(dropped.staging(), "dropped");
    drop(dropped);
    let rolled_back = Swap::prepare(&target).unwrap();
    fill(rolled_back.staging(), "rolled back");
    rolled_back.rollback().unwrap();
    assert_eq!(version(&target).as_deref(), Some("old"));
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn only_a_folder_takes_the_place_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    std::fs::write(&target, "precious").unwrap();
    let swap = Swap::prepare(&target).unwrap();
    let failed = swap.commit(Durability::Cached).unwrap_err();
    assert!(matches!(failed.error, Error::NotAFolder { .. }), "{failed}");
    assert!(failed.swap.is_some(), "what was prepared is handed back");
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");

    let gone = Swap::prepare(&folder.path().join("other")).unwrap();
    std::fs::remove_dir(gone.staging()).unwrap();
    assert!(matches!(gone.commit(Durability::Cached).unwrap_err().error, Error::StagingGone { .. }));
}

#[test]
fn a_commit_that_failed_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    fill(&target, "old");
    let swap = Swap::prepare(&target).unwrap();
    fill(swap.staging(), "new");
    let failed = inject(0, Fault::Fail(nix::libc::EIO), || swap.commit(Durability::Cached)).unwrap_err();
    assert_eq!(version(&target).as_deref(), Some("old"));
    failed.swap.unwrap().commit(Durability::Cached).unwrap();
    assert_eq!(version(&target).as_deref(), Some("new"));
}

#[test]
fn a_published_folder_whose_name_could_not_be_synced_is_not_published_backwards() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    let prepare = |version: &str| {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), version);
        swap
    };
    prepare("1").commit(Durability::Cached).unwrap();
    let (_, calls) = count(|| prepare("2").commit(Durability::Synced).unwrap());
    let last_sync = calls.iter().rposition(|call| call.operation == Operation::SyncFolder).unwrap();
    let swap = prepare("3");
    let failed =
        inject(last_sync - 1, Fault::Fail(nix::libc::EIO), || swap.commit(Durability::Synced)).unwrap_err();
    assert!(matches!(failed.error, Error::NotDurable { .. }), "{failed}");
    assert!(failed.swap.is_none(), "committing again would bring the old contents back");
    assert_eq!(version(&target).as_deref(), Some("3"));
}

#[test]
fn a_file_system_that_cannot_exchange_folders_is_served_too() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    for (turn, operation) in [("first", Operation::RenameToFreeName), ("second", Operation::Exchange)] {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), turn);
        let (committed, calls) =
            buildbook_fsio::faults::inject_all(&[(0, Fault::Fail(nix::libc::EINVAL))], || {
                swap.commit(Durability::Cached)
            });
        committed.unwrap();
        assert_eq!(calls[0].operation, operation);
        assert!(calls[1..].iter().any(|call| call.operation == Operation::Rename));
        assert_eq!(version(&target).as_deref(), Some(turn));
    }
    assert_eq!(names(folder.path()), ["site"]);
}

#[test]
fn a_folder_that_is_reached_by_a_link_is_as_good_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("disk")).unwrap();
    std::os::unix::fs::symlink("disk", at("html")).unwrap();
    for turn in ["first", "second"] {
        let swap = Swap::prepare(&at("html/p")).unwrap();
        fill(swap.staging(), turn);
        swap.commit(Durability::Synced).unwrap();
    }
    assert_eq!(version(&at("disk/p")).as_deref(), Some("second"));
    fill(&at("disk/.q.old-bb0123456789"), "q");
    assert_eq!(recover(&at("html")).unwrap().restored, [at("html/q")]);
}

#[test]
fn what_is_being_prepared_has_no_preparations_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let swap = Swap::prepare(&folder.path().join("site")).unwrap();
    // Its commit would wait for the lock that says that the outer publisher is alive.
    let refused = Swap::prepare(&swap.staging().join("p")).unwrap_err();
    assert!(matches!(refused, Error::InStaging { .. }), "{refused}");
    let below = Swap::prepare(&swap.staging().join("p/q")).unwrap();
    below.commit(Durability::Cached).unwrap();
    swap.commit(Durability::Cached).unwrap();
    assert!(folder.path().join("site/p/q").is_dir());
}

#[test]
fn the_names_of_folders_above_are_synced_where_they_are_new() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a/b/site");
    let synced = || {
        let publish = || Swap::prepare(&target).unwrap().commit(Durability::Synced).unwrap();
        let (_, calls) = count(publish);
        let placed = calls.iter().position(|call| call.path == target).unwrap();
        let syncs = calls.into_iter().skip(placed).filter(|call| call.operation == Operation::SyncFolder);
        syncs.map(|call| call.path).collect::<Vec<_>>()
    };
    let at = |name: &str| folder.path().join(name);
    assert_eq!(synced(), [at("a/b"), at("a"), folder.path().to_owned()]);
    assert_eq!(synced(), [at("a/b")]);
}

#[test]
fn a_deep_tree_is_synced_on_a_small_stack() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    let publish = {
        let target = target.clone();
        move || {
            let swap = Swap::prepare(&target).unwrap();
            std::fs::create_dir_all(swap.staging().join("d/".repeat(1_500))).unwrap();
            swap.commit(Durability::Synced).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(publish).unwrap().join().unwrap();
    assert!(target.join("d/".repeat(1_500)).is_dir());
}

#[test]
fn old_contents_that_are_being_removed_cannot_be_put_back_by_half() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    fill(&target, "old");
    // Without an exchange, and stopped when the old contents are to be removed.
    let publish = |faults: &[(usize, Fault)]| {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), "new");
        buildbook_fsio::faults::inject_all(faults, || swap.commit(Durability::Cached).is_ok()).1
    };
    let unsupported = (0, Fault::Fail(nix::libc::EINVAL));
    let calls = publish(&[unsupported]);
    let removal = calls.iter().position(|call| call.operation == Operation::RemoveTree).unwrap();
    publish(&[unsupported, (removal, Fault::Stop)]);
    let left = names(folder.path());
    assert!(left.len() == 2 && left[0].starts_with(".site.trash-"), "{left:?}");
    std::fs::remove_dir_all(&target).unwrap();
    assert!(recover(folder.path()).unwrap().restored.is_empty());
}

#[test]
fn a_rollback_that_is_cut_off_cannot_be_finished_with_half_of_what_was_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    fill(&target, "old");
    let swap = Swap::prepare(&target).unwrap();
    fill(swap.staging(), "new");
    // Neither step of the exchange in two can be completed or undone.
    let eio = Fault::Fail(nix::libc::EIO);
    let faults = [(0, Fault::Fail(nix::libc::EINVAL)), (2, eio), (3, eio)];
    let (failed, _) = buildbook_fsio::faults::inject_all(&faults, || swap.commit(Durability::Cached));
    let failed = failed.unwrap_err();
    assert!(matches!(failed.error, Error::Displaced { .. }), "{failed}");
    // The process dies when the removal has begun.
    inject(1, Fault::Stop, || failed.swap.unwrap().rollback()).unwrap_err();
    let left = names(folder.path());
    assert!(left[0].starts_with(".site.old-") && left[1].starts_with(".site.trash-"), "{left:?}");
    assert_eq!(recover(folder.path()).unwrap().restored, std::slice::from_ref(&target));
    assert_eq!(version(&target).as_deref(), Some("old"));
}
