//! Removing a tree, whatever somebody made of it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, renameat};
#[cfg(target_os = "linux")]
use nix::fcntl::{OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::names::each_name;
use crate::{Error, Kind, NamesBuffer, Result};

/// Opens a folder for its names alone, where the system can: no right to list it is needed then.
#[cfg(target_os = "linux")]
const NAMES_ONLY: OFlag = OFlag::O_PATH;
#[cfg(not(target_os = "linux"))]
const NAMES_ONLY: OFlag = OFlag::O_RDONLY;

/// How many folders are open at most while a tree is removed.
const MAX_OPEN: usize = 32;
/// How often a folder that somebody else fills meanwhile is emptied.
const ATTEMPTS: usize = 3;

/// Removes a folder with all that is in it, or a file, or a symbolic link. Links are removed, never
/// followed, also when somebody puts one in the place of a folder meanwhile. What is gone already, or goes
/// meanwhile, is no error. Folders without the right to write, as some package managers leave them, are
/// given it first. A tree may be of any depth: stack and open files are bounded. Nothing is removed
/// through a mount: a place where something is mounted, and what is mounted there, stay. Before Linux 5.6, in
/// sandboxes that do not know `openat2`, and on other systems, that is so of mounts of other devices.
///
/// A power cut may bring all or a part of the tree back.
///
/// # Errors
///
/// `InvalidInput`, and nothing is removed, for a path that does not end in a name, such as `/` or `..`; the
/// system's answer otherwise, `CrossesDevices` for a mount among them, and some of the tree may have been
/// removed.
pub fn remove_tree(path: &Path) -> Result<()> {
    // With a slash behind it, a link stands for what it leads to.
    let path = path.components().as_path();
    #[cfg(feature = "faults")]
    if let Some(error) = crate::faults::torn_removal(path) {
        return Err(Error::io("remove", path)(error));
    }
    remove(path).map_err(Error::io("remove", path))
}

/// Removes several trees, each as [`remove_tree`] does, on as many threads as there are cores. What became of
/// each is told in the order of the paths; that one cannot be removed does not keep the others from going.
///
/// None of them may be inside another. While a test counts or stops the operations of the calling thread, they are
/// removed in that thread, one after the other.
pub fn remove_trees(paths: &[&Path]) -> Vec<Result<()>> {
    if crate::must_stay_in_thread() {
        return paths.iter().map(|path| remove_tree(path)).collect();
    }
    let removed = crate::in_parallel(paths.len(), 1, |range| -> Vec<Result<()>> {
        paths.get(range).unwrap_or_default().iter().map(|path| remove_tree(path)).collect()
    });
    let results = paths.iter().zip(removed.into_iter().flatten());
    // What several threads may not open at the same time, one perhaps may.
    results.map(|(path, result)| if is_too_many_open(&result) { remove_tree(path) } else { result }).collect()
}

fn is_too_many_open(result: &Result<()>) -> bool {
    matches!(result, Err(Error::Io { source, .. }) if is_out_of_descriptors(source))
}

fn remove(path: &Path) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return fine_if_gone(fs::remove_file(path)),
        Err(error) => return fine_if_gone(Err(error)),
    }
    // An empty folder goes also where no file can be opened any more. Whatever is wrong shows in what follows.
    if fs::remove_dir(path).is_ok() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = NAMES_ONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let above = match openat(AT_FDCWD, above, flags, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other?,
    };
    for _ in 0..ATTEMPTS {
        empty(above.as_fd(), name)?;
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            other => return fine_if_gone(other),
        }
    }
    Err(io::ErrorKind::DirectoryNotEmpty.into())
}

fn fine_if_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A folder that is being emptied.
struct Level {
    name: OsString,
    folder: OwnedFd,
    /// What is still to be removed, and whether it was seen to be a folder.
    entries: Vec<(OsString, bool)>,
}

/// Removes everything in a folder, depth first. Below [`MAX_OPEN`] levels, or as many as the process may open, a
/// folder is moved up to the top and has its turn there.
fn empty(above: BorrowedFd<'_>, top: &OsStr) -> io::Result<()> {
    let mut buffer = NamesBuffer::new();
    let mut levels: Vec<Level> = Level::open(above, top, &mut buffer)?.into_iter().collect();
    let mut moved = 0_u64;
    while let Some(level) = levels.last_mut() {
        let Some((name, is_folder)) = level.entries.pop() else {
            let name = levels.pop().map(|done| done.name).unwrap_or_default();
            if let Some(parent) = levels.last() {
                remove_empty(parent.folder.as_fd(), &name)?;
            }
            continue;
        };
        if !is_folder && unlink(level.folder.as_fd(), &name)? {
            continue;
        }
        if levels.len() < MAX_OPEN {
            let level = levels.last().map(|level| Level::open(level.folder.as_fd(), &name, &mut buffer));
            match level.transpose() {
                Ok(inside) => {
                    levels.extend(inside.flatten());
                    continue;
                }
                // Deep enough for this process.
                Err(error) if levels.len() > 1 && is_out_of_descriptors(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if let [top, .., deepest] = levels.as_mut_slice()
            && !remove_empty(deepest.folder.as_fd(), &name)?
            && let Some(name) = move_up(deepest.folder.as_fd(), &name, top.folder.as_fd(), &mut moved)?
        {
            top.entries.push((name, true));
        }
    }
    Ok(())
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EMFILE as i32)
}

impl Level {
    /// Opens a folder and reads its names; `None` when it is gone.
    fn open(parent: BorrowedFd<'_>, name: &OsStr, buffer: &mut NamesBuffer) -> io::Result<Option<Level>> {
        let opened = match open_folder(parent, name) {
            Err(Errno::EACCES) => {
                allow(parent, name);
                open_folder(parent, name)
            }
            other => other,
        };
        let folder = match opened {
            Err(Errno::ENOENT) => return Ok(None),
            other => other?,
        };
        if fstat(&folder)?.st_mode & Mode::S_IRWXU.bits() != Mode::S_IRWXU.bits() {
            // Whether that succeeds shows in what is tried next.
            let _ = fchmod(&folder, Mode::S_IRWXU);
        }
        let mut entries = Vec::new();
        each_name(
            folder.as_fd(),
            buffer,
            |error| error,
            |listed| {
                entries.push((listed.name.to_owned(), listed.kind == Some(Kind::Folder)));
                Ok(())
            },
        )?;
        Ok(Some(Level { name: name.to_owned(), folder, entries }))
    }
}

const A_FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Opens a folder in another, and neither what a link leads to nor what is mounted there.
fn open_folder(parent: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    match openat2(parent, name, OpenHow::new().flags(A_FOLDER).resolve(ResolveFlag::RESOLVE_NO_XDEV)) {
        // A system that is too old for the call, or a sandbox that does not know it.
        Err(Errno::ENOSYS | Errno::EPERM) => {}
        other => return other,
    }
    open_on_one_device(parent, name)
}

/// As [`open_folder`], where no call tells of mounts: what is on another device is mounted.
fn open_on_one_device(parent: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    let folder = openat(parent, name, A_FOLDER, Mode::empty())?;
    if fstat(&folder)?.st_dev == fstat(parent)?.st_dev { Ok(folder) } else { Err(Errno::EXDEV) }
}

/// Removes a name that is thought not to be a folder's; `false` when it is one after all.
fn unlink(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<bool> {
    match unlinkat(folder, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::EISDIR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes an empty folder; `false` when it is not empty.
fn remove_empty(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<bool> {
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Moves a folder to the top under a name that is free; `None` when it is gone.
fn move_up(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    top: BorrowedFd<'_>,
    moved: &mut u64,
) -> io::Result<Option<OsString>> {
    let mut is_allowed = false;
    loop {
        *moved += 1;
        let free = OsString::from(format!(".moved-{moved}"));
        match renameat(parent, name, top, free.as_os_str()) {
            Ok(()) => return Ok(Some(free)),
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) => {}
            // A folder that moves is written to as well: it holds the way to its parent.
            Err(Errno::EACCES) if !is_allowed => {
                is_allowed = true;
                allow(parent, name);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives the owner all rights on a folder in another, never through a symbolic link. Whether that succeeds shows
/// in what is tried next.
fn allow(parent: BorrowedFd<'_>, name: &OsStr) {
    let _ = fchmodat(parent, name, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_is_on_another_device_is_not_opened_where_no_call_tells_of_mounts() {
        let top = fs::File::open("/").unwrap();
        let device = |path: &str| fs::metadata(path).unwrap().dev();
        if device("/dev") == device("/") {
            return;
        }
        assert_eq!(open_on_one_device(top.as_fd(), OsStr::new("dev")).unwrap_err(), Errno::EXDEV);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        let open = fs::File::open(folder.path()).unwrap();
        assert!(open_on_one_device(open.as_fd(), OsStr::new("inner")).is_ok());
    }
}
