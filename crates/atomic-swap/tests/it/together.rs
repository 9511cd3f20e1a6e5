//! Several folders published at once.

use std::path::Path;

use buildbook_atomic_swap::{CommitFailed, Error, Sealed, Swap, commit_together, recover};
use buildbook_fsio::FileSystem;
use buildbook_fsio::faults::{Call, Fault, count, inject};
use buildbook_fsio::op::Operation;

use crate::{fill, names, version};

/// Prepares the next version of some folders, and hands them to a function; `None` where nobody can sync all at once.
fn with_sealed<R>(
    folder: &Path,
    targets: &[&str],
    act: impl FnOnce(&FileSystem, Vec<Sealed>) -> R,
) -> Option<R> {
    let file_system = FileSystem::of(folder).unwrap()?;
    let seal = |name: &&str| {
        let swap = Swap::prepare(&folder.join(name)).unwrap();
        fill(swap.staging(), "new");
        swap.seal(&file_system).unwrap()
    };
    let sealed = targets.iter().map(seal).collect();
    Some(act(&file_system, sealed))
}

fn operations(calls: &[Call]) -> Vec<Operation> {
    calls.iter().map(|call| call.operation).collect()
}

#[test]
fn several_folders_are_published_with_one_sync_for_their_contents_and_one_for_their_names() {
    let folder = tempfile::tempdir().unwrap();
    fill(&folder.path().join("b"), "old");
    let done = with_sealed(folder.path(), &["a", "b", "c"], |file_system, sealed| {
        count(|| commit_together(file_system, sealed).unwrap())
    });
    let Some((results, calls)) = done else { return };
    let replaced: Vec<bool> = results.into_iter().map(|result| result.unwrap().replaced).collect();
    assert_eq!(replaced, [false, true, false]);
    assert_eq!(
        operations(&calls),
        [
            Operation::SyncFileSystem,
            Operation::RenameToFreeName,
            Operation::Exchange,
            Operation::RenameToFreeName,
            Operation::SyncFolder,
            Operation::RenameToFreeName,
            Operation::RemoveTree,
        ],
        "the old contents of the second go last"
    );
    for name in ["a", "b", "c"] {
        assert_eq!(version(&folder.path().join(name)).as_deref(), Some("new"), "{name}");
    }
    assert_eq!(names(folder.path()), ["a", "b", "c"]);
}

#[test]
fn the_folders_above_new_targets_are_synced_too() {
    let folder = tempfile::tempdir().unwrap();
    let done = with_sealed(folder.path(), &["x/y/a", "x/y/b", "x/z/c"], |file_system, sealed| {
        count(|| commit_together(file_system, sealed).unwrap())
    });
    let Some((_, calls)) = done else { return };
    let mut synced: Vec<_> = calls
        .iter()
        .filter(|call| call.operation == Operation::SyncFolder)
        .map(|call| call.path.strip_prefix(folder.path()).unwrap().to_owned())
        .collect();
    synced.sort();
    assert_eq!(synced, ["", "x", "x/y", "x/z"].map(Path::new), "each once");
}

#[test]
fn a_folder_that_cannot_be_published_does_not_keep_the_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b"), "a file").unwrap();
    let done = with_sealed(folder.path(), &["a", "b", "c", "d"], |file_system, sealed| {
        std::fs::remove_dir_all(sealed[2].staging()).unwrap();
        commit_together(file_system, sealed).unwrap()
    });
    let Some(results) = done else { return };
    let [a, b, c, d] = &results[..] else { unreachable!("one for each") };
    assert!(a.is_ok() && d.is_ok(), "{results:?}");
    assert!(
        matches!(b, Err(CommitFailed { swap: Some(_), error: Error::NotAFolder { .. } })),
        "it is handed back: {b:?}"
    );
    assert!(matches!(c, Err(CommitFailed { error: Error::StagingGone { .. }, .. })), "{c:?}");
    drop(results);
    assert_eq!(names(folder.path()), ["a", "b", "d"], "what was not published leaves no trace");
}

#[test]
fn what_was_sealed_and_not_committed_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    with_sealed(folder.path(), &["a", "b"], |_, sealed| drop(sealed));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_prepared_folder_that_cannot_be_looked_through_is_handed_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file_system) = FileSystem::of(folder.path()).unwrap() else { return };
    let swap = Swap::prepare(&folder.path().join("a")).unwrap();
    std::fs::remove_dir(swap.staging()).unwrap();
    let failed = swap.seal(&file_system).unwrap_err();
    assert!(failed.swap.is_some() && failed.error.kind() == Some(std::io::ErrorKind::NotFound), "{failed:?}");
}

#[test]
fn each_folder_is_old_or_new_after_any_stop_and_no_one_is_half() {
    let run = |at: Option<(usize, Fault)>| {
        let folder = tempfile::tempdir().unwrap();
        fill(&folder.path().join("b"), "old");
        let done = with_sealed(folder.path(), &["a", "b", "c"], |file_system, sealed| match at {
            None => count(|| commit_together(file_system, sealed).is_ok()),
            Some((at, fault)) => {
                (inject(at, fault, || commit_together(file_system, sealed).is_ok()), Vec::new())
            }
        });
        done.map(|(done, calls)| (folder, done, calls.len()))
    };
    let Some((_, true, steps)) = run(None) else { return };
    for at in 0..steps {
        for fault in [Fault::Stop, Fault::Fail(nix::libc::EIO), Fault::Fail(nix::libc::ENOSPC)] {
            let Some((folder, done, _)) = run(Some((at, fault))) else { return };
            let point = format!("{fault:?} at {at}");
            assert!(recover(folder.path()).unwrap().problems.is_empty(), "{point}");
            for (name, old) in [("a", None), ("b", Some("old")), ("c", None)] {
                let found = version(&folder.path().join(name));
                assert!(
                    found.as_deref() == Some("new") || found.as_deref() == old,
                    "{point}: {name} {found:?}"
                );
                assert!(at > 0 || found.as_deref() == old, "{point}: {name} is published before the sync");
            }
            assert!(at > 0 || !done, "{point}: a sync that fails is told");
            assert!(recover(folder.path()).unwrap().is_clean(), "{point}");
        }
    }
}
