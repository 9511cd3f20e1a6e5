//! Stops every procedure at every one of its operations, and looks at what is left.

use std::path::Path;

use buildbook_atomic_swap::{Durability, Swap, recover, replace_file, replace_symlink};
use buildbook_fsio::faults::{Call, Fault, inject_all};

use crate::{fill, names, version};

const FAULTS: [Fault; 5] = [
    Fault::Stop,
    Fault::StopTorn,
    Fault::Fail(nix::libc::EIO),
    Fault::FailTorn(nix::libc::ENOSPC),
    Fault::Fail(nix::libc::EACCES),
];

/// Runs a procedure on a fresh folder with a fault at each operation in turn, then recovery, then `check`,
/// which is told whether the procedure claimed to have succeeded.
fn at_every_point(
    before: &[(usize, Fault)],
    prepare: impl Fn(&Path),
    procedure: impl Fn(&Path) -> bool,
    check: impl Fn(&Path, bool, &str),
) {
    let run = |faults: &[(usize, Fault)]| -> (tempfile::TempDir, bool, Vec<Call>) {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (done, calls) = inject_all(faults, || procedure(folder.path()));
        (folder, done, calls)
    };
    let (folder, done, calls) = run(before);
    check(folder.path(), done, "undisturbed");
    assert!(done && !calls.is_empty());
    for at in 0..calls.len() {
        for fault in FAULTS {
            let mut faults = before.to_vec();
            faults.retain(|(other, _)| *other != at);
            faults.push((at, fault));
            let (folder, done, calls) = run(&faults);
            let point = format!("{fault:?} at {at}, {:?}", calls.get(at).map(|call| call.operation));
            let recovery = recover(folder.path()).unwrap();
            assert!(recovery.problems.is_empty(), "{point}: {recovery:?}");
            check(folder.path(), done, &point);
            assert!(recover(folder.path()).unwrap().is_clean(), "{point}: a second recovery finds nothing");
        }
    }
}

#[test]
fn a_file_is_old_or_new_after_any_stop() {
    at_every_point(
        &[],
        |folder| std::fs::write(folder.join("file"), "old").unwrap(),
        |folder| replace_file(&folder.join("file"), b"new contents", Durability::Synced).is_ok(),
        |folder, done, point| {
            let text = std::fs::read_to_string(folder.join("file")).unwrap();
            assert!(text == "new contents" || (text == "old" && !done), "{point}: {text:?}");
            assert_eq!(names(folder), ["file"], "{point}");
        },
    );
}

#[test]
fn a_link_is_old_or_new_after_any_stop() {
    at_every_point(
        &[],
        |folder| std::os::unix::fs::symlink("old", folder.join("link")).unwrap(),
        |folder| replace_symlink(Path::new("new"), &folder.join("link"), Durability::Synced).is_ok(),
        |folder, done, point| {
            let target = std::fs::read_link(folder.join("link")).unwrap();
            assert!(target == Path::new("new") || (target == Path::new("old") && !done), "{point}");
            assert_eq!(names(folder), ["link"], "{point}");
        },
    );
}

fn publish(folder: &Path) -> bool {
    let Ok(swap) = Swap::prepare(&folder.join("site")) else { return false };
    // Filling it is the caller's business, and happens outside the counted operations.
    if !swap.staging().is_dir() {
        return false;
    }
    fill(swap.staging(), "new");
    swap.commit(Durability::Synced).is_ok()
}

#[test]
fn a_folder_is_old_or_new_after_any_stop() {
    at_every_point(
        &[],
        |folder| fill(&folder.join("site"), "old"),
        publish,
        |folder, done, point| {
            let version = version(&folder.join("site")).expect(point);
            assert!(version == "new" || (version == "old" && !done), "{point}: {version}");
            assert_eq!(names(folder), ["site"], "{point}");
        },
    );
}

#[test]
fn a_first_publication_is_whole_or_absent_after_any_stop() {
    at_every_point(
        &[],
        |_| {},
        publish,
        |folder, done, point| {
            let version = version(&folder.join("site"));
            assert!(version.as_deref() == Some("new") || (version.is_none() && !done), "{point}");
            assert!(names(folder).iter().all(|name| name == "site"), "{point}");
        },
    );
}

#[test]
fn without_an_exchange_a_folder_is_old_or_new_after_any_stop_and_recovery() {
    // Operation 3 is the exchange: prepare makes the folder, commit syncs a file and a folder.
    at_every_point(
        &[(3, Fault::Fail(nix::libc::EINVAL))],
        |folder| fill(&folder.join("site"), "old"),
        publish,
        |folder, done, point| {
            let version = version(&folder.join("site")).expect(point);
            assert!(version == "new" || (version == "old" && !done), "{point}: {version}");
            assert_eq!(names(folder), ["site"], "{point}");
        },
    );
}
