//! Taking something out of sight before it is removed.

use std::path::{Path, PathBuf};

use buildbook_fsio::{op, remove_tree};

use crate::Result;
use crate::leftover::{Role, make_beside};

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
/// # Errors
///
/// The system's answer; it is still in its place.
pub fn retire(target: &Path) -> Result<Option<Retired>> {
    match make_beside(target, Role::Trash, |candidate| move_aside(target, candidate)) {
        Ok((path, ())) => Ok(Some(Retired { path })),
        Err(crate::Error::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn move_aside(target: &Path, free: &Path) -> buildbook_fsio::Result<()> {
    match op::rename_to_free_name(target, free) {
        // Ten random characters are free without being asked, where the system cannot ask and rename at once.
        Err(error)
            if matches!(
                error.kind(),
                Some(std::io::ErrorKind::InvalidInput | std::io::ErrorKind::Unsupported)
            ) =>
        {
            op::rename(target, free)
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
