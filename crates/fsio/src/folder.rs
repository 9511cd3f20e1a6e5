//! Folders: making and syncing them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::op::{Operation, before};
use crate::{Error, Result, op};

/// Waits until the device has the names in a folder, so that a file that was made, renamed or removed
/// in it stays so after a power cut. An empty path means the current folder.
///
/// # Errors
///
/// The system's answer.
pub fn sync_folder(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    before(Operation::SyncFolder, path)
        .and_then(|()| File::open(path)?.sync_all())
        .map_err(Error::io("sync the folder", path))
}

/// Makes a folder and those above it, where they are missing. Several processes may do so at once.
///
/// It waits for nothing: a power cut may take the new folders, and all that was put in them, unless the folder
/// above each was [synced](sync_folder) since.
///
/// # Errors
///
/// `NotADirectory` when something else stands in the way; whatever else the system says.
pub fn create_folders(path: &Path) -> Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    missing.into_iter().rev().try_for_each(create_if_missing)
}

/// Whether a folder that is not to be found is on the other side of a link: what is there is not nothing then, and is
/// perhaps on a disk that is not mounted.
#[must_use]
pub fn leads_nowhere(folder: &Path) -> bool {
    let is_link = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
    is_link && fs::metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn create_if_missing(path: &Path) -> Result<()> {
    match op::create_folder(path) {
        Err(error) if error.kind() == Some(io::ErrorKind::AlreadyExists) => {
            // Somebody was quicker, or something else has the name.
            if path.is_dir() {
                Ok(())
            } else {
                Err(Error::io("create the folder", path)(io::ErrorKind::NotADirectory.into()))
            }
        }
        other => other,
    }
}
