//! Looking at files without opening them.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, SFlag, fstatat};

use crate::identity::Identity;

/// The part of a file's mode that is kept and compared.
pub(crate) const RIGHTS: u32 = 0o777;

/// What the file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) identity: Identity,
    pub(crate) mode: u32,
    pub(crate) is_file: bool,
}

impl From<&Metadata> for Look {
    fn from(metadata: &Metadata) -> Look {
        Look {
            identity: Identity::of(metadata),
            mode: metadata.permissions().mode() & RIGHTS,
            is_file: metadata.is_file(),
        }
    }
}

impl From<&FileStat> for Look {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "systems differ in the types of these numbers"
    )]
    fn from(stat: &FileStat) -> Look {
        let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
        Look {
            identity: Identity {
                device: stat.st_dev as u64,
                inode: stat.st_ino as u64,
                size: stat.st_size as u64,
                modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
                changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            },
            mode: stat.st_mode as u32 & RIGHTS,
            is_file: kind == SFlag::S_IFREG,
        }
    }
}

/// The folder of a build, which is held open from the first look on: the way to it is not walked again for each file
/// below it, which is half of what a look costs. Looks go to the folder that was opened, also when another one has been
/// put in its place: whoever rests on them asks [`Home::was_replaced`], before the first one of a row and after the last.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// `None` when it cannot be opened. Files are looked at by their full paths then.
    folder: OnceLock<Option<Folder>>,
    /// Whether its path was seen to lead elsewhere. Files are looked at by their full paths from then on.
    was_replaced: AtomicBool,
}

/// An open folder, and which one it is.
#[derive(Debug)]
struct Folder {
    file: File,
    place: (u64, u64),
}

impl Folder {
    fn open(path: &Path) -> Option<Folder> {
        let file = File::open(path).ok()?;
        let place = place(&file.metadata().ok()?);
        Some(Folder { file, place })
    }
}

fn place(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl Home {
    pub(crate) fn new(path: PathBuf) -> Home {
        Home { path, folder: OnceLock::new(), was_replaced: AtomicBool::new(false) }
    }

    /// Whether the path leads, or was seen to lead, to another folder than the one that files were looked at in. If so,
    /// nothing is looked at in that one any more.
    pub(crate) fn was_replaced(&self) -> bool {
        if self.was_replaced.load(Ordering::Relaxed) {
            return true;
        }
        let Some(Some(folder)) = self.folder.get() else { return false };
        if std::fs::metadata(&self.path).is_ok_and(|now| place(&now) == folder.place) {
            return false;
        }
        self.was_replaced.store(true, Ordering::Relaxed);
        true
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at what a path leads to. Links are followed.
    pub(crate) fn look(&self, path: &Path) -> io::Result<Look> {
        match self.inside(path) {
            Some((folder, inside)) => look_at(folder, inside, AtFlags::empty()),
            None => std::fs::metadata(path).map(|metadata| Look::from(&metadata)),
        }
    }

    /// Looks at what has a name, which may be a link.
    pub(crate) fn look_no_further(&self, path: &Path) -> io::Result<Look> {
        match self.inside(path) {
            Some((folder, inside)) => look_at(folder, inside, AtFlags::AT_SYMLINK_NOFOLLOW),
            None => std::fs::symlink_metadata(path).map(|metadata| Look::from(&metadata)),
        }
    }

    /// The open folder, and the rest of the way; `None` when the path does not lead through it.
    fn inside<'a>(&self, path: &'a Path) -> Option<(&File, &'a Path)> {
        let bytes = path.as_os_str().as_bytes().strip_prefix(self.path.as_os_str().as_bytes())?;
        let inside =
            bytes.strip_prefix(b"/").filter(|inside| !inside.is_empty() && !inside.starts_with(b"/"))?;
        if self.was_replaced.load(Ordering::Relaxed) {
            return None;
        }
        let folder = self.folder.get_or_init(|| Folder::open(&self.path)).as_ref()?;
        Some((&folder.file, Path::new(std::ffi::OsStr::from_bytes(inside))))
    }
}

fn look_at(folder: &File, inside: &Path, flags: AtFlags) -> io::Result<Look> {
    Ok(Look::from(&fstatat(folder, inside, flags)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_from_the_open_folder_says_what_the_full_path_says() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        std::fs::create_dir_all(home.join("sub")).unwrap();
        std::fs::create_dir_all(root.path().join("home2")).unwrap();
        for file in ["home/file", "home/sub/file", "home2/file", "file"] {
            std::fs::File::create(root.path().join(file)).unwrap();
        }
        #[expect(clippy::disallowed_methods, reason = "a link to look at")]
        std::os::unix::fs::symlink("sub/file", home.join("link")).unwrap();
        let looks = Home::new(home.clone());
        for path in
            ["home/file", "home/sub/file", "home/sub", "home/link", "home", "home2/file", "home/../file"]
        {
            let path = root.path().join(path);
            let full = Look::from(&std::fs::metadata(&path).unwrap());
            assert_eq!(looks.look(&path).unwrap(), full, "{}", path.display());
            let name = Look::from(&std::fs::symlink_metadata(&path).unwrap());
            assert_eq!(looks.look_no_further(&path).unwrap(), name, "{}", path.display());
        }
        assert!(!looks.look_no_further(&home.join("link")).unwrap().is_file);
        for missing in ["home/none", "home/file/none"] {
            let path = root.path().join(missing);
            assert_eq!(
                looks.look(&path).unwrap_err().kind(),
                std::fs::metadata(&path).unwrap_err().kind(),
                "{missing}"
            );
        }
        let gone = Home::new(root.path().join("gone"));
        assert_eq!(gone.look(&root.path().join("gone/file")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
