//! How much of the disk a tree takes, and how much its removal frees.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use buildbook_layout::Timestamp;

use crate::item::Identity;
use crate::{Error, Result};

/// The unit of what a file system says it has given to a file.
const BLOCK: u64 = 512;

/// What a tree takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The disk that it takes, each file once, however many names it has.
    pub(crate) taken: u64,
    /// The part of it that no name outside the tree keeps.
    pub(crate) exclusive: u64,
    /// The files that have names outside the tree too.
    pub(crate) shared: Vec<Shared>,
    /// The latest modification of anything in it.
    pub(crate) newest: Option<Timestamp>,
    /// Whether another file system begins somewhere in it.
    pub(crate) crosses: bool,
}

/// A file with names inside and outside a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) file: Identity,
    pub(crate) bytes: u64,
    /// How many names it has in the tree.
    pub(crate) names_here: u64,
    /// How many it has in all.
    pub(crate) names: u64,
}

/// Measures a tree, on its own file system and without following links.
pub(crate) fn measure(path: &Path) -> Result<Usage> {
    measure_with(path, |_, _| ())
}

/// Measures a tree, and shows what it sees of it and of the entries that are directly in it. The tree itself has no
/// name there.
pub(crate) fn measure_with(path: &Path, top: impl FnMut(&OsStr, &Metadata)) -> Result<Usage> {
    let mut usage = Usage::default();
    let mut linked: HashMap<Identity, Shared> = HashMap::new();
    let look = |metadata: &Metadata, is_here: bool| {
        if !is_here {
            usage.crosses = true;
            return;
        }
        usage.newest = usage.newest.max(modified(metadata));
        let bytes = metadata.blocks() * BLOCK;
        if metadata.is_dir() || metadata.nlink() == 1 {
            usage.exclusive += bytes;
            return;
        }
        let file = identity(metadata);
        let names = metadata.nlink();
        linked.entry(file).or_insert(Shared { file, bytes, names_here: 0, names }).names_here += 1;
    };
    walk(path, look, top)?;
    usage.taken = usage.exclusive + linked.values().map(|file| file.bytes).sum::<u64>();
    for file in linked.into_values() {
        if file.names_here >= file.names {
            usage.exclusive += file.bytes;
        } else {
            usage.shared.push(file);
        }
    }
    Ok(usage)
}

/// The latest modification of anything in a tree.
pub(crate) fn newest(path: &Path) -> Result<Option<Timestamp>> {
    let mut newest = None;
    walk(path, |metadata, _| newest = newest.max(modified(metadata)), |_, _| ())?;
    Ok(newest)
}

/// Looks at a tree and at everything in it, in no order, each with whether it is on the file system of the tree;
/// what is not is looked at and not entered. Entries are looked at by way of their open folder, because the way
/// along a whole path costs more than the look.
fn walk(
    path: &Path,
    mut look: impl FnMut(&Metadata, bool),
    mut top: impl FnMut(&OsStr, &Metadata),
) -> Result<()> {
    let Some(root) = unless_gone(fs::symlink_metadata(path), || path.to_owned())? else { return Ok(()) };
    look(&root, true);
    top(OsStr::new(""), &root);
    let mut folders = if root.is_dir() { vec![path.to_owned()] } else { Vec::new() };
    let mut is_top = true;
    while let Some(folder) = folders.pop() {
        for entry in unless_gone(fs::read_dir(&folder), || folder.clone())?.into_iter().flatten() {
            let Some(entry) = unless_gone(entry, || folder.clone())? else { continue };
            let Some(metadata) = unless_gone(entry.metadata(), || entry.path())? else { continue };
            let is_here = metadata.dev() == root.dev();
            look(&metadata, is_here);
            if is_top {
                top(&entry.file_name(), &metadata);
            }
            if metadata.is_dir() && is_here {
                folders.push(entry.path());
            }
        }
        is_top = false;
    }
    Ok(())
}

/// Somebody may be at work in the tree; what has gone takes nothing.
fn unless_gone<T>(seen: io::Result<T>, path: impl FnOnce() -> PathBuf) -> Result<Option<T>> {
    match seen {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("look at", &path())(error)),
    }
}

pub(crate) fn identity(metadata: &Metadata) -> Identity {
    Identity(metadata.dev(), metadata.ino())
}

pub(crate) fn modified(metadata: &Metadata) -> Option<Timestamp> {
    metadata.modified().ok().and_then(Timestamp::from_system_time)
}

/// Counts what a series of removals frees, in their order: a file with several names is freed with the last.
#[derive(Default)]
pub(crate) struct Freed {
    names_left: HashMap<Identity, u64>,
}

impl Freed {
    /// The bytes that this removal frees after those that were counted before.
    pub(crate) fn by_removing(&mut self, usage: &Usage) -> u64 {
        let shared = usage.shared.iter().filter(|file| {
            let left = self.names_left.entry(file.file).or_insert(file.names);
            *left = left.saturating_sub(file.names_here);
            *left == 0
        });
        usage.exclusive + shared.map(|file| file.bytes).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_several_names_is_freed_with_the_last() {
        let shared = |names_here| Shared { file: Identity(1, 7), bytes: 4096, names_here, names: 3 };
        let tree = |names_here| Usage { exclusive: 10, shared: vec![shared(names_here)], ..Usage::default() };
        let mut freed = Freed::default();
        assert_eq!(freed.by_removing(&tree(1)), 10);
        assert_eq!(freed.by_removing(&tree(1)), 10);
        assert_eq!(freed.by_removing(&tree(1)), 10 + 4096);
        let mut others_stay = Freed::default();
        assert_eq!(others_stay.by_removing(&tree(2)), 10);
    }
}
