//! Finishing or undoing what a crash interrupted.

use std::fs;
use std::path::{Path, PathBuf};

use buildbook_fsio::{FolderLock, Lock, Taken, op, remove_tree, sync_folder};

use crate::leftover::{Leftover, Role, find_leftovers};
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
/// A target that is missing gets its new contents if they were complete, else its old ones. Only then is
/// anything removed, and never while its writer is alive. Names that this crate did not make are not looked
/// at. It may run at any time, beside writers and beside itself, and a recovery that is cut off can be
/// repeated. A folder that is missing needs none.
///
/// # Errors
///
/// The system's answer when the folder cannot be read or locked; what concerns one leftover is in
/// [`Recovery::problems`].
pub fn recover(folder: &Path) -> Result<Recovery> {
    let mut recovery = Recovery::default();
    if find_leftovers(folder)?.is_empty() {
        return Ok(recovery);
    }
    // No commit is in its middle while this lock is held, unless its process has died there.
    let no_commits = FolderLock::acquire(folder)?;
    let found = find_leftovers(folder)?;
    for old in found.iter().filter(|leftover| leftover.role == Role::Old) {
        if !exists(&old.target) {
            put_in_place(old, &found, &mut recovery);
        }
    }
    if !recovery.finished.is_empty() || !recovery.restored.is_empty() {
        sync_folder(folder)?;
    }
    let removable: Vec<&Leftover> = found.iter().filter(|leftover| may_go(leftover, &mut recovery)).collect();
    drop(no_commits);
    for leftover in removable {
        match remove(leftover) {
            Ok(true) => recovery.removed.push(leftover.path.clone()),
            Ok(false) => recovery.busy.push(leftover.path.clone()),
            Err(error) => recovery.problems.push(error.into()),
        }
    }
    Ok(recovery)
}

/// A target is missing and its old contents are there: its writer died between two renames.
fn put_in_place(old: &Leftover, found: &[Leftover], recovery: &mut Recovery) {
    // The old contents were put aside only when the new ones of the same ticket were complete.
    let new = found.iter().find(|other| {
        other.role == Role::Staging && other.target == old.target && other.ticket == old.ticket
    });
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

/// Whether a leftover is of no use to anybody but, perhaps, a writer that is alive.
fn may_go(leftover: &Leftover, recovery: &mut Recovery) -> bool {
    // Without its target, what was put aside is the only good copy: putting it back has just failed.
    let needed = leftover.role == Role::Old && !exists(&leftover.target);
    if needed && exists(&leftover.path) {
        recovery.busy.push(leftover.path.clone());
    }
    !needed && exists(&leftover.path)
}

/// Removes a leftover; `false` when its writer turns out to be alive. What a writer could lock is removed
/// under its lock, so that one which is just beginning finds it gone and begins anew.
fn remove(leftover: &Leftover) -> buildbook_fsio::Result<bool> {
    let path = &leftover.path;
    match leftover.role {
        Role::Staging => match FolderLock::try_acquire(path)? {
            Some(_dead) => remove_tree(path).map(|()| true),
            None => Ok(!exists(path)),
        },
        Role::Temporary if !is_symlink(path) => match Lock::try_acquire_existing(path)? {
            Taken::Acquired(dead) => dead.remove().map(|()| true),
            Taken::Missing => Ok(true),
            _ => Ok(false),
        },
        // The writer of a symbolic link that it finds gone makes another.
        Role::Temporary | Role::Old | Role::Trash => remove_tree(path).map(|()| true),
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
