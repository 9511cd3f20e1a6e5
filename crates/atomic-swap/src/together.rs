//! Publishing several folders with as few waits for the device as for one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use buildbook_fsio::{Durability, FileSystem, op, sync_folder};

use crate::retire::discard;
use crate::swap::{for_each_inside, look_at};
use crate::{CommitFailed, Committed, Error, Result, Swap};

/// A prepared folder that was looked through and is ready for [`commit_together`].
///
/// Nothing is to be written into it any more. Dropped, it is rolled back, as a [`Swap`] is.
#[derive(Debug)]
#[must_use = "what was prepared is removed when this value is dropped without a commit"]
pub struct Sealed {
    swap: Swap,
}

impl Swap {
    /// Looks through what was prepared, so that a later [`commit_together`] has nothing to find out about it.
    ///
    /// What is on another file system than the one that will be synced, because something is mounted in the
    /// prepared folder, is synced here.
    ///
    /// # Errors
    ///
    /// What a synced [`Swap::commit`] would have found in it, such as a file that cannot be read; the prepared
    /// folder is handed back.
    pub fn seal(self, file_system: &FileSystem) -> std::result::Result<Sealed, CommitFailed> {
        let looked = for_each_inside(
            self.staging(),
            |file, metadata, path| {
                if file_system.holds(metadata) { Ok(()) } else { Ok(op::sync_file(file, path)?) }
            },
            |folder| {
                let metadata = fs::symlink_metadata(folder).map_err(|source| look_at(folder, source))?;
                if file_system.holds(&metadata) { Ok(()) } else { Ok(sync_folder(folder)?) }
            },
        );
        match looked {
            Ok(()) => Ok(Sealed { swap: self }),
            Err(error) => Err(CommitFailed { swap: Some(self), error }),
        }
    }
}

impl Sealed {
    /// The prepared folder.
    #[must_use]
    pub fn staging(&self) -> &Path {
        self.swap.staging()
    }

    /// The same without the promise, to be committed by itself.
    pub fn open(self) -> Swap {
        self.swap
    }
}

/// Publishes several prepared folders, each as a synced [`Swap::commit`] does, and waits for the device once for
/// all their contents and once for the names in each folder that they are published in.
///
/// As one of its steps it makes durable whatever was written to the file system before, by the caller and by
/// others. Nothing is published before all contents are durable; no old contents are removed before all names are.
/// A folder that cannot be published says so in its place of the result, and the others are.
///
/// # Errors
///
/// [`Error::File`] when the contents could not be made durable: nothing is published, and what was prepared is
/// removed. [`Error::NotDurable`] when only the names could not be: what is not an error is published then, a power
/// cut may take it back, and the old contents stay until recovery.
pub fn commit_together(
    file_system: &FileSystem,
    sealed: Vec<Sealed>,
) -> Result<Vec<std::result::Result<Committed, CommitFailed>>> {
    file_system.sync()?;
    let published: Vec<std::result::Result<Named, CommitFailed>> =
        sealed.into_iter().map(|sealed| publish(sealed.swap)).collect();
    let mut synced = BTreeSet::new();
    for named in published.iter().flatten() {
        for folder in &named.folders {
            if synced.insert(folder.clone()) {
                sync_folder(folder)
                    .map_err(|source| Error::NotDurable { target: named.target.clone(), source })?;
            }
        }
    }
    Ok(published.into_iter().map(|named| Ok(named?.settle())).collect())
}

/// A folder that is published under a name that is not durable yet.
struct Named {
    target: PathBuf,
    old: Option<PathBuf>,
    /// Where the names are that have to be synced.
    folders: Vec<PathBuf>,
}

fn publish(mut swap: Swap) -> std::result::Result<Named, CommitFailed> {
    match swap.publish(Durability::Cached) {
        Ok(old) => {
            let folders = swap.folders_of_names().map(Path::to_owned).collect();
            Ok(Named { target: swap.let_go(), old, folders })
        }
        Err(error) => Err(CommitFailed { swap: Some(swap), error }),
    }
}

impl Named {
    fn settle(self) -> Committed {
        let leftover = self.old.as_deref().and_then(|old| discard(old, &self.target).err());
        Committed { replaced: self.old.is_some(), leftover }
    }
}
