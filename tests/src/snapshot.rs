//! Everything that can be seen of a tree.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

/// The names, kinds, contents, link targets, modes and modification times of a tree at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, Seen>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    what: What,
    mode: u32,
    modified: (i64, i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Folder,
    File { sha256: String, bytes: u64 },
    Link(PathBuf),
    Fifo,
    Other,
}

impl Snapshot {
    /// Looks at a tree, without following a link. The root itself is the entry with the empty name.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn take(root: &Path) -> Result<Snapshot> {
        let mut seen = BTreeMap::new();
        for entry in WalkDir::new(root) {
            let entry = entry?;
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
            let look = look_at(entry.path())
                .with_context(|| format!("cannot look at {}", entry.path().display()))?;
            seen.insert(name, look);
        }
        Ok(Snapshot(seen))
    }

    /// What is in one and not in the other, or differs, a line each; nothing for equal trees.
    #[must_use]
    pub fn differences(&self, other: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, left) in &self.0 {
            match other.0.get(name) {
                None => lines.push(format!("{}: only in the first", name.display())),
                Some(right) if left != right => lines.push(format!("{}: {left} and {right}", name.display())),
                Some(_) => {}
            }
        }
        let only_right = other.0.keys().filter(|name| !self.0.contains_key(*name));
        lines.extend(only_right.map(|name| format!("{}: only in the second", name.display())));
        lines
    }

    /// One number for all of it, in 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, seen) in &self.0 {
            // A name has no NUL, so that two different trees never give the same text.
            hash.update(name.as_os_str().as_bytes());
            hash.update(format!("\0{seen}\0"));
        }
        hex(&hash.finalize())
    }

    /// How many files, folders and other things there are, without the root.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Whether there is nothing in the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn look_at(path: &Path) -> Result<Seen> {
    let metadata = fs::symlink_metadata(path)?;
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        What::Folder
    } else if kind.is_symlink() {
        What::Link(fs::read_link(path)?)
    } else if kind.is_fifo() {
        What::Fifo
    } else if kind.is_file() {
        What::File { sha256: hex(&Sha256::digest(fs::read(path)?)), bytes: metadata.len() }
    } else {
        What::Other
    };
    // The mode of a link says nothing, and differs between systems.
    let mode = if kind.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
    Ok(Seen { what, mode, modified: (metadata.mtime(), metadata.mtime_nsec()) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Folder => f.write_str("a folder")?,
            What::File { sha256, bytes } => write!(f, "a file of {bytes} bytes (sha256 {sha256})")?,
            What::Link(target) => write!(f, "a link to {target:?}")?,
            What::Fifo => f.write_str("a FIFO")?,
            What::Other => f.write_str("something else")?,
        }
        write!(f, ", mode {:o}, modified {}.{:09}", self.mode, self.modified.0, self.modified.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;
    use buildbook_layout::Timestamp;

    fn snapshot(write: impl Fn(&mut Tree) -> Result<()>) -> Snapshot {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Tree::create(&folder.path().join("t"), Timestamp::UNIX_EPOCH).unwrap();
        tree.file("f", "one").unwrap();
        tree.link("l", "f").unwrap();
        write(&mut tree).unwrap();
        tree.finish().unwrap();
        Snapshot::take(&folder.path().join("t")).unwrap()
    }

    #[test]
    fn every_kind_of_change_is_seen() {
        let before = snapshot(|_| Ok(()));
        assert_eq!(before.differences(&snapshot(|_| Ok(()))), Vec::<String>::new());
        type Change = fn(&mut Tree) -> Result<()>;
        let changes: [(&str, Change); 5] = [
            ("contents", |tree| tree.file("f", "two")),
            ("a new name", |tree| tree.folder("d")),
            ("a name gone", |tree| tree.remove("f")),
            ("another target", |tree| tree.remove("l").and_then(|()| tree.link("l", "g"))),
            ("another time", |tree| {
                tree.changed_at("f", Timestamp::from_unix(1).unwrap());
                Ok(())
            }),
        ];
        for (what, change) in changes {
            let after = snapshot(change);
            assert_eq!(before.differences(&after).len(), 1, "{what}: {:?}", before.differences(&after));
            assert_ne!(before.digest(), after.digest(), "{what}");
        }
    }

    #[test]
    fn a_mode_is_seen() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Tree::create(folder.path(), Timestamp::UNIX_EPOCH).and_then(|tree| tree.file("f", "")).unwrap();
        let modes = [0o644, 0o600].map(|mode| {
            fs::set_permissions(folder.path().join("f"), fs::Permissions::from_mode(mode)).unwrap();
            Snapshot::take(folder.path()).unwrap().digest()
        });
        assert_ne!(modes[0], modes[1]);
    }
}
