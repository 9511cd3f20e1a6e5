//! The two kernel locks that together make one of ours.
//!
//! A whole-file lock (`flock`, through fs4) excludes other open files of this program and of every
//! program that uses `flock`. On Linux, an open-file-description record lock on the same descriptor
//! excludes programs that use `lockf` or `fcntl`, as the original does. Both belong to the open file:
//! neither is lost when some other descriptor of the file is closed, and threads exclude each other.

use std::fs::File;
use std::io;

use fs4::{FileExt, TryLockError};

/// Waits for both locks.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    retry(|| FileExt::lock(file))?;
    record::lock(file).inspect_err(|_| {
        let _ = FileExt::unlock(file);
    })
}

/// Takes both locks, or none and `false`.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock(file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match record::try_lock(file) {
        Ok(true) => Ok(true),
        other => {
            let _ = FileExt::unlock(file);
            other
        }
    }
}

/// Waits for the whole-file lock alone: folders cannot have the other.
pub(crate) fn lock_folder(folder: &File) -> io::Result<()> {
    retry(|| FileExt::lock(folder))
}

/// Takes the whole-file lock alone.
pub(crate) fn try_lock_folder(folder: &File) -> io::Result<bool> {
    match FileExt::try_lock(folder) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Gives both locks back. Closing the file is not enough: a child process that another thread is just
/// starting has a copy of the descriptor until it executes its program, and would keep the lock so long.
pub(crate) fn unlock(file: &File) {
    record::unlock(file);
    let _ = FileExt::unlock(file);
}

/// Whether somebody has the lock, and who, as far as the kernel tells; nothing is taken.
pub(crate) fn holder(file: &File) -> io::Result<Option<Holder>> {
    record::holder(file)
}

/// Somebody who has a lock.
pub(crate) struct Holder {
    /// The process, when it used `lockf`. Locks of open files, as ours are, do not tell.
    pub(crate) pid: Option<i32>,
}

fn retry(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(target_os = "linux")]
mod record {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use super::Holder;

    /// A lock on every byte that the file has or will have.
    fn whole_file(kind: libc::c_int) -> libc::flock {
        #[expect(clippy::cast_possible_truncation, reason = "the constants are small; the field is a short")]
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        }
    }

    pub(super) fn lock(file: &File) -> io::Result<()> {
        super::retry(|| {
            fcntl(file, FcntlArg::F_OFD_SETLKW(&whole_file(libc::F_WRLCK)))?;
            Ok(())
        })
    }

    pub(super) fn try_lock(file: &File) -> io::Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn unlock(file: &File) {
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_UNLCK)));
    }

    pub(super) fn holder(file: &File) -> io::Result<Option<Holder>> {
        let mut lock = whole_file(libc::F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
        if i32::from(lock.l_type) == libc::F_UNLCK {
            return Ok(None);
        }
        Ok(Some(Holder { pid: (lock.l_pid > 0).then_some(lock.l_pid) }))
    }
}

#[cfg(not(target_os = "linux"))]
mod record {
    //! Systems without open-file-description locks have the whole-file lock alone, and a look at a lock
    //! takes it for a moment.

    use std::fs::File;
    use std::io;

    use fs4::{FileExt, TryLockError};

    use super::Holder;

    pub(super) fn lock(_file: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn try_lock(_file: &File) -> io::Result<bool> {
        Ok(true)
    }

    pub(super) fn unlock(_file: &File) {}

    pub(super) fn holder(file: &File) -> io::Result<Option<Holder>> {
        match FileExt::try_lock_shared(file) {
            Ok(()) => FileExt::unlock(file).map(|()| None),
            Err(TryLockError::WouldBlock) => Ok(Some(Holder { pid: None })),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
