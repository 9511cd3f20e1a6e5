use std::fs;

use buildbook_fsio::{Error, Lock, LockFile, Probe};

use crate::child::lockf_is_refused;

#[test]
fn a_lock_file_that_was_opened_once_answers_both_questions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    assert!(LockFile::open(&path).unwrap().is_none());
    assert!(!path.exists(), "looking makes no file");

    let lock = Lock::acquire(&path).unwrap();
    lock.write_note(b"12\nsomebody\n").unwrap();
    let file = LockFile::open(&path).unwrap().unwrap();
    assert!(matches!(file.probe().unwrap(), Probe::Held { .. }), "also by this process");
    assert_eq!(file.read_note(100).unwrap(), b"12\nsomebody\n");
    let again = LockFile::open(&path).unwrap().unwrap();
    assert_eq!(again.read_note(4).unwrap(), b"12\ns");
    drop((file, again));
    assert!(Lock::try_acquire(&path).unwrap().is_none(), "looking released it");
    if cfg!(target_os = "linux") {
        assert!(lockf_is_refused(&path), "looking released what keeps others out");
    }

    lock.release();
    assert_eq!(LockFile::open(&path).unwrap().unwrap().probe().unwrap(), Probe::Free);
}

#[test]
fn what_is_no_file_is_no_lock_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink("file", at("link")).unwrap();
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for path in [folder.path().to_owned(), at("link"), at("fifo")] {
        assert!(matches!(LockFile::open(&path), Err(Error::NotAFile { .. })), "{}", path.display());
    }
}
