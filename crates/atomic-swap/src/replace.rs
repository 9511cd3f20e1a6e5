//! Replacing a file or a symbolic link.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use buildbook_fsio::{Durability, Lock, Taken, op, sync_folder};

use crate::leftover::{Role, make_beside, split};
use crate::{Error, Result};

/// Replaces the contents of a file, or creates it.
///
/// Readers see the old contents or the new ones. If the process dies, the old ones stay; with
/// [`Durability::Synced`] the new ones survive a power cut once this returns, and with
/// [`Durability::Cached`] a power cut may bring the old ones back, and on some file systems an empty file.
/// The new file has the rights 0666 less the umask, whatever the old one had. A symbolic link of that name is
/// itself replaced.
///
/// For a moment the new file is locked; whoever only tries to lock it may find it held.
///
/// # Errors
///
/// [`Error::NotDurable`] when the new contents are in place and only the last sync failed; the system's answer
/// otherwise, and the old contents are untouched.
pub fn replace_file(path: &Path, contents: &[u8], durability: Durability) -> Result<()> {
    replace_file_with(path, durability, |file| file.write_all(contents))
}

/// Replaces the contents of a file by what a function writes. See [`replace_file`].
///
/// # Errors
///
/// [`Error::Contents`] with what the function returns; otherwise as [`replace_file`].
pub fn replace_file_with(
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    replace(path, durability, write, || {})
}

/// As [`replace_file_with`] with [`Durability::Synced`], and calls a function as soon as readers find the new contents,
/// before the device is known to have their name.
///
/// This is for what can be done while the device works. Others may use the new contents from then on, but a power cut
/// may still bring the old ones back: `named` must tell nobody of what only the new ones have. It is not called when
/// the old contents stay.
///
/// # Errors
///
/// As [`replace_file_with`].
pub fn replace_file_synced(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    named: impl FnOnce(),
) -> Result<()> {
    replace(path, Durability::Synced, write, named)
}

fn replace(
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    named: impl FnOnce(),
) -> Result<()> {
    let (folder, _) = split(path)?;
    let temporary = Temporary::create(path)?;
    let mut writer = BufWriter::with_capacity(64 << 10, Counted(&temporary));
    write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(|source| Error::Contents { path: path.to_owned(), source })?;
    drop(writer);
    if durability == Durability::Synced {
        op::sync_file(&temporary.file, &temporary.path)?;
    }
    op::rename(&temporary.path, path)?;
    temporary.keep();
    named();
    sync_name(folder, path, durability)
}

/// Points a symbolic link at another target, or creates it.
///
/// Readers find the old target or the new one. The target is stored as it is given: a relative one is
/// relative to the folder of the link. With [`Durability::Synced`] the change survives a power cut.
///
/// # Errors
///
/// [`Error::NotDurable`] when the new link is in place and only the last sync failed; the system's answer
/// otherwise, `IsADirectory` among them when a folder has the name, and the old link is untouched.
pub fn replace_symlink(target: &Path, link: &Path, durability: Durability) -> Result<()> {
    let (folder, _) = split(link)?;
    loop {
        let (temporary, ()) = make_beside(link, Role::Temporary, |candidate| op::symlink(target, candidate))?;
        match op::rename(&temporary, link) {
            Ok(()) => break,
            // A link cannot be locked, so recovery takes one that stays for long for a dead one.
            Err(error) if error.is_not_found() && folder.is_dir() => {}
            Err(error) => {
                let _ = op::unlink(&temporary);
                return Err(error.into());
            }
        }
    }
    sync_name(folder, link, durability)
}

fn sync_name(folder: &Path, target: &Path, durability: Durability) -> Result<()> {
    match durability {
        Durability::Cached => Ok(()),
        Durability::Synced => {
            sync_folder(folder).map_err(|source| Error::NotDurable { target: target.to_owned(), source })
        }
    }
}

/// A file that is being written. It is locked, which tells recovery that its writer is alive, and it is
/// removed when it is dropped before it was renamed.
struct Temporary {
    path: PathBuf,
    file: File,
    _alive: Lock,
    renamed: bool,
}

impl Temporary {
    fn create(target: &Path) -> Result<Temporary> {
        loop {
            let (path, file) = make_beside(target, Role::Temporary, op::create_new)?;
            match Lock::try_acquire_existing(&path) {
                Ok(Taken::Acquired(alive)) => {
                    return Ok(Temporary { path, file, _alive: alive, renamed: false });
                }
                // Recovery has found the file before it was locked, and removes it.
                Ok(_) => {}
                Err(error) => {
                    let _ = op::unlink(&path);
                    return Err(error.into());
                }
            }
        }
    }

    fn keep(mut self) {
        self.renamed = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nobody can be told here. Recovery removes what stays.
            let _ = op::unlink(&self.path);
        }
    }
}

/// Writes through the one place where writes are counted.
struct Counted<'a>(&'a Temporary);

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        op::write_all(&self.0.file, &self.0.path, bytes).map_err(|error| match error {
            buildbook_fsio::Error::Io { source, .. } => source,
            other => io::Error::other(other),
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
