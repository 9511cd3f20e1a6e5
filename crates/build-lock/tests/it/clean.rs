use std::time::Duration;

use buildbook_build_lock::{BuildLocks, KeptReason};
use buildbook_fsio::{Probe, probe};
use buildbook_other_process::Other;

use crate::{file_of_age, holder, name, names, now, set_age};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn only_old_files_that_nobody_holds_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let at = |name: &str| folder.path().join(name);
    file_of_age(&at("build-old.1.lock"), 3600);
    file_of_age(&at("build-young.1.lock"), 3599);
    file_of_age(&at("build-future.1.lock"), 0);
    file_of_age(&at("other-old.1.lock"), 7200);
    file_of_age(&at("build-old.1.txt"), 7200);
    file_of_age(&at(".hidden.lock"), 7200);

    let cleaned = locks.cleanup_stale(HOUR, now()).unwrap();
    assert_eq!(cleaned.removed, [at("build-old.1.lock"), at("other-old.1.lock")]);
    let kept: Vec<_> = cleaned.kept.iter().map(|kept| (kept.path.clone(), kept.reason)).collect();
    assert_eq!(
        kept,
        [(at("build-future.1.lock"), KeptReason::Young), (at("build-young.1.lock"), KeptReason::Young)]
    );
    assert!(cleaned.problems.is_empty());
    let left = [".hidden.lock", "build-future.1.lock", "build-old.1.txt", "build-young.1.lock"];
    assert_eq!(names(folder.path()), left);
}

#[test]
fn held_locks_stay_whoever_holds_them_and_however_old_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let own = locks.acquire(&name("own.1"), &holder()).unwrap();
    let other = Other::start("hold", folder.path());
    let lockf = Other::start("lockf", &locks.path(&name("lockf.1")));
    for package in ["own.1", "a.1", "lockf.1"] {
        set_age(&locks.path(&name(package)), 1_000_000);
    }
    let cleaned = locks.cleanup_stale(Duration::ZERO, now()).unwrap();
    assert!(cleaned.removed.is_empty(), "{cleaned:?}");
    assert!(cleaned.kept.iter().all(|kept| kept.reason == KeptReason::Held));
    assert_eq!(cleaned.kept.len(), 3);
    assert!(
        matches!(probe(&locks.path(&name("own.1"))).unwrap(), Probe::Held { .. }),
        "cleaning released it"
    );
    own.release().unwrap();
    other.finish();
    lockf.kill();
    let cleaned = locks.cleanup_stale(Duration::ZERO, now()).unwrap();
    assert_eq!(cleaned.removed, [locks.path(&name("lockf.1"))]);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn what_is_not_a_file_is_reported_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("target"), "precious").unwrap();
    nix::unistd::mkfifo(&at("build-fifo.1.lock"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("target", at("build-link.1.lock")).unwrap();
    std::os::unix::fs::symlink("/dev/null", at("build-device.1.lock")).unwrap();
    std::fs::create_dir(at("build-folder.1.lock")).unwrap();
    file_of_age(&at("build-old.1.lock"), 9);
    let before = names(folder.path());

    let cleaned = locks.cleanup_stale(Duration::ZERO, now()).unwrap();
    assert_eq!(cleaned.problems.len(), 4);
    assert_eq!(cleaned.removed, [at("build-old.1.lock")], "the others do not keep it from going");
    let after: Vec<String> = before.into_iter().filter(|name| name != "build-old.1.lock").collect();
    assert_eq!(names(folder.path()), after);
    assert_eq!(std::fs::read(at("target")).unwrap(), b"precious");
    assert!(serde_json::to_string(&cleaned).unwrap().contains("build-fifo.1.lock"));
}

#[test]
fn a_missing_folder_is_clean_and_an_unreadable_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = BuildLocks::at(folder.path().join("missing")).cleanup_stale(HOUR, now()).unwrap();
    assert!(missing.removed.is_empty() && missing.kept.is_empty() && missing.problems.is_empty());
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(BuildLocks::at(folder.path().join("file")).cleanup_stale(HOUR, now()).is_err());
}
