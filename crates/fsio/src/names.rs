//! The names in an open folder.

use std::ffi::{CStr, OsStr};
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;

use nix::sys::stat::SFlag;

/// What a name stands for; a link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket or a device.
    Other,
}

impl Kind {
    pub(crate) fn of_mode(mode: nix::libc::mode_t) -> Kind {
        match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Kind::Folder,
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFLNK => Kind::Link,
            _ => Kind::Other,
        }
    }
}

/// One name in a folder, as the folder has it: nothing was asked of what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The name.
    pub name: &'a OsStr,
    /// What it stands for; `None` where the file system does not keep that beside the name.
    pub kind: Option<Kind>,
    /// The number of what it stands for. Looking in the order of these numbers reads a disk, and the system's memory
    /// of it, from the beginning to the end.
    pub inode: u64,
}

/// Memory for the names of a folder, which serves for one folder after another.
pub struct NamesBuffer(#[cfg_attr(not(target_os = "linux"), allow(dead_code))] Vec<u8>);

/// As much as other programs ask for at once.
const ROOM: usize = 32 << 10;

impl NamesBuffer {
    /// Asks for the memory.
    #[must_use]
    pub fn new() -> NamesBuffer {
        NamesBuffer(Vec::with_capacity(ROOM))
    }
}

impl Default for NamesBuffer {
    fn default() -> NamesBuffer {
        NamesBuffer::new()
    }
}

impl fmt::Debug for NamesBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamesBuffer")
    }
}

/// Shows the names in a folder that nobody has listed since it was opened, in no order, without `.` and `..`.
#[cfg(target_os = "linux")]
pub(crate) fn each_name<E>(
    folder: BorrowedFd<'_>,
    buffer: &mut NamesBuffer,
    unreadable: impl FnOnce(io::Error) -> E,
    mut seen: impl FnMut(Listed<'_>) -> Result<(), E>,
) -> Result<(), E> {
    use rustix::fs::{FileType, RawDir};
    use rustix::io::Errno;

    let mut names = RawDir::new(folder, buffer.0.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = match entry {
            Ok(entry) => entry,
            // The folder was removed since it was opened: it has no names.
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(unreadable(error.into())),
        };
        let kind = match entry.file_type() {
            FileType::Unknown => None,
            FileType::Directory => Some(Kind::Folder),
            FileType::RegularFile => Some(Kind::File),
            FileType::Symlink => Some(Kind::Link),
            _ => Some(Kind::Other),
        };
        if let Some(name) = own_name(entry.file_name()) {
            seen(Listed { name, kind, inode: entry.ino() })?;
        }
    }
    Ok(())
}

/// Shows the names in a folder, in no order, without `.` and `..`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn each_name<E>(
    folder: BorrowedFd<'_>,
    _buffer: &mut NamesBuffer,
    unreadable: impl FnOnce(io::Error) -> E,
    mut seen: impl FnMut(Listed<'_>) -> Result<(), E>,
) -> Result<(), E> {
    use nix::dir::{Dir, Type};

    let open = || -> io::Result<Dir> { Ok(Dir::from_fd(folder.try_clone_to_owned()?)?) };
    let mut folder = match open() {
        Ok(folder) => folder,
        Err(error) => return Err(unreadable(error)),
    };
    for entry in folder.iter() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Err(unreadable(error.into())),
        };
        let kind = entry.file_type().map(|kind| match kind {
            Type::Directory => Kind::Folder,
            Type::File => Kind::File,
            Type::Symlink => Kind::Link,
            _ => Kind::Other,
        });
        if let Some(name) = own_name(entry.file_name()) {
            seen(Listed { name, kind, inode: entry.ino() })?;
        }
    }
    Ok(())
}

/// The name, unless it stands for the folder itself or the one above.
fn own_name(name: &CStr) -> Option<&OsStr> {
    let name = name.to_bytes();
    (!matches!(name, b"." | b"..")).then(|| OsStr::from_bytes(name))
}
