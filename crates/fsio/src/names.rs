//! The names in an open folder.

use std::ffi::{CStr, OsStr};
use std::fmt;
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

#[cfg(not(target_os = "linux"))]
pub(crate) use anywhere::each_name;
#[cfg(target_os = "linux")]
pub(crate) use linux::each_name;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::BorrowedFd;

    use rustix::fs::{FileType, RawDir};
    use rustix::io::Errno;

    use super::{Kind, Listed, NamesBuffer, own_name};

    /// Shows the names in a folder that nobody has listed since it was opened, in no order, without `.` and `..`.
    pub(crate) fn each_name<E>(
        folder: BorrowedFd<'_>,
        buffer: &mut NamesBuffer,
        unreadable: impl FnOnce(io::Error) -> E,
        mut seen: impl FnMut(Listed<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
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
}

/// As on any system. Linux compiles it for tests alone, so that it is seen to work.
#[cfg(any(test, not(target_os = "linux")))]
mod anywhere {
    use std::io;
    use std::os::fd::BorrowedFd;

    use nix::dir::{Dir, Type};

    use super::{Kind, Listed, NamesBuffer, own_name};

    /// Shows the names in a folder, in no order, without `.` and `..`.
    pub(crate) fn each_name<E>(
        folder: BorrowedFd<'_>,
        _buffer: &mut NamesBuffer,
        unreadable: impl FnOnce(io::Error) -> E,
        mut seen: impl FnMut(Listed<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
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
}

/// The name, unless it stands for the folder itself or the one above.
fn own_name(name: &CStr) -> Option<&OsStr> {
    let name = name.to_bytes();
    (!matches!(name, b"." | b"..")).then(|| OsStr::from_bytes(name))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make what is listed")]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;

    use super::*;

    type All = BTreeSet<(OsString, Option<Kind>, u64)>;

    /// What one of the two shows.
    macro_rules! all {
        ($each_name:path, $path:expr) => {{
            let (folder, mut all) = (File::open($path).unwrap(), All::new());
            let add = |listed: Listed<'_>| {
                assert!(all.insert((listed.name.to_owned(), listed.kind, listed.inode)));
                Ok(())
            };
            $each_name(folder.as_fd(), &mut NamesBuffer::new(), |error| error, add).unwrap();
            all
        }};
    }

    #[test]
    fn every_system_lists_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(all!(each_name, folder.path()), All::new());
        assert_eq!(all!(anywhere::each_name, folder.path()), All::new());
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("folder", at("link")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for number in 0..2_000 {
            fs::write(at(&format!("..file {number}")), "").unwrap();
        }
        let all = all!(each_name, folder.path());
        assert_eq!((all.len(), &all!(anywhere::each_name, folder.path())), (2_003, &all));
        for (name, kind) in [("folder", Kind::Folder), ("link", Kind::Link), ("fifo", Kind::Other)] {
            let found = all.iter().find(|(other, ..)| other == name).unwrap();
            assert!(found.1.is_none_or(|found| found == kind), "{found:?}");
        }
    }

    #[test]
    fn whoever_has_seen_enough_is_asked_no_more() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "other"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let open = File::open(folder.path()).unwrap();
        let mut seen = 0;
        let stop = |_: Listed<'_>| {
            seen += 1;
            Err("enough")
        };
        let buffer = &mut NamesBuffer::new();
        assert_eq!(anywhere::each_name(open.as_fd(), buffer, |_| "unreadable", stop), Err("enough"));
        assert_eq!(seen, 1);
        let file = File::open(folder.path().join("one")).unwrap();
        let listed = anywhere::each_name(file.as_fd(), buffer, |_| "unreadable", |_| Ok(()));
        assert_eq!(listed, Err("unreadable"));
    }
}
