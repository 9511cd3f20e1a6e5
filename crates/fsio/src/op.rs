//! Every call that changes a file system, one function each.
//!
//! All writing crates of the workspace go through these functions and through nothing else, which is
//! what makes the crash matrix possible: a procedure is a list of these calls, and a test can stop
//! after any one of them.
//!
//! None of them is durable by itself. [`sync_file`], [`sync_folder`](crate::sync_folder) and
//! [`FileSystem::sync`](crate::FileSystem::sync) make what went before survive a power cut.
//!
//! # Tests
//!
//! With the feature `faults`, the module of that name counts the calls that a thread makes, and lets a
//! test fail or stop at each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;

use crate::{Error, Result};

/// How much of a write has happened when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The system has the data. It survives the death of the process, not a power cut.
    #[default]
    Cached,
    /// The device has the data, and the name that leads to it. It survives a power cut, as far as the
    /// device keeps its word.
    Synced,
}

/// The calls, as tests name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// [`create_new`]
    CreateFile,
    /// [`open_or_create`], when the file is not there
    OpenOrCreate,
    /// [`create_folder`]
    CreateFolder,
    /// [`write_all`]
    Write,
    /// [`set_len`]
    SetLen,
    /// [`sync_file`]
    SyncFile,
    /// [`sync_folder`](crate::sync_folder)
    SyncFolder,
    /// [`FileSystem::sync`](crate::FileSystem::sync)
    SyncFileSystem,
    /// [`rename`]
    Rename,
    /// [`rename_to_free_name`]
    RenameToFreeName,
    /// [`exchange`]
    Exchange,
    /// [`symlink`]
    Symlink,
    /// [`hard_link`]
    HardLink,
    /// [`unlink`]
    Unlink,
    /// [`remove_tree`](crate::remove_tree)
    RemoveTree,
}

#[cfg(feature = "faults")]
pub(crate) fn before(operation: Operation, path: &Path) -> io::Result<()> {
    crate::faults::before(operation, path)
}

/// As [`before`], for what moves something.
#[cfg(feature = "faults")]
fn before_move(operation: Operation, from: &Path, to: &Path) -> io::Result<()> {
    crate::faults::before_move(operation, from, to)
}

#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "the other version, with faults, can fail")]
pub(crate) fn before(_operation: Operation, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "the other version, with faults, can fail")]
fn before_move(_operation: Operation, _from: &Path, _to: &Path) -> io::Result<()> {
    Ok(())
}

const NO_LINK: i32 = OFlag::O_NOFOLLOW.bits();

/// Creates a file that must not exist, open for reading and writing, with the rights 0666 less the umask.
///
/// # Errors
///
/// `AlreadyExists`, also for a dangling symbolic link; whatever else the system says.
pub fn create_new(path: &Path) -> Result<File> {
    before(Operation::CreateFile, path)
        .and_then(|()| {
            OpenOptions::new().read(true).write(true).create_new(true).custom_flags(NO_LINK).open(path)
        })
        .map_err(Error::io("create", path))
}

/// Opens a regular file for reading and appending, and creates it where it is missing, with the rights 0666
/// less the umask.
///
/// # Errors
///
/// [`Error::NotAFile`] for anything but a regular file; the system's answer otherwise.
pub fn open_or_create(path: &Path) -> Result<File> {
    // O_NONBLOCK keeps a FIFO from stopping the caller; it has no effect on regular files.
    let flags = NO_LINK | OFlag::O_NONBLOCK.bits();
    let mut options = OpenOptions::new();
    options.read(true).append(true).custom_flags(flags);
    let opened = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            before(Operation::OpenOrCreate, path).and_then(|()| options.create(true).open(path))
        }
        other => other,
    };
    crate::open::regular("open", path, opened)
}

/// Creates a folder that must not exist, with the rights 0755 less the umask.
///
/// # Errors
///
/// `AlreadyExists` when the name is taken; whatever else the system says.
pub fn create_folder(path: &Path) -> Result<()> {
    before(Operation::CreateFolder, path)
        .and_then(|()| fs::DirBuilder::new().mode(0o755).create(path))
        .map_err(Error::io("create the folder", path))
}

/// Writes all bytes at the file's position, or at its end when it was opened for appending.
///
/// # Errors
///
/// The system's answer; some of the bytes may have been written.
pub fn write_all(mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    #[cfg(feature = "faults")]
    if let Some(error) = crate::faults::torn_write(path, bytes, |part| file.write_all(part)) {
        return Err(Error::io("write", path)(error));
    }
    file.write_all(bytes).map_err(Error::io("write", path))
}

/// Cuts a file off, or fills it up with NUL bytes.
///
/// # Errors
///
/// The system's answer.
pub fn set_len(file: &File, path: &Path, length: u64) -> Result<()> {
    before(Operation::SetLen, path).and_then(|()| file.set_len(length)).map_err(Error::io("cut off", path))
}

/// Waits until the device has the file's contents.
///
/// # Errors
///
/// The system's answer. What was written since the last sync may be lost then; writing it again to the
/// same file and syncing again does not help on every system, so a caller must start anew.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    before(Operation::SyncFile, path).and_then(|()| file.sync_all()).map_err(Error::io("sync", path))
}

/// Renames a file, a symbolic link or a folder; a file or an empty folder at the new name is replaced
/// in the same step.
///
/// # Errors
///
/// The system's answer; nothing has changed then.
#[expect(clippy::disallowed_methods, reason = "this is the one home of rename")]
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    before_move(Operation::Rename, from, to)
        .and_then(|()| fs::rename(from, to))
        .map_err(Error::io("rename to", to))
}

/// Renames to a name that must be free.
///
/// # Errors
///
/// `AlreadyExists` when it is not; `InvalidInput` or `Unsupported` where the file system cannot do it
/// in one step. Nothing has changed then.
pub fn rename_to_free_name(from: &Path, to: &Path) -> Result<()> {
    before_move(Operation::RenameToFreeName, from, to)
        .and_then(|()| in_one_step::rename_to_free_name(from, to))
        .map_err(Error::io("rename to", to))
}

/// Exchanges what two names stand for in one step.
///
/// # Errors
///
/// `NotFound` when one of them is missing; `InvalidInput` or `Unsupported` where the file system
/// cannot do it. Nothing has changed then.
pub fn exchange(one: &Path, other: &Path) -> Result<()> {
    before_move(Operation::Exchange, one, other)
        .and_then(|()| in_one_step::exchange(one, other))
        .map_err(Error::io("exchange with", other))
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod in_one_step {
    use std::io;
    use std::path::Path;

    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

    pub(super) fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
        Ok(renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE)?)
    }

    pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
        Ok(renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE)?)
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod in_one_step {
    //! Callers have another way for file systems that cannot do it, and take it here as well.

    use std::io;
    use std::path::Path;

    pub(super) fn rename_to_free_name(_from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Makes a symbolic link at a free name.
///
/// # Errors
///
/// `AlreadyExists` when the name is taken; whatever else the system says.
#[expect(clippy::disallowed_methods, reason = "this is the one home of symlink")]
pub fn symlink(target: &Path, link: &Path) -> Result<()> {
    before(Operation::Symlink, link)
        .and_then(|()| std::os::unix::fs::symlink(target, link))
        .map_err(Error::io("make the link", link))
}

/// Gives a file another name.
///
/// # Errors
///
/// `AlreadyExists` when the name is taken; `CrossesDevices`, `PermissionDenied` or `TooManyLinks` where
/// the file cannot have the name, and a copy has to serve.
#[expect(clippy::disallowed_methods, reason = "this is the one home of hard_link")]
pub fn hard_link(file: &Path, name: &Path) -> Result<()> {
    before(Operation::HardLink, name)
        .and_then(|()| fs::hard_link(file, name))
        .map_err(Error::io("link", name))
}

/// Removes the name of a file or of a symbolic link.
///
/// # Errors
///
/// The system's answer, `NotFound` among them.
pub fn unlink(path: &Path) -> Result<()> {
    before(Operation::Unlink, path).and_then(|()| fs::remove_file(path)).map_err(Error::io("remove", path))
}
