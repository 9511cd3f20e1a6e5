//! Publishing a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use buildbook_fsio::{Durability, FolderLock, create_folders, op, open_file, remove_tree, sync_folder};

use crate::leftover::{Role, make_beside, sibling, split};
use crate::{Error, Result};

/// A folder that is being prepared to take the place of another, or of none.
///
/// Dropped without a commit, it is rolled back: what was prepared is removed and the target is untouched.
/// While the value lives, the prepared folder is locked, which tells [`recover`](crate::recover) that its
/// publisher is alive. Publishers of one target do not see each other's preparations; the last to commit wins.
#[derive(Debug)]
#[must_use = "what was prepared is removed when this value is dropped without a commit"]
pub struct Swap {
    target: PathBuf,
    staging: PathBuf,
    alive: Option<FolderLock>,
}

/// What a commit did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Committed {
    /// Whether there was a folder before.
    pub replaced: bool,
    /// Why the old contents could not be removed, if so. The new ones are published all the same, and
    /// [`recover`](crate::recover) tries again.
    pub leftover: Option<buildbook_fsio::Error>,
}

/// A commit that failed, with what was prepared, so that it can be tried again.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CommitFailed {
    /// What was prepared; `None` when it is published and only the last sync failed.
    pub swap: Option<Swap>,
    /// Why it could not be published.
    #[source]
    pub error: Error,
}

impl From<CommitFailed> for Error {
    fn from(failed: CommitFailed) -> Error {
        failed.error
    }
}

impl Swap {
    /// Makes an empty folder beside the target, and the folders above it where they are missing.
    ///
    /// # Errors
    ///
    /// The system's answer; nothing was made but perhaps the folders above.
    pub fn prepare(target: &Path) -> Result<Swap> {
        let (folder, _) = split(target)?;
        create_folders(folder)?;
        loop {
            let (staging, ()) = make_beside(target, Role::Staging, op::create_folder)?;
            match FolderLock::acquire(&staging) {
                Ok(alive) => return Ok(Swap { target: target.to_owned(), staging, alive: Some(alive) }),
                // Recovery found the folder before it was locked, and removed it.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The folder that is to be published.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder to fill. It is in the same folder as the target, so files can be renamed into it.
    #[must_use]
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Puts what was prepared in the place of the target.
    ///
    /// Readers see the old folder or the new one; where the system cannot exchange two folders, there is
    /// a moment without either, and [`recover`](crate::recover) ends it should the process die in it. With
    /// [`Durability::Synced`], everything that was prepared and its name survive a power cut once this returns.
    ///
    /// # Errors
    ///
    /// [`CommitFailed`] hands back what was prepared. The old folder is in its place, unless the error is
    /// [`Error::Displaced`] or [`Error::NotDurable`].
    pub fn commit(mut self, durability: Durability) -> std::result::Result<Committed, CommitFailed> {
        let old = match self.publish(durability) {
            Ok(old) => old,
            Err(error) => return Err(CommitFailed { swap: Some(self), error }),
        };
        // What was prepared is in place. Its lock goes, and dropping `self` must not remove anything.
        self.alive = None;
        if durability == Durability::Synced
            && let Some(folder) = self.target.parent()
            && let Err(source) = sync_folder(folder)
        {
            // The old contents stay until recovery: a power cut could bring their name back.
            return Err(CommitFailed {
                swap: None,
                error: Error::NotDurable { target: self.target.clone(), source },
            });
        }
        let leftover = old.as_deref().and_then(|old| remove_tree(old).err());
        Ok(Committed { replaced: old.is_some(), leftover })
    }

    /// Removes what was prepared. The target is untouched.
    ///
    /// # Errors
    ///
    /// The system's answer; [`recover`](crate::recover) tries again.
    pub fn rollback(mut self) -> Result<()> {
        self.alive = None;
        Ok(remove_tree(&self.staging)?)
    }

    /// Exchanges the folders; returns where the old contents are now.
    fn publish(&self, durability: Durability) -> Result<Option<PathBuf>> {
        let (folder, _) = split(&self.target)?;
        if !self.staging.is_dir() {
            let (target, staging) = (self.target.clone(), self.staging.clone());
            return Err(Error::StagingGone { target, staging });
        }
        if durability == Durability::Synced {
            sync_tree(&self.staging)?;
        }
        let one_at_a_time = FolderLock::acquire(folder)?;
        let old = match fs::symlink_metadata(&self.target) {
            Ok(metadata) if metadata.is_dir() => Some(self.exchange()?),
            Ok(_) => return Err(Error::NotAFolder { path: self.target.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.move_to_free_target()?;
                None
            }
            Err(source) => {
                return Err(look_at(&self.target, source).into());
            }
        };
        drop(one_at_a_time);
        Ok(old)
    }

    fn exchange(&self) -> Result<PathBuf> {
        match op::exchange(&self.staging, &self.target) {
            Ok(()) => Ok(self.staging.clone()),
            Err(error) if is_unsupported(&error) => self.exchange_in_two_steps(),
            Err(error) => Err(error.into()),
        }
    }

    /// The name of the old contents has the same ticket as the staging folder: that is how recovery knows
    /// that the staging folder was complete.
    fn exchange_in_two_steps(&self) -> Result<PathBuf> {
        let old = sibling(&self.staging, &self.target, Role::Old)?;
        op::rename(&self.target, &old)?;
        match op::rename(&self.staging, &self.target) {
            Ok(()) => Ok(old),
            Err(error) => match op::rename(&old, &self.target) {
                Ok(()) => Err(error.into()),
                Err(source) => Err(Error::Displaced { target: self.target.clone(), old, source }),
            },
        }
    }

    fn move_to_free_target(&self) -> Result<()> {
        match op::rename_to_free_name(&self.staging, &self.target) {
            // The folder is locked against other publishers, and a plain rename replaces no folder that has
            // anything in it.
            Err(error) if is_unsupported(&error) => Ok(op::rename(&self.staging, &self.target)?),
            other => Ok(other?),
        }
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        if self.alive.take().is_some() {
            // Nobody can be told here. Recovery removes what stays.
            let _ = remove_tree(&self.staging);
        }
    }
}

/// Whether a file system lacks the flag of a rename, rather than refusing this one.
fn is_unsupported(error: &buildbook_fsio::Error) -> bool {
    matches!(error.kind(), Some(io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported))
}

/// Syncs every file and folder of a tree, deepest first. Symbolic links are part of their folder.
fn sync_tree(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|source| look_at(folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| look_at(folder, source))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|source| look_at(&path, source))?;
        if kind.is_dir() {
            sync_tree(&path)?;
        } else if kind.is_file()
            && let Some(file) = open_file(&path)?
        {
            op::sync_file(&file, &path)?;
        }
    }
    Ok(sync_folder(folder)?)
}

fn look_at(path: &Path, source: io::Error) -> buildbook_fsio::Error {
    buildbook_fsio::Error::Io { operation: "look at", path: path.to_owned(), source }
}
