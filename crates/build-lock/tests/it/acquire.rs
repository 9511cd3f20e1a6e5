use std::path::Path;
use std::time::Duration;

use buildbook_build_lock::{BuildLocks, Error, Holder};
use buildbook_fsio::{Probe, probe};
use buildbook_other_process::Other;

use crate::child::lockf_is_refused;
use crate::{holder, name, names};

#[test]
fn a_lock_excludes_threads_processes_and_lockf() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path().join("made/on/demand"));
    let lock = locks.acquire(&name("a.1"), &holder()).unwrap();
    std::thread::scope(|scope| {
        assert!(
            scope.spawn(|| locks.try_acquire(&name("a.1"), &holder()).unwrap().is_none()).join().unwrap()
        );
    });
    assert!(lockf_is_refused(&locks.path(&name("a.1"))));
    assert!(locks.try_acquire(&name("a.2"), &holder()).unwrap().is_some(), "another build is not excluded");
    lock.release().unwrap();

    let other = Other::start("hold", locks.folder());
    assert!(locks.try_acquire(&name("a.1"), &holder()).unwrap().is_none());
    other.finish();
    let theirs = Other::start("lockf", &locks.path(&name("a.1")));
    assert!(locks.try_acquire(&name("a.1"), &holder()).unwrap().is_none());
    theirs.finish();
    assert!(locks.try_acquire(&name("a.1"), &holder()).unwrap().is_some());
}

#[test]
fn the_lock_of_a_killed_builder_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    Other::start("hold", folder.path()).kill();
    assert_eq!(names(folder.path()), ["build-a.1.lock"], "its file stays");
    assert!(locks.list_active().unwrap().locks.is_empty(), "and says nothing");
    let lock = locks.try_acquire(&name("a.1"), &holder()).unwrap().expect("it is free");
    assert_eq!(locks.list_active().unwrap().locks.first().unwrap().pid, Some(std::process::id()));
    lock.release().unwrap();
}

#[test]
fn release_and_drop_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    locks.acquire(&name("a.1"), &holder()).unwrap().release().unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    drop(locks.acquire(&name("a.1"), &holder()).unwrap());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_release_does_not_remove_the_file_of_the_next_holder() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let path = locks.path(&name("a.1"));
    let first = locks.acquire(&name("a.1"), &holder()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = locks.acquire(&name("a.1"), &holder()).unwrap();
    first.release().unwrap();
    assert!(matches!(probe(&path).unwrap(), Probe::Held { .. }), "the second holder lost its file");
    second.release().unwrap();
}

#[test]
fn waiting_has_a_limit_and_ends_early_when_the_lock_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let lock = locks.acquire(&name("a.1"), &holder()).unwrap();
    assert!(locks.acquire_within(&name("a.1"), &holder(), Duration::from_millis(30)).unwrap().is_none());
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| locks.acquire_within(&name("a.1"), &holder(), Duration::from_secs(60)).unwrap());
        lock.release().unwrap();
        assert!(waiting.join().unwrap().is_some());
    });
}

#[test]
fn a_log_that_is_not_one_line_is_refused_before_anything_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path().join("locks"));
    let bad = Holder { temp_log_path: Some("/tmp/a\n/tmp/b".into()), ..holder() };
    let refused = locks.acquire(&name("a.1"), &bad).unwrap_err();
    assert!(matches!(refused, Error::LogPath { .. }), "{refused}");
    assert!(!locks.folder().exists());

    let mut lock = locks.acquire(&name("a.1"), &holder()).unwrap();
    assert!(matches!(lock.set_temp_log_path(Path::new("/tmp/a\nb")), Err(Error::LogPath { .. })));
    lock.set_temp_log_path(Path::new("/tmp/a b")).unwrap();
    lock.set_layer(&"build-0123456789ab".parse().unwrap()).unwrap();
    let active = locks.list_active().unwrap();
    let info = active.locks.first().unwrap();
    assert_eq!(info.temp_log_path.as_deref(), Some(Path::new("/tmp/a b")));
    assert_eq!(info.layer_name.as_deref(), Some("build-0123456789ab"));
}

#[test]
fn what_is_not_a_file_is_never_locked() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    nix::unistd::mkfifo(&locks.path(&name("fifo.1")), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", locks.path(&name("link.1"))).unwrap();
    for package in ["fifo.1", "link.1"] {
        let refused = locks.acquire(&name(package), &holder()).unwrap_err();
        assert!(
            matches!(refused, Error::File(buildbook_fsio::Error::NotAFile { .. })),
            "{package}: {refused}"
        );
    }
}
