use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use buildbook_fsio::{Error, FolderLock, Lock, Probe, Taken, probe, read_note};
use buildbook_other_process::Other;

#[test]
fn a_lock_excludes_threads_and_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let lock = Lock::acquire(&path).unwrap();
    assert!(Lock::try_acquire(&path).unwrap().is_none(), "same process");
    lock.release();

    let other = Other::start("hold", &path);
    assert!(Lock::try_acquire(&path).unwrap().is_none(), "other process");
    assert!(matches!(Lock::try_acquire_existing(&path).unwrap(), Taken::Held));
    other.finish();
    assert!(Lock::try_acquire(&path).unwrap().is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn lockf_and_ours_exclude_each_other() {
    use crate::child::lockf_is_refused;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let ours = Lock::acquire(&path).unwrap();
    assert!(lockf_is_refused(&path));
    assert!(matches!(probe(&path).unwrap(), Probe::Held { .. }));
    assert!(lockf_is_refused(&path), "looking at the lock released it");
    ours.release();
    assert!(!lockf_is_refused(&path));

    let theirs = Other::start("lockf", &path);
    assert!(Lock::try_acquire(&path).unwrap().is_none());
    assert!(matches!(probe(&path).unwrap(), Probe::Held { pid: Some(_) }), "lockf tells who holds it");
    theirs.finish();
    assert_eq!(probe(&path).unwrap(), Probe::Free);
}

#[test]
fn a_lock_dies_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let other = Other::start("hold", &path);
    assert!(matches!(probe(&path).unwrap(), Probe::Held { .. }));
    other.kill();
    assert_eq!(probe(&path).unwrap(), Probe::Free);
}

/// A child process that another thread is just starting has such a copy until it executes its program.
#[test]
fn a_copy_of_the_descriptor_does_not_keep_a_lock_that_was_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let lock = Lock::acquire(&path).unwrap();
    let copy = lock.file().try_clone().unwrap();
    lock.release();
    assert_eq!(probe(&path).unwrap(), Probe::Free);
    assert!(Lock::try_acquire(&path).unwrap().is_some());
    drop(copy);
}

#[test]
fn looking_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    assert_eq!(probe(&path).unwrap(), Probe::Missing);
    assert!(matches!(Lock::try_acquire_existing(&path).unwrap(), Taken::Missing));
    assert_eq!(read_note(&path, 10).unwrap(), None);
    assert!(!path.exists());
}

#[test]
fn removing_a_lock_file_never_lets_two_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let (inside, entered) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (path, inside, entered) = (&path, &inside, &entered);
            scope.spawn(move || {
                for turn in 0..300 {
                    let lock = Lock::acquire(path).unwrap();
                    assert!(!inside.swap(true, Ordering::SeqCst), "two holders at once");
                    entered.fetch_add(1, Ordering::SeqCst);
                    inside.store(false, Ordering::SeqCst);
                    if (thread + turn) % 3 == 0 { lock.remove().unwrap() } else { lock.release() }
                }
            });
        }
    });
    assert_eq!(entered.load(Ordering::SeqCst), 1200);
}

#[test]
fn a_holder_whose_file_was_removed_does_not_remove_the_next_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let first = Lock::acquire(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = Lock::acquire(&path).expect("the name is free, so this is another lock");
    first.remove().unwrap();
    assert!(Lock::try_acquire(&path).unwrap().is_none(), "two holders at once");
    std::fs::remove_file(&path).unwrap();
    second.remove().expect("what is gone already is no error");
}

#[test]
fn waiting_has_a_limit_and_ends_early_when_the_lock_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let lock = Lock::acquire(&path).unwrap();
    let start = Instant::now();
    assert!(Lock::acquire_within(&path, Duration::from_millis(60)).unwrap().is_none());
    assert!(start.elapsed() >= Duration::from_millis(60));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Lock::acquire_within(&path, Duration::from_secs(60)).unwrap().is_some());
        lock.release();
        assert!(waiting.join().unwrap());
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_note_is_replaced_and_read_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let lock = Lock::acquire(&path).unwrap();
    lock.write_note(b"a longer first note").unwrap();
    lock.write_note(b"second").unwrap();
    assert_eq!(read_note(&path, 100).unwrap().as_deref(), Some(&b"second"[..]));
    assert_eq!(read_note(&path, 3).unwrap().as_deref(), Some(&b"sec"[..]));
    assert!(Lock::try_acquire(&path).unwrap().is_none(), "reading the note released the lock");
}

#[test]
fn only_regular_files_are_locked_and_nothing_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("target"), "precious").unwrap();
    std::os::unix::fs::symlink(at("target"), at("link")).unwrap();
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    for name in ["link", "fifo", "folder"] {
        let refused = Lock::acquire(&at(name)).unwrap_err();
        assert!(matches!(refused, Error::NotAFile { .. }), "{name}: {refused}");
        assert!(matches!(probe(&at(name)), Err(Error::NotAFile { .. })), "{name}");
    }
    assert_eq!(std::fs::read(at("target")).unwrap(), b"precious");
}

#[test]
fn a_folder_can_be_locked() {
    let folder = tempfile::tempdir().unwrap();
    let first = FolderLock::acquire(folder.path()).unwrap();
    assert!(FolderLock::try_acquire(folder.path()).unwrap().is_none());
    drop(first);
    assert!(FolderLock::try_acquire(folder.path()).unwrap().is_some());
    assert!(FolderLock::try_acquire(&folder.path().join("missing")).unwrap().is_none());
}
