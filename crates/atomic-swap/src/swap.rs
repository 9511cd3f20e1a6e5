//! Publishing a folder.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use buildbook_fsio::{
    Durability, FolderLock, create_folders, op, open_with_metadata, remove_tree, sync_folder,
};

use crate::leftover::{Role, find_leftovers, is_staging, make_beside, sibling, split};
use crate::retire::{discard, set_aside};
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
    /// Folders in which a folder above the target was made: their names are to be synced as well.
    made_in: Vec<PathBuf>,
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
    /// [`Error::InStaging`] for a target directly in another's [`Swap::staging`]; the system's answer otherwise.
    /// Nothing was made but perhaps the folders above.
    pub fn prepare(target: &Path) -> Result<Swap> {
        let (folder, _) = split(target)?;
        // Its lock says that its publisher is alive, and a commit in it would wait for that lock for ever.
        if is_staging(folder) {
            return Err(Error::InStaging { target: target.to_owned() });
        }
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
        let missing = folder.ancestors().take_while(is_missing);
        let made_in: Vec<PathBuf> = missing.filter_map(Path::parent).map(Path::to_owned).collect();
        create_folders(folder)?;
        loop {
            let (staging, ()) = make_beside(target, Role::Staging, op::create_folder)?;
            match FolderLock::acquire(&staging) {
                Ok(alive) => {
                    return Ok(Swap { target: target.to_owned(), staging, made_in, alive: Some(alive) });
                }
                // Recovery found the folder before it was locked, and removed it.
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    let _ = remove_tree(&staging);
                    return Err(error.into());
                }
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
    /// [`Durability::Synced`], everything that was prepared and its name survive a power cut once this returns,
    /// and a power cut before leaves the old folder or the new one. With [`Durability::Cached`], a power cut may
    /// leave the new folder without some of its contents, and the old one is gone.
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
        let synced = if durability == Durability::Synced { self.sync_names() } else { Ok(()) };
        let target = self.let_go();
        if let Err(source) = synced {
            // The old contents stay until recovery: a power cut could bring their name back.
            return Err(CommitFailed { swap: None, error: Error::NotDurable { target, source } });
        }
        let leftover = old.as_deref().and_then(|old| discard(old, &target).err());
        Ok(Committed { replaced: old.is_some(), leftover })
    }

    /// Removes what was prepared. The target is untouched.
    ///
    /// # Errors
    ///
    /// The system's answer; [`recover`](crate::recover) tries again.
    pub fn rollback(mut self) -> Result<()> {
        self.alive = None;
        Ok(discard(&self.staging, &self.target)?)
    }

    /// What was prepared is in place: its lock goes, and dropping the value must not remove anything.
    pub(crate) fn let_go(&mut self) -> PathBuf {
        self.alive = None;
        std::mem::take(&mut self.target)
    }

    /// The folders that hold a name which a commit makes known.
    pub(crate) fn folders_of_names(&self) -> impl Iterator<Item = &Path> {
        self.target.parent().into_iter().chain(self.made_in.iter().map(PathBuf::as_path))
    }

    fn sync_names(&self) -> buildbook_fsio::Result<()> {
        self.folders_of_names().try_for_each(sync_folder)
    }

    /// Exchanges the folders; returns where the old contents are now.
    pub(crate) fn publish(&self, durability: Durability) -> Result<Option<PathBuf>> {
        let (folder, _) = split(&self.target)?;
        self.expect_staging()?;
        if durability == Durability::Synced {
            sync_tree(&self.staging)?;
        }
        let one_at_a_time = lock_commits(folder)?;
        let old = self.take_the_name()?;
        drop(one_at_a_time);
        Ok(old)
    }

    /// Puts what was prepared in the place of whatever the target is, and returns where the old contents are now.
    ///
    /// Whoever retires a folder does not ask publishers, and may put it back: between a look at the target and what
    /// is done about it, that can come and go.
    fn take_the_name(&self) -> Result<Option<PathBuf>> {
        let mut left = MOST_LOOKS;
        loop {
            left -= 1;
            let taken = match fs::symlink_metadata(&self.target) {
                Ok(metadata) if metadata.is_dir() => self.exchange().map(Some),
                Ok(_) => return Err(Error::NotAFolder { path: self.target.clone() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.move_to_free_target().map(|()| None)
                }
                Err(source) => return Err(look_at(&self.target, source).into()),
            };
            match taken {
                Err(Error::File(error)) if left > 0 && is_surprise(&error) => self.expect_staging()?,
                other => return other,
            }
        }
    }

    fn expect_staging(&self) -> Result<()> {
        let (target, staging) = (self.target.clone(), self.staging.clone());
        if self.staging.is_dir() { Ok(()) } else { Err(Error::StagingGone { target, staging }) }
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
        let (folder, name) = split(&self.target)?;
        for stale in find_leftovers(folder)? {
            // A crash left it, and somebody has published since. Were this commit to end in a crash too, recovery
            // could not tell which of the two is the newer.
            if stale.role == Role::Old && stale.target.file_name() == Some(name) {
                set_aside(&stale.path, &self.target)?;
            }
        }
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

/// Whoever has changed the target between this many looks and what was to be done about each goes on doing so.
const MOST_LOOKS: usize = 100;

impl Drop for Swap {
    fn drop(&mut self) {
        if self.alive.take().is_some() {
            // Nobody can be told here. Recovery removes what stays.
            let _ = discard(&self.staging, &self.target);
        }
    }
}

/// Keeps other commits, and recovery, out of a folder. It may be reached by a symbolic link, which the dot
/// behind it follows.
pub(crate) fn lock_commits(folder: &Path) -> buildbook_fsio::Result<FolderLock> {
    FolderLock::acquire(&folder.join("."))
}

/// Whether a file system lacks the flag of a rename, rather than refusing this one.
fn is_unsupported(error: &buildbook_fsio::Error) -> bool {
    matches!(error.kind(), Some(io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported))
}

/// Whether a folder that was there was gone, or one was there where none had been.
fn is_surprise(error: &buildbook_fsio::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotFound};
    matches!(error.kind(), Some(NotFound | AlreadyExists | DirectoryNotEmpty))
}

/// Syncs every file and folder of a tree, in no special order: nothing of it has a name for readers yet.
/// Symbolic links are part of their folder.
fn sync_tree(top: &Path) -> Result<()> {
    for_each_inside(top, |file, _, path| Ok(op::sync_file(file, path)?), |folder| Ok(sync_folder(folder)?))
}

/// Opens every regular file of a tree, and comes to every folder after what is directly in it.
pub(crate) fn for_each_inside(
    top: &Path,
    mut each_file: impl FnMut(&File, &Metadata, &Path) -> Result<()>,
    mut each_folder: impl FnMut(&Path) -> Result<()>,
) -> Result<()> {
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|source| look_at(&folder, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| look_at(&folder, source))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|source| look_at(&path, source))?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Some((file, metadata)) = open_with_metadata(&path)?
            {
                each_file(&file, &metadata, &path)?;
            }
        }
        each_folder(&folder)?;
    }
    Ok(())
}

pub(crate) fn look_at(path: &Path, source: io::Error) -> buildbook_fsio::Error {
    buildbook_fsio::Error::Io { operation: "look at", path: path.to_owned(), source }
}
