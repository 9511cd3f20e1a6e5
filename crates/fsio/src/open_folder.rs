//! Looking at many files below one folder.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

use crate::names::each_name;
use crate::open::regular_with_metadata;
use crate::stamp::nanoseconds;
use crate::{Error, Kind, Listed, NamesBuffer, Result, Stamp};

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

    /// Opens a folder below this one; `None` when there is nothing of that name. A link to a folder is none;
    /// one that is on the way to it is followed.
    ///
    /// # Errors
    ///
    /// The system's answer, `NotADirectory` for anything else that has the name.
    pub fn below(&self, relative: &OsStr) -> Result<Option<OpenFolder>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.folder, relative, flags, Mode::empty()) {
            Ok(folder) => Ok(Some(OpenFolder { folder: folder.into(), path: self.path.join(relative) })),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(Error::io("open", &self.path.join(relative))(error.into())),
        }
    }

    /// Shows every name in the folder, in no order, until `seen` fails. It does so once: the system goes on where it
    /// was.
    ///
    /// # Errors
    ///
    /// The system's answer, and what `seen` says.
    pub fn each_name(
        &self,
        buffer: &mut NamesBuffer,
        seen: impl FnMut(Listed<'_>) -> Result<()>,
    ) -> Result<()> {
        each_name(self.folder.as_fd(), buffer, Error::io("read the folder", &self.path), seen)
    }

    /// What the system says about the folder itself.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn facts(&self) -> Result<Facts> {
        let stat = fstat(&self.folder).map_err(|error| Error::io("look at", &self.path)(error.into()))?;
        Ok(Facts::of(&stat))
    }

    /// What the system says about whatever has a name below the folder; `None` when nothing has. A link is not followed.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn facts_below(&self, relative: &OsStr) -> Result<Option<Facts>> {
        match fstatat(&self.folder, relative, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Facts::of(&stat))),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(Error::io("look at", &self.path.join(relative))(error.into())),
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
            Ok(stat) => {
                Ok(Some(Facts::of(&stat)).filter(|facts| facts.kind == Kind::File).map(|facts| facts.stamp))
            }
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

    /// Reads a whole file below the folder in the place of what `bytes` held, and returns what the system said about
    /// it when it was opened; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// As [`read_file`](crate::read_file).
    pub fn read_file(&self, relative: &OsStr, limit: u64, bytes: &mut Vec<u8>) -> Result<Option<Facts>> {
        bytes.clear();
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let path = || self.path.join(relative);
        let mut file = match openat(&self.folder, relative, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ENOENT) => return Ok(None),
            Err(error) => return regular_with_metadata("read", &path(), Err(error.into())).map(|_| None),
        };
        let failed = |error: io::Error| Error::io("read", &path())(error);
        let facts = Facts::of(&fstat(&file).map_err(|error| failed(error.into()))?);
        if facts.kind != Kind::File {
            return Err(Error::NotAFile { operation: "read", path: path() });
        }
        let too_large = |size| Error::TooLarge { path: path(), size, limit };
        if facts.stamp.length > limit {
            return Err(too_large(facts.stamp.length));
        }
        let length = usize::try_from(facts.stamp.length).unwrap_or(usize::MAX);
        // With room for one byte more, one call tells that the file is as long as was said.
        bytes.resize(length.saturating_add(1), 0);
        let read = retried(|| file.read(bytes)).map_err(failed)?;
        bytes.truncate(read);
        if read != length {
            let rest = limit.saturating_add(1).saturating_sub(read as u64);
            file.take(rest).read_to_end(bytes).map_err(failed)?;
            let read = bytes.len() as u64;
            if read > limit {
                return Err(too_large(read));
            }
        }
        Ok(Some(facts))
    }
}

fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// What a system says about a file, a folder or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Which it is, and when it was changed.
    pub stamp: Stamp,
    /// How many names it has.
    pub names: u64,
    /// How much of the disk it was given, in units of 512 bytes.
    pub blocks: u64,
}

impl Facts {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "systems differ in the types of these numbers"
    )]
    fn of(stat: &FileStat) -> Facts {
        Facts {
            kind: Kind::of_mode(stat.st_mode),
            stamp: Stamp {
                device: stat.st_dev as u64,
                inode: stat.st_ino as u64,
                length: stat.st_size as u64,
                modified: (stat.st_mtime as i64, nanoseconds(stat.st_mtime_nsec as i64)),
                changed: (stat.st_ctime as i64, nanoseconds(stat.st_ctime_nsec as i64)),
            },
            names: stat.st_nlink as u64,
            blocks: stat.st_blocks as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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

    #[test]
    fn a_folder_shows_each_of_many_names_once_and_what_it_is() {
        let root = tempfile::tempdir().unwrap();
        let mut expected: Vec<(String, Kind)> = vec![("folder".to_owned(), Kind::Folder)];
        std::fs::create_dir(root.path().join("folder")).unwrap();
        crate::op::symlink(Path::new("folder"), &root.path().join("link")).unwrap();
        expected.push(("link".to_owned(), Kind::Link));
        // More than the system tells at once.
        for number in 0..400 {
            let name = format!("{number:0>200}");
            File::create(root.path().join(&name)).unwrap();
            expected.push((name, Kind::File));
        }
        let open = OpenFolder::open(root.path()).unwrap().unwrap();
        let mut shown = Vec::new();
        let mut buffer = NamesBuffer::new();
        open.each_name(&mut buffer, |listed| {
            let facts = open.facts_below(listed.name)?.unwrap();
            assert_eq!(facts.stamp.inode, listed.inode);
            assert!(listed.kind.is_none_or(|kind| kind == facts.kind));
            shown.push((listed.name.to_str().unwrap().to_owned(), facts.kind));
            Ok(())
        })
        .unwrap();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected);

        let below = open.below(OsStr::new("folder")).unwrap().unwrap();
        assert_eq!(open.facts_below(OsStr::new("folder")).unwrap(), Some(below.facts().unwrap()));
        assert_eq!(open.facts_below(OsStr::new("none")).unwrap(), None);
        assert!(open.below(OsStr::new("none")).unwrap().is_none());
        let is_refused = |name: &str| open.below(OsStr::new(name)).is_err();
        assert!(is_refused("link") && is_refused(&shown[0].0), "only a folder is one");
        let mut nothing = |_: Listed<'_>| -> Result<()> {
            unreachable!("neither what another folder left in the memory nor what has gone")
        };
        below.each_name(&mut buffer, &mut nothing).unwrap();
        std::fs::remove_dir(root.path().join("folder")).unwrap();
        below.each_name(&mut buffer, nothing).unwrap();
    }

    #[test]
    fn a_file_below_is_read_whole_however_long_the_system_says_it_is() {
        let root = tempfile::tempdir().unwrap();
        let open = OpenFolder::open(root.path()).unwrap().unwrap();
        let mut bytes = b"of another file".to_vec();
        for contents in [&b""[..], b"x\n", &[b'y'; 70_000]] {
            File::create(root.path().join("file")).unwrap().write_all(contents).unwrap();
            let limit = contents.len() as u64;
            let facts = open.read_file(OsStr::new("file"), limit, &mut bytes).unwrap().unwrap();
            assert_eq!((bytes.as_slice(), facts.stamp.length), (contents, limit));
            if let Some(less) = limit.checked_sub(1) {
                let refused = open.read_file(OsStr::new("file"), less, &mut bytes);
                assert!(matches!(refused, Err(Error::TooLarge { .. })));
            }
        }
        assert_eq!(open.read_file(OsStr::new("none"), 9, &mut bytes).unwrap(), None);
        crate::op::symlink(Path::new("file"), &root.path().join("link")).unwrap();
        std::fs::create_dir(root.path().join("folder")).unwrap();
        for name in ["link", "folder"] {
            let refused = open.read_file(OsStr::new(name), 9, &mut bytes);
            assert!(matches!(refused, Err(Error::NotAFile { .. })), "{name}");
        }
    }

    /// The system says that such a file is empty.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_says_nothing_of_its_length_is_read_to_its_end() {
        let open = OpenFolder::open(Path::new("/proc/self")).unwrap().unwrap();
        let mut bytes = Vec::new();
        let facts = open.read_file(OsStr::new("status"), 1 << 20, &mut bytes).unwrap().unwrap();
        assert_eq!(facts.stamp.length, 0);
        assert!(bytes.len() > 500 && bytes.ends_with(b"\n"));
        assert!(matches!(open.read_file(OsStr::new("status"), 100, &mut bytes), Err(Error::TooLarge { .. })));
    }
}
