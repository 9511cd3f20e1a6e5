//! How much of the disk a tree takes, and how much its removal frees.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, SystemTime};

use buildbook_fsio::{Facts, Kind, NamesBuffer, OpenFolder};
use buildbook_layout::Timestamp;

use crate::Result;
use crate::item::Identity;
use crate::plan::folder_of;

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

/// Measures what has a name in a folder, on its own file system and without following links.
pub(crate) fn measure(above: &OpenFolder, name: &OsStr, buffer: &mut NamesBuffer) -> Result<Usage> {
    Ok(measure_with(above, name, buffer, |folder, name| folder.facts_below(name))?.1)
}

/// As [`measure`], and returns what the system says of the tree itself. What is directly in it, `facts` looks at.
pub(crate) fn measure_with(
    above: &OpenFolder,
    name: &OsStr,
    buffer: &mut NamesBuffer,
    facts: impl FnMut(&OpenFolder, &OsStr) -> buildbook_fsio::Result<Option<Facts>>,
) -> Result<(Option<Facts>, Usage)> {
    let mut usage = Usage::default();
    let mut linked: HashMap<Identity, Shared> = HashMap::new();
    let look = |facts: &Facts, is_here: bool| {
        if !is_here {
            usage.crosses = true;
            return;
        }
        usage.newest = usage.newest.max(modified(facts));
        let bytes = facts.blocks * BLOCK;
        if facts.kind == Kind::Folder || facts.names == 1 {
            usage.exclusive += bytes;
            return;
        }
        let (file, names) = (identity(facts), facts.names);
        linked.entry(file).or_insert(Shared { file, bytes, names_here: 0, names }).names_here += 1;
    };
    let root = walk(above, name, buffer, look, facts)?;
    usage.taken = usage.exclusive + linked.values().map(|file| file.bytes).sum::<u64>();
    for file in linked.into_values() {
        if file.names_here >= file.names {
            usage.exclusive += file.bytes;
        } else {
            usage.shared.push(file);
        }
    }
    Ok((root, usage))
}

/// The latest modification of anything in a tree.
pub(crate) fn newest(path: &Path) -> Result<Option<Timestamp>> {
    let mut newest = None;
    let Some(above) = OpenFolder::open(folder_of(path))? else { return Ok(None) };
    let look = |facts: &Facts, _| newest = newest.max(modified(facts));
    walk(&above, path.file_name().unwrap_or_default(), &mut NamesBuffer::new(), look, |folder, name| {
        folder.facts_below(name)
    })?;
    Ok(newest)
}

/// Looks at a tree and at everything in it, in no order, each with whether it is on the file system of the tree;
/// what is not is looked at and not entered. Somebody may be at work in it: what has gone is not looked at.
///
/// Everything is named from an open folder, because the way along a whole path costs more than the look.
fn walk(
    above: &OpenFolder,
    name: &OsStr,
    buffer: &mut NamesBuffer,
    mut look: impl FnMut(&Facts, bool),
    mut facts: impl FnMut(&OpenFolder, &OsStr) -> buildbook_fsio::Result<Option<Facts>>,
) -> Result<Option<Facts>> {
    let (root, tree) = match above.below(name) {
        Ok(Some(tree)) => (tree.facts()?, Some(tree)),
        Ok(None) => return Ok(None),
        Err(error) => match above.facts_below(name)? {
            Some(facts) if facts.kind == Kind::Folder => return Err(error.into()),
            Some(facts) => (facts, None),
            None => return Ok(None),
        },
    };
    look(&root, true);
    let Some(tree) = tree else { return Ok(Some(root)) };
    let mut folders: Vec<OsString> = Vec::new();
    let mut note = |facts: Facts, path: &dyn Fn() -> OsString, folders: &mut Vec<OsString>| {
        let is_here = facts.stamp.device == root.stamp.device;
        look(&facts, is_here);
        if facts.kind == Kind::Folder && is_here {
            folders.push(path());
        }
    };
    tree.each_name(buffer, |listed| {
        if let Some(facts) = facts(&tree, listed.name)? {
            note(facts, &|| listed.name.to_owned(), &mut folders);
        }
        Ok(())
    })?;
    while let Some(way) = folders.pop() {
        let Some(folder) = tree.below(&way)? else { continue };
        folder.each_name(buffer, |listed| {
            if let Some(facts) = folder.facts_below(listed.name)? {
                note(facts, &|| Path::new(&way).join(listed.name).into_os_string(), &mut folders);
            }
            Ok(())
        })?;
    }
    Ok(Some(root))
}

pub(crate) fn identity(facts: &Facts) -> Identity {
    Identity(facts.stamp.device, facts.stamp.inode)
}

pub(crate) fn modified(facts: &Facts) -> Option<Timestamp> {
    let (seconds, nanoseconds) = facts.stamp.modified;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(whole),
        _ => SystemTime::UNIX_EPOCH.checked_sub(whole),
    };
    let time = time?.checked_add(Duration::from_nanos(nanoseconds.into()))?;
    Timestamp::from_system_time(time)
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
