//! Folders: making, syncing and removing them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

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
/// # Errors
///
/// `NotADirectory` when something else stands in the way; whatever else the system says.
pub fn create_folders(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_folders(parent)?;
    }
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

/// Removes a folder with all that is in it, or a file, or a symbolic link. Links are removed, never
/// followed. What is gone already, or goes meanwhile, is no error. Folders without the right to write,
/// as some package managers leave them, are given it first.
///
/// # Errors
///
/// The system's answer; some of the tree may have been removed.
pub fn remove_tree(path: &Path) -> Result<()> {
    before(Operation::RemoveTree, path).and_then(|()| remove(path)).map_err(Error::io("remove", path))
}

fn remove(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !metadata.is_dir() {
        return fine_if_gone(fs::remove_file(path));
    }
    match remove_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let _ = allow_writing(path);
            remove_folder(path)
        }
        // Somebody added or removed something at the same time.
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
            remove_folder(path)
        }
        other => other,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of removing a tree")]
fn remove_folder(path: &Path) -> io::Result<()> {
    fine_if_gone(fs::remove_dir_all(path))
}

fn fine_if_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives the owner all rights on a folder and those in it, never through a symbolic link.
fn allow_writing(folder: &Path) -> io::Result<()> {
    fchmodat(AT_FDCWD, folder, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            allow_writing(&entry.path())?;
        }
    }
    Ok(())
}
