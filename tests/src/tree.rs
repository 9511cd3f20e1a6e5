//! Writing a tree whose every visible property is decided here.

#![expect(
    clippy::disallowed_methods,
    reason = "makes the situations that the crates under test must cope with, without their help"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use buildbook_layout::Timestamp;
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use walkdir::WalkDir;

/// A tree that is being written.
///
/// Paths are taken from its root; an absolute one must lie in it. [`Tree::finish`] gives every file the mode 644,
/// every folder 755, and everything a modification time, so that neither the umask nor the clock shows.
#[derive(Debug)]
#[must_use = "modes and times are set by `finish`"]
pub struct Tree {
    root: PathBuf,
    time: Timestamp,
    times: BTreeMap<PathBuf, Timestamp>,
}

impl Tree {
    /// Makes the root, and the folders above it where they are missing.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn create(root: &Path, time: Timestamp) -> Result<Tree> {
        fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
        Ok(Tree { root: root.to_owned(), time, times: BTreeMap::new() })
    }

    /// The folder that everything is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a folder, and those above it.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn folder(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = self.root.join(path);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))
    }

    /// Writes a file, and makes the folders above it.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn file(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.with_parent(path)?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Adds to the end of a file, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn append(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.with_parent(path)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o644).open(&path);
        file.and_then(|mut file| file.write_all(bytes.as_ref()))
            .with_context(|| format!("cannot append to {}", path.display()))
    }

    /// Makes a symbolic link; the target is written down as it is given.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<()> {
        let path = self.with_parent(path)?;
        symlink(target, &path).with_context(|| format!("cannot link {}", path.display()))
    }

    /// Gives a file of the tree a second name.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn hard_link(&self, path: impl AsRef<Path>, file: impl AsRef<Path>) -> Result<()> {
        let path = self.with_parent(path)?;
        fs::hard_link(self.root.join(file), &path).with_context(|| format!("cannot link {}", path.display()))
    }

    /// Makes a FIFO: whoever opens it to read waits for ever, unless careful.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn fifo(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = self.with_parent(path)?;
        nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o644))
            .with_context(|| format!("cannot make a FIFO {}", path.display()))
    }

    /// Removes a file, a link or a folder with all that is in it.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = self.root.join(path);
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Gives something another name.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        let (from, to) = (self.root.join(from), self.with_parent(to)?);
        fs::rename(&from, to).with_context(|| format!("cannot rename {}", from.display()))
    }

    /// Decides the modification time that [`Tree::finish`] gives to something.
    pub fn changed_at(&mut self, path: impl AsRef<Path>, time: Timestamp) {
        self.times.insert(self.root.join(path), time);
    }

    /// Sets modes and times.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn finish(self) -> Result<()> {
        // A folder after what is in it, because a name that is made in it changes its time.
        for entry in WalkDir::new(&self.root).contents_first(true) {
            let entry = entry?;
            let path = entry.path();
            if !entry.file_type().is_symlink() {
                let mode = if entry.file_type().is_dir() { 0o755 } else { 0o644 };
                fs::set_permissions(path, Permissions::from_mode(mode))
                    .with_context(|| format!("cannot set the mode of {}", path.display()))?;
            }
            let time = TimeSpec::new(self.times.get(path).unwrap_or(&self.time).as_unix(), 0);
            utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink)
                .with_context(|| format!("cannot set the time of {}", path.display()))?;
        }
        Ok(())
    }

    fn with_parent(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        Ok(path)
    }
}

/// Copies a tree, with its links as they are.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let place = to.join(entry.path().strip_prefix(from).unwrap_or_else(|_| OsStr::new("").as_ref()));
        let kind = entry.file_type();
        let made = if kind.is_dir() {
            fs::create_dir_all(&place)
        } else if kind.is_symlink() {
            fs::read_link(entry.path()).and_then(|target| symlink(target, &place))
        } else {
            fs::copy(entry.path(), &place).map(drop)
        };
        made.with_context(|| format!("cannot copy {}", entry.path().display()))?;
    }
    Ok(())
}
