//! Taking something out of sight before it is removed.

use std::io;
use std::path::{Path, PathBuf};

use buildbook_fsio::{op, remove_tree};

use crate::leftover::{Role, make_beside};
use crate::{Error, Result};

/// Something that has lost its name and waits to be removed. If the process dies first,
/// [`recover`](crate::recover) removes it.
#[derive(Debug)]
#[must_use = "what was retired still takes space until it is removed"]
pub struct Retired {
    path: PathBuf,
}

/// Takes a folder or a file out of sight in one step: whoever looks for it finds all of it or nothing. `None`
/// when it was not there.
///
/// It waits for nothing: until its folder is synced, a power cut may bring the name back.
///
/// # Errors
///
/// The system's answer; it is still in its place.
pub fn retire(target: &Path) -> Result<Option<Retired>> {
    match move_beside(target, target) {
        Ok(path) => Ok(Some(Retired { path })),
        Err(Error::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives something beside a target a name that nobody takes for whole, and returns where to remove it. What
/// recovery could put in the target's place must not be removed under its own name: cut off in the middle, the
/// half of it would be put there.
pub(crate) fn set_aside(path: &Path, target: &Path) -> buildbook_fsio::Result<PathBuf> {
    match move_beside(path, target) {
        Ok(aside) => Ok(aside),
        // It is gone already, or its name leaves no room for another.
        Err(Error::File(error))
            if !error.is_not_found() && error.kind() != Some(io::ErrorKind::InvalidFilename) =>
        {
            Err(error)
        }
        Err(_) => Ok(path.to_owned()),
    }
}

/// Removes something beside a target, in a way that can be cut off anywhere.
pub(crate) fn discard(path: &Path, target: &Path) -> buildbook_fsio::Result<()> {
    remove_tree(&set_aside(path, target)?)
}

fn move_beside(path: &Path, target: &Path) -> Result<PathBuf> {
    make_beside(target, Role::Trash, |free| move_to(path, free)).map(|(free, ())| free)
}

fn move_to(path: &Path, free: &Path) -> buildbook_fsio::Result<()> {
    match op::rename_to_free_name(path, free) {
        // Ten random characters are free without being asked, where the system cannot ask and rename at once.
        Err(error)
            if matches!(error.kind(), Some(io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)) =>
        {
            op::rename(path, free)
        }
        other => other,
    }
}

impl Retired {
    /// Where it is now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// The system's answer; some of it may have been removed, and [`recover`](crate::recover) goes on.
    pub fn remove(self) -> Result<()> {
        Ok(remove_tree(&self.path)?)
    }
}
