//! Finishing or undoing what a crash interrupted.

use std::fs;
use std::path::{Path, PathBuf};

use buildbook_fsio::{FolderLock, Lock, Taken, op, remove_tree, sync_folder};

use crate::leftover::{Leftover, Role, find_leftovers};
use crate::retire::set_aside;
use crate::swap::lock_commits;
use crate::{Error, Result};

/// What recovery found and did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Folders whose interrupted replacement was finished: they have their new contents.
    pub finished: Vec<PathBuf>,
    /// Folders that were put back in their place: they have their old contents.
    pub restored: Vec<PathBuf>,
    /// Leftovers that were removed.
    pub removed: Vec<PathBuf>,
    /// Leftovers whose owner is alive, and which were left alone.
    pub busy: Vec<PathBuf>,
    /// Leftovers that could not be dealt with. The others were.
    pub problems: Vec<Error>,
}

impl Recovery {
    /// Whether there was nothing to do and nothing is left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.finished.is_empty()
            && self.restored.is_empty()
            && self.removed.is_empty()
            && self.busy.is_empty()
            && self.problems.is_empty()
    }
}

/// Deals with everything that writers which died left among a folder's own entries.
///
/// A target that is missing gets its new contents if they were complete, else its old ones. Only when that is
/// on the device is anything removed, and never while its writer is alive. Names that this crate did not make
/// are not looked at. It may run at any time, beside writers and beside itself, and a recovery that is cut off
/// can be repeated. A folder that is missing needs none.
///
/// It waits while a commit in this folder is between its steps, and while the folder is itself the
/// [staging folder](crate::Swap::staging) of a publisher, who therefore must not call it there.
///
/// # Errors
///
/// The system's answer when the folder cannot be read, locked or synced; what concerns one leftover is in
/// [`Recovery::problems`].
pub fn recover(folder: &Path) -> Result<Recovery> {
    let mut recovery = Recovery::default();
    if find_leftovers(folder)?.is_empty() {
        return Ok(recovery);
    }
    // No commit is in its middle while this lock is held, unless its process has died there.
    let no_commits = lock_commits(folder)?;
    let found = find_leftovers(folder)?;
    for old in found.iter().filter(|leftover| leftover.role == Role::Old) {
        if !exists(&old.target) {
            put_in_place(old, &found, &mut recovery);
        }
    }
    if found.iter().any(|leftover| leftover.role != Role::Temporary) {
        // They may be the old contents of a folder whose new name is not on the device yet, or what a power cut
        // would still bring back under its name.
        sync_folder(folder)?;
    }
    let mut aside = Vec::new();
    for leftover in found.iter().filter(|leftover| exists(&leftover.path) && !is_needed(leftover, &found)) {
        match withdraw(leftover) {
            Ok(Withdrawn::Aside(path)) => aside.push((leftover, path)),
            Ok(Withdrawn::Removed) => recovery.removed.push(leftover.path.clone()),
            Ok(Withdrawn::Busy) => recovery.busy.push(leftover.path.clone()),
            Err(error) => recovery.problems.push(error.into()),
        }
    }
    drop(no_commits);
    // This may take long, and concerns nobody any more.
    for (leftover, path) in aside {
        match remove_tree(&path) {
            Ok(()) => recovery.removed.push(leftover.path.clone()),
            Err(error) => recovery.problems.push(error.into()),
        }
    }
    Ok(recovery)
}

/// A target is missing and its old contents are there: its writer died between two renames.
fn put_in_place(old: &Leftover, found: &[Leftover], recovery: &mut Recovery) {
    // The old contents were put aside only when the new ones of the same ticket were complete.
    let new = found.iter().find(|other| other.role == Role::Staging && is_same_swap(other, old));
    let result = match new {
        Some(new) if exists(&new.path) && !is_alive(&new.path) => {
            op::rename(&new.path, &old.target).map(|()| recovery.finished.push(old.target.clone()))
        }
        _ => op::rename(&old.path, &old.target).map(|()| recovery.restored.push(old.target.clone())),
    };
    if let Err(error) = result {
        recovery.problems.push(error.into());
    }
}

/// Whether a leftover is one of the only copies of its target: putting it in its place has just failed.
fn is_needed(leftover: &Leftover, found: &[Leftover]) -> bool {
    let mut olds = found.iter().filter(|other| other.role == Role::Old && is_same_swap(other, leftover));
    !exists(&leftover.target) && olds.any(|old| exists(&old.path))
}

fn is_same_swap(one: &Leftover, other: &Leftover) -> bool {
    one.target == other.target && one.ticket == other.ticket
}

/// What became of a leftover while commits were kept out.
enum Withdrawn {
    /// Its writer is alive, and it stays.
    Busy,
    /// It is gone.
    Removed,
    /// It has a name under which nobody misses it, and is to be removed.
    Aside(PathBuf),
}

/// Takes a leftover away from everybody. What a writer could lock is taken away under its lock, so that one
/// which is just beginning finds it gone and begins anew.
fn withdraw(leftover: &Leftover) -> buildbook_fsio::Result<Withdrawn> {
    let path = &leftover.path;
    match leftover.role {
        Role::Staging => match FolderLock::try_acquire(path)? {
            Some(_dead) => set_aside(path, &leftover.target).map(Withdrawn::Aside),
            None if exists(path) => Ok(Withdrawn::Busy),
            None => Ok(Withdrawn::Removed),
        },
        Role::Temporary if !is_symlink(path) => match Lock::try_acquire_existing(path)? {
            Taken::Acquired(dead) => dead.remove().map(|()| Withdrawn::Removed),
            Taken::Missing => Ok(Withdrawn::Removed),
            _ => Ok(Withdrawn::Busy),
        },
        // The writer of a symbolic link that it finds gone makes another.
        Role::Temporary => remove_tree(path).map(|()| Withdrawn::Removed),
        Role::Old => set_aside(path, &leftover.target).map(Withdrawn::Aside),
        Role::Trash => Ok(Withdrawn::Aside(path.clone())),
    }
}

fn is_symlink(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether the publisher of a prepared folder still holds its lock.
fn is_alive(staging: &Path) -> bool {
    // What cannot be asked is left alone.
    !matches!(FolderLock::try_acquire(staging), Ok(Some(_)))
}
