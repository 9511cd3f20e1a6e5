//! Locks on files and folders, and looking at them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use crate::open::open_to_append;
use crate::{Error, Result, kernel, op, open_file};

/// A lock file, held.
///
/// The kernel lock is the truth: it is gone the moment the process is, however it ends. Text inside
/// the file only describes the holder. The lock excludes other threads of this process, other processes,
/// and, on Linux, programs that lock the file with `lockf` or `fcntl`. A thread that takes a lock which it
/// holds already waits for ever.
#[derive(Debug)]
#[must_use = "the lock is released when this value is dropped"]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// The answer of [`Lock::try_acquire_existing`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Taken {
    /// It is ours now.
    Acquired(Lock),
    /// Somebody else has it.
    Held,
    /// There is no such file, so nobody has it; none was made.
    Missing,
}

/// What a look at a lock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// There is no such file.
    Missing,
    /// The file is there and nobody has locked it.
    Free,
    /// Somebody has locked it, perhaps this very process.
    Held {
        /// The process, if it holds the lock by `lockf`; locks of this crate do not tell the kernel.
        pid: Option<i32>,
    },
}

impl Lock {
    /// Waits until the lock is ours. The file is created where it is missing; its folder is not.
    ///
    /// # Errors
    ///
    /// [`Error::NotAFile`] when something else stands there; the system's answer otherwise. There is no
    /// time limit; see [`Lock::acquire_within`].
    pub fn acquire(path: &Path) -> Result<Lock> {
        loop {
            let file = op::open_or_create(path)?;
            kernel::lock(&file).map_err(Error::io("lock", path))?;
            if let Some(lock) = Self::confirm(file, path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the lock, or returns `None` at once when somebody has it.
    ///
    /// # Errors
    ///
    /// As [`Lock::acquire`].
    pub fn try_acquire(path: &Path) -> Result<Option<Lock>> {
        loop {
            let file = op::open_or_create(path)?;
            if !kernel::try_lock(&file).map_err(Error::io("lock", path))? {
                return Ok(None);
            }
            if let Some(lock) = Self::confirm(file, path)? {
                return Ok(Some(lock));
            }
        }
    }

    /// Takes the lock of a file that is there, without making one.
    ///
    /// # Errors
    ///
    /// As [`Lock::acquire`].
    pub fn try_acquire_existing(path: &Path) -> Result<Taken> {
        loop {
            let Some((file, _)) = open_to_append("lock", path)? else { return Ok(Taken::Missing) };
            if !kernel::try_lock(&file).map_err(Error::io("lock", path))? {
                return Ok(Taken::Held);
            }
            if let Some(lock) = Self::confirm(file, path)? {
                return Ok(Taken::Acquired(lock));
            }
        }
    }

    /// Waits for at most `limit`; `None` when the lock was not to be had so long.
    ///
    /// Waiters are not served in order: each asks again from time to time, after 1 to 50 ms.
    ///
    /// # Errors
    ///
    /// As [`Lock::acquire`].
    pub fn acquire_within(path: &Path, limit: Duration) -> Result<Option<Lock>> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(Some(lock));
            }
            let Some(left) = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(None);
            };
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Between opening a file and locking it, its name can come to stand for another file, or for none.
    /// A lock on a file without the name excludes nobody.
    fn confirm(file: File, path: &Path) -> Result<Option<Lock>> {
        if same_file(&file, path)? {
            return Ok(Some(Lock { file, path: path.to_owned() }));
        }
        kernel::unlock(&file);
        Ok(None)
    }

    /// The locked file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, for reading and appending.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Replaces the text in the file, which tells onlookers who holds the lock. It is not replaced in
    /// one step: a reader may see a part, and must treat it as a hint.
    ///
    /// # Errors
    ///
    /// The system's answer. The lock stays held.
    pub fn write_note(&self, text: &[u8]) -> Result<()> {
        let metadata = self.file.metadata().map_err(Error::io("look at", &self.path))?;
        // Some file systems take any cut for the start of a replacement, and make haste to write the file out.
        if metadata.len() > 0 {
            op::set_len(&self.file, &self.path, 0)?;
        }
        op::write_all(&self.file, &self.path, text)
    }

    /// Gives the lock back and leaves the file.
    pub fn release(self) {
        drop(self);
    }

    /// Removes the file, then gives the lock back. Whoever waits for it finds that the name has gone and
    /// starts again with a new file. If somebody removed the file without having the lock, there is nothing
    /// to remove: a new file of that name is another holder's.
    ///
    /// # Errors
    ///
    /// The system's answer; the lock is given back all the same.
    pub fn remove(self) -> Result<()> {
        if same_file(&self.file, &self.path)? { op::unlink(&self.path) } else { Ok(()) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        kernel::unlock(&self.file);
    }
}

/// A folder, locked against everybody else who locks it with this type. Threads of this process exclude each
/// other, so one that locks the same folder twice waits for ever.
///
/// It makes no file. It cannot exclude programs that use `lockf`, which works on files only.
#[derive(Debug)]
#[must_use = "the lock is released when this value is dropped"]
pub struct FolderLock {
    folder: File,
}

impl FolderLock {
    /// Waits until the folder is ours. If its name comes to stand for another folder meanwhile, that one
    /// is locked.
    ///
    /// # Errors
    ///
    /// The system's answer, `NotFound` among them.
    pub fn acquire(path: &Path) -> Result<FolderLock> {
        loop {
            let folder = open_folder(path).map_err(Error::io("lock the folder", path))?;
            kernel::lock_folder(&folder).map_err(Error::io("lock the folder", path))?;
            let lock = FolderLock { folder };
            if same_file(&lock.folder, path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the lock, or returns `None` at once when somebody has it, there is no such folder, or its name
    /// comes to stand for another at this moment.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn try_acquire(path: &Path) -> Result<Option<FolderLock>> {
        let folder = match open_folder(path) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("lock the folder", path)(error)),
        };
        if !kernel::try_lock_folder(&folder).map_err(Error::io("lock the folder", path))? {
            return Ok(None);
        }
        let lock = FolderLock { folder };
        Ok(same_file(&lock.folder, path)?.then_some(lock))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        kernel::unlock(&self.folder);
    }
}

/// Looks whether anybody, this process included, has locked a file. Nothing is taken, released or
/// created, and no other program can notice.
///
/// On Linux a lock by `flock(1)` alone is not seen, because asking for it would mean taking it;
/// programs that act on the answer must take the lock, which such a holder prevents.
///
/// # Errors
///
/// [`Error::NotAFile`] when something else stands there; the system's answer otherwise.
pub fn probe(path: &Path) -> Result<Probe> {
    let Some(file) = open_file(path)? else { return Ok(Probe::Missing) };
    match kernel::holder(&file).map_err(Error::io("look at the lock", path))? {
        None => Ok(Probe::Free),
        Some(holder) => Ok(Probe::Held { pid: holder.pid }),
    }
}

/// Reads the text in a lock file, at most its first `limit` bytes; `None` when there is no such file.
///
/// # Errors
///
/// As [`open_file`].
pub fn read_note(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open_file(path)? else { return Ok(None) };
    let mut text = Vec::new();
    file.take(limit).read_to_end(&mut text).map_err(Error::io("read", path))?;
    Ok(Some(text))
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY).bits();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Whether a path still leads to the open file.
pub(crate) fn same_file(file: &File, path: &Path) -> Result<bool> {
    let held = file.metadata().map_err(Error::io("look at", path))?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}
