//! Waiting for the device once, for everything that was written to a file system.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::op::{Operation, before};
use crate::{Error, Result};

/// A file system on which one call makes everything durable that was written before.
///
/// For one file a sync of that file is the better way: this one waits for what all programs wrote there. For the
/// files of many small results it takes about as long as for one.
#[derive(Debug)]
pub struct FileSystem {
    /// Open since before the writes: the system tells the failures of others' writes to each descriptor once.
    folder: File,
    path: PathBuf,
    device: u64,
}

impl FileSystem {
    /// The file system that a folder is on, or `None` where it is not known that one call is as good as a sync
    /// of each file: on systems that are not Linux 5.17 or later, which tells of all failures, and on anything
    /// but ext2 to ext4, XFS, Btrfs and tmpfs. A caller has to sync file by file then.
    ///
    /// It tells of failed writes since this moment, so it is to be asked for before anything is written.
    ///
    /// # Errors
    ///
    /// The system's answer when the folder cannot be opened.
    pub fn of(folder: &Path) -> Result<Option<FileSystem>> {
        let error = || Error::io("open the folder", folder);
        let open = File::open(folder).map_err(error())?;
        let device = open.metadata().map_err(error())?.dev();
        let file_system = FileSystem { folder: open, path: folder.to_owned(), device };
        Ok(everything::can_sync(&file_system.folder).then_some(file_system))
    }

    /// Whether a file or folder is on it.
    #[must_use]
    pub fn holds(&self, metadata: &Metadata) -> bool {
        metadata.dev() == self.device
    }

    /// Whether what would be written under a path is on it: the file or folder itself, or the nearest folder above
    /// it that is there. Links on the way are followed.
    #[must_use]
    pub fn reaches(&self, path: &Path) -> bool {
        let nearest = path.ancestors().find_map(|path| std::fs::metadata(path).ok());
        nearest.is_some_and(|metadata| self.holds(&metadata))
    }

    /// Waits until the device has everything that was written to the file system before this call, contents and
    /// names, by whomever.
    ///
    /// # Errors
    ///
    /// The system's answer, also when something that another program wrote could not be stored. What was written
    /// since the last call that succeeded may be lost then.
    pub fn sync(&self) -> Result<()> {
        before(Operation::SyncFileSystem, &self.path)
            .and_then(|()| everything::sync(&self.folder))
            .map_err(Error::io("sync the file system of", &self.path))
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod everything {
    use std::fs::File;
    use std::io;

    use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, fstatfs};
    use nix::unistd::syncfs;

    pub(super) fn can_sync(folder: &File) -> bool {
        // All of the ext family have one number.
        let known = [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC];
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        fstatfs(folder).is_ok_and(|found| known.contains(&found.filesystem_type()))
            && super::tells_of_failures(&release)
    }

    pub(super) fn sync(folder: &File) -> io::Result<()> {
        Ok(syncfs(folder)?)
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod everything {
    use std::fs::File;
    use std::io;

    pub(super) fn can_sync(_folder: &File) -> bool {
        false
    }

    pub(super) fn sync(_folder: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether the call tells of all that failed. Before Linux 5.8 it said nothing of contents that could not be written;
/// before 5.17, nothing of a journal or a transaction that the file system could not commit.
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), allow(dead_code))]
fn tells_of_failures(release: &str) -> bool {
    version(release).is_some_and(|version| version >= (5, 17))
}

/// The first two numbers of a kernel's release.
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), allow(dead_code))]
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.trim().split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_passes_over_failed_commits_is_not_trusted() {
        for release in ["6.1.0-13-amd64", "5.17.0", "5.100"] {
            assert!(tells_of_failures(release), "{release}");
        }
        for release in ["5.16.20", "5.8.0", "5.2.99", "4.19.0", ""] {
            assert!(!tells_of_failures(release), "{release}");
        }
    }

    #[test]
    fn the_version_of_a_kernel_is_its_first_two_numbers() {
        for (release, expected) in [
            ("6.18.44-fc-v657\n", Some((6, 18))),
            ("5.8.0", Some((5, 8))),
            ("5.10-rc1", Some((5, 10))),
            ("4.19.0-27-amd64", Some((4, 19))),
            ("6", None),
            ("linux", None),
            ("", None),
        ] {
            assert_eq!(version(release), expected, "{release:?}");
        }
    }
}
