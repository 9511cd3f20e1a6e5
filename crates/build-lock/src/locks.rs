//! Taking build locks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook_fsio::{Lock, create_folders};

use crate::guard::check_log;
use crate::{BuildLock, Holder, LockName, Result};

/// A folder of build locks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BuildLocks {
    folder: PathBuf,
}

impl BuildLocks {
    /// Names the locks in this folder. Nothing is created or looked at.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        BuildLocks { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a lock.
    #[must_use]
    pub fn path(&self, name: &LockName) -> PathBuf {
        self.folder.join(name.to_string())
    }

    /// Waits until the lock is ours, without a limit. The folder and the file are created where they are
    /// missing.
    ///
    /// # Errors
    ///
    /// [`Error::LogPath`](crate::Error::LogPath) before anything is locked; the system's answer. The lock is
    /// not held then.
    pub fn acquire(&self, name: &LockName, holder: &Holder) -> Result<BuildLock> {
        let path = self.prepare(name, holder)?;
        BuildLock::describe(Lock::acquire(&path)?, name, holder)
    }

    /// Takes the lock, or returns `None` at once when somebody has it. This may be somebody who is just removing
    /// the stale file of the lock; [`BuildLocks::acquire_within`] with a short limit passes over that.
    ///
    /// # Errors
    ///
    /// As [`BuildLocks::acquire`].
    pub fn try_acquire(&self, name: &LockName, holder: &Holder) -> Result<Option<BuildLock>> {
        let path = self.prepare(name, holder)?;
        Lock::try_acquire(&path)?.map(|lock| BuildLock::describe(lock, name, holder)).transpose()
    }

    /// Waits for at most `limit`; `None` when somebody had the lock all the time.
    ///
    /// # Errors
    ///
    /// As [`BuildLocks::acquire`].
    pub fn acquire_within(
        &self,
        name: &LockName,
        holder: &Holder,
        limit: Duration,
    ) -> Result<Option<BuildLock>> {
        let path = self.prepare(name, holder)?;
        Lock::acquire_within(&path, limit)?.map(|lock| BuildLock::describe(lock, name, holder)).transpose()
    }

    fn prepare(&self, name: &LockName, holder: &Holder) -> Result<PathBuf> {
        let path = self.path(name);
        if let Some(log) = &holder.temp_log_path {
            check_log(&path, log)?;
        }
        create_folders(&self.folder)?;
        Ok(path)
    }
}
