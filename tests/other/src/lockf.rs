//! Locks as programs in other languages take them.

use std::fs::File;
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::role::READY;
use crate::{Other, ready_until_told, say};

const REFUSED: &str = "other: refused";

/// The lock of a whole file.
fn whole() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Takes the lock of a file, unless somebody has it; whether it was to be had.
#[must_use]
pub fn lockf(file: &File) -> bool {
    fcntl(file, FcntlArg::F_SETLK(&whole())).is_ok()
}

/// Takes the lock of a file, and waits for it.
pub fn wait_for_lockf(file: &File) {
    fcntl(file, FcntlArg::F_SETLKW(&whole())).unwrap();
}

/// A role: has the lock of a file, which it makes, until it is told to go on; or says that it was refused.
pub fn hold_lockf(path: &Path) {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    if lockf(&file) { ready_until_told() } else { say(REFUSED) }
}

/// Whether a `lockf` by another process is refused. `role` is the one that does [`hold_lockf`].
#[must_use]
pub fn lockf_is_refused(role: &str, path: &Path) -> bool {
    let mut other = Other::spawn(role, path);
    let (word, _) = other.says_first(&[READY, REFUSED]).expect("one of the two");
    other.finish();
    word == REFUSED
}
