//! A build lock that is held.

use std::path::Path;

use buildbook_fsio::Lock;
use buildbook_layout::LayerName;

use crate::note::{Holder, Note};
use crate::{Error, LockName, Result};

/// The lock of one build, held. Nobody else builds the same thing meanwhile.
///
/// Dropping it does what [`BuildLock::release`] does, without telling what went wrong. If the process dies,
/// the lock is free and its file stays until the next builder or
/// [`cleanup_stale`](crate::BuildLocks::cleanup_stale).
#[derive(Debug)]
#[must_use = "the lock is released when this value is dropped"]
pub struct BuildLock {
    /// `None` only after the release.
    lock: Option<Lock>,
    name: LockName,
    note: Note,
}

impl BuildLock {
    /// Describes the holder in the file of a lock that was just taken. If it cannot be, the lock is given
    /// back.
    pub(crate) fn describe(lock: Lock, name: &LockName, holder: &Holder) -> Result<BuildLock> {
        let guard = BuildLock { lock: Some(lock), name: name.clone(), note: Note::of(holder) };
        guard.write(&guard.note)?;
        Ok(guard)
    }

    /// What is locked.
    #[must_use]
    pub fn name(&self) -> &LockName {
        &self.name
    }

    /// Tells onlookers where the log grows.
    ///
    /// # Errors
    ///
    /// [`Error::LogPath`]; the system's answer. The lock stays held.
    pub fn set_temp_log_path(&mut self, log: &Path) -> Result<()> {
        if let Some(lock) = &self.lock {
            check_log(lock.path(), log)?;
        }
        self.rewrite(|note| note.temp_log_path = Some(log.to_owned()))
    }

    /// Tells onlookers which layer is being made.
    ///
    /// # Errors
    ///
    /// The system's answer. The lock stays held.
    pub fn set_layer(&mut self, layer: &LayerName) -> Result<()> {
        self.rewrite(|note| note.layer_name = Some(layer.to_string()))
    }

    fn rewrite(&mut self, change: impl FnOnce(&mut Note)) -> Result<()> {
        let mut note = self.note.clone();
        change(&mut note);
        self.write(&note)?;
        self.note = note;
        Ok(())
    }

    fn write(&self, note: &Note) -> Result<()> {
        match &self.lock {
            Some(lock) => Ok(lock.write_note(&note.to_bytes())?),
            None => Ok(()),
        }
    }

    /// Removes the lock's file while it is held, then gives the lock back. If somebody removed the file by hand, the
    /// one that has its name now is left to its holder.
    ///
    /// # Errors
    ///
    /// The system's answer; the lock is given back all the same.
    pub fn release(mut self) -> Result<()> {
        match self.lock.take() {
            Some(lock) => Ok(lock.remove()?),
            None => Ok(()),
        }
    }
}

impl Drop for BuildLock {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            // Nobody can be told here. The file stays, and is cleaned up as stale.
            let _ = lock.remove();
        }
    }
}

/// Refuses a path that would not be read back.
pub(crate) fn check_log(lock: &Path, log: &Path) -> Result<()> {
    if Note::can_hold(log) {
        return Ok(());
    }
    Err(Error::LogPath { lock: lock.to_owned(), log: log.to_owned() })
}
