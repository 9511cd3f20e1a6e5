//! Stops and fails every operation of acquiring, describing, releasing and cleaning.

use std::path::Path;
use std::time::Duration;

use buildbook_build_lock::BuildLocks;
use buildbook_fsio::faults::{Fault, count, inject};

use crate::{file_of_age, holder, name, names, now};

const FAULTS: [Fault; 5] = [
    Fault::Stop,
    Fault::StopTorn,
    Fault::Fail(nix::libc::EIO),
    Fault::FailTorn(nix::libc::ENOSPC),
    Fault::Fail(nix::libc::EACCES),
];

fn build(folder: &Path) -> buildbook_build_lock::Result<()> {
    let mut lock = BuildLocks::at(folder.join("locks")).acquire(&name("a.1"), &holder())?;
    lock.set_temp_log_path(Path::new("/tmp/a.log"))?;
    lock.set_layer(&"build-0123456789ab".parse().unwrap())?;
    lock.release()
}

#[test]
fn whatever_happens_to_a_builder_the_lock_is_free_afterwards() {
    let (done, calls) = count(|| build(tempfile::tempdir().unwrap().path()));
    done.unwrap();
    assert!(calls.len() >= 8, "{calls:?}");
    for (at, call) in calls.iter().enumerate() {
        for fault in FAULTS {
            let point = format!("{fault:?} at {at}, {:?}", call.operation);
            let folder = tempfile::tempdir().unwrap();
            let locks = BuildLocks::at(folder.path().join("locks"));
            let done = inject(at, fault, || build(folder.path()));
            assert!(done.is_err(), "{point}: the builder was not told");
            assert!(locks.list_active().unwrap().locks.is_empty(), "{point}: nobody builds");
            let lock = locks.try_acquire(&name("a.1"), &holder()).unwrap();
            lock.unwrap_or_else(|| panic!("{point}: the lock is still held")).release().unwrap();
            assert_eq!(names(locks.folder()), [""; 0], "{point}");
        }
    }
}

#[test]
fn a_lock_that_cannot_be_described_anew_stays_held() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let mut lock = locks.acquire(&name("a.1"), &holder()).unwrap();
    inject(1, Fault::FailTorn(nix::libc::ENOSPC), || lock.set_temp_log_path(Path::new("/tmp/a.log")))
        .unwrap_err();
    assert_eq!(locks.list_active().unwrap().locks.len(), 1, "a torn note is still a held lock");
    assert!(locks.try_acquire(&name("a.1"), &holder()).unwrap().is_none());
    lock.set_temp_log_path(Path::new("/tmp/b.log")).unwrap();
    let active = locks.list_active().unwrap();
    assert_eq!(active.locks.first().unwrap().temp_log_path.as_deref(), Some(Path::new("/tmp/b.log")));
}

#[test]
fn a_cleanup_that_is_cut_off_can_be_repeated() {
    let prepare = || {
        let folder = tempfile::tempdir().unwrap();
        for name in ["build-a.1.lock", "build-b.1.lock", "build-c.1.lock"] {
            file_of_age(&folder.path().join(name), 60);
        }
        folder
    };
    let clean = |folder: &Path| BuildLocks::at(folder).cleanup_stale(Duration::ZERO, now()).unwrap();
    let folder = prepare();
    let (_, calls) = count(|| clean(folder.path()));
    assert_eq!(calls.len(), 3);
    for at in 0..calls.len() {
        for fault in FAULTS {
            let folder = prepare();
            let held = BuildLocks::at(folder.path()).acquire(&name("held.1"), &holder()).unwrap();
            let cleaned = inject(at, fault, || clean(folder.path()));
            assert_eq!(cleaned.removed.len() + cleaned.problems.len(), 3, "{fault:?} at {at}");
            assert!(!cleaned.problems.is_empty(), "{fault:?} at {at}");
            clean(folder.path());
            assert_eq!(names(folder.path()), ["build-held.1.lock"], "{fault:?} at {at}");
            held.release().unwrap();
        }
    }
}
