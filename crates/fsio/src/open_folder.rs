//! Looking at many files below one folder.

use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};

use crate::open::regular_with_metadata;
use crate::stamp::nanoseconds;
use crate::{Error, Result, Stamp};

/// A folder that is held open, so that the way to it is not walked again for each file below it.
#[derive(Debug)]
pub struct OpenFolder {
    folder: File,
    path: PathBuf,
}

impl OpenFolder {
    /// Opens a folder, or what a link to one leads to; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn open(path: &Path) -> Result<Option<OpenFolder>> {
        let mut options = OpenOptions::new();
        match options.read(true).custom_flags(OFlag::O_DIRECTORY.bits()).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", path)(error)),
            Ok(folder) => Ok(Some(OpenFolder { folder, path: path.to_owned() })),
        }
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stamp of the folder itself. It changes when a name in it comes, goes or is given to something else.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn stamp(&self) -> Result<Stamp> {
        let metadata = self.folder.metadata().map_err(Error::io("look at", &self.path))?;
        Ok(Stamp::of(&metadata))
    }

    /// The stamp of a file below the folder; `None` when nothing is there but something that is not a regular file,
    /// or nothing at all. Nothing is opened.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn look(&self, relative: &str) -> Result<Option<Stamp>> {
        match fstatat(&self.folder, relative, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(stamp_of_file(&stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(Error::io("look at", &self.path.join(relative))(error.into())),
        }
    }

    /// Opens a file below the folder for reading, as [`open_with_metadata`](crate::open_with_metadata) does.
    ///
    /// # Errors
    ///
    /// As [`open_file`](crate::open_file).
    pub fn open_file(&self, relative: &str) -> Result<Option<(File, Metadata)>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        match openat(&self.folder, relative, flags, Mode::empty()) {
            Err(Errno::ENOENT) => Ok(None),
            Ok(file) => {
                let file = File::from(file);
                match file.metadata() {
                    Ok(metadata) if metadata.is_file() => Ok(Some((file, metadata))),
                    _ => regular_with_metadata("read", &self.path.join(relative), Ok(file)).map(Some),
                }
            }
            Err(error) => {
                regular_with_metadata("read", &self.path.join(relative), Err(error.into())).map(Some)
            }
        }
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "systems differ in the types of these numbers"
)]
fn stamp_of_file(stat: &FileStat) -> Option<Stamp> {
    let is_file = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFREG;
    is_file.then(|| Stamp {
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        length: stat.st_size as u64,
        modified: (stat.st_mtime as i64, nanoseconds(stat.st_mtime_nsec as i64)),
        changed: (stat.st_ctime as i64, nanoseconds(stat.st_ctime_nsec as i64)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_and_opening_agree_and_follow_no_link_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        let (folder, linked) = (root.path().join("folder"), root.path().join("linked"));
        std::fs::create_dir_all(folder.join("a")).unwrap();
        std::fs::create_dir(&linked).unwrap();
        crate::op::symlink(&linked, &folder.join("b")).unwrap();
        for file in [folder.join("a/file"), linked.join("file")] {
            crate::append_lines(&file, b"line\n", crate::Durability::Cached).unwrap();
        }
        crate::op::symlink(&folder.join("a/file"), &folder.join("a/link")).unwrap();
        assert!(OpenFolder::open(&root.path().join("missing")).unwrap().is_none());
        assert!(OpenFolder::open(&folder.join("a/file")).is_err());

        let open = OpenFolder::open(&folder).unwrap().unwrap();
        for file in ["a/file", "b/file"] {
            let (_, metadata) = open.open_file(file).unwrap().unwrap();
            assert_eq!(
                open.look(file).unwrap(),
                Some(Stamp::of(&metadata)),
                "folders on the way may be links"
            );
        }
        for (other, is_missing) in [("a/link", false), ("a", false), ("a/none", true), ("none/file", true)] {
            assert_eq!(open.look(other).unwrap(), None, "{other}");
            match open.open_file(other) {
                Ok(None) => assert!(is_missing, "{other}"),
                Err(Error::NotAFile { path, .. }) => assert_eq!(path, folder.join(other)),
                unexpected => unreachable!("{other}: {unexpected:?}"),
            }
        }
        assert!(open.look("a/file/below").is_err());

        let before = open.stamp().unwrap();
        std::fs::create_dir(folder.join("c")).unwrap();
        assert_ne!(open.stamp().unwrap(), before);
    }
}
