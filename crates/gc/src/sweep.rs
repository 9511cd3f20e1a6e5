//! Removing what a plan says, and telling what was removed.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use buildbook_atomic_swap::{Retired, retire};
use buildbook_fsio::{Lock, NamesBuffer, OpenFolder, op, remove_trees, sync_folder};

use crate::item::{Decision, Identity, Item};
use crate::mounts::Mounts;
use crate::plan::folder_of;
use crate::usage::{Freed, Usage, measure};
use crate::{Error, Plan, RemoveReason, Result};

/// The file that a collection keeps locked, in the folder that it works on.
const GC_LOCK: &str = "gc.lock";

/// What a collection did, as opposed to what it tried.
#[derive(Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct GcResult {
    /// What is gone, in the order in which it went.
    pub removed: Vec<Removed>,
    /// What was to go and stays, because it is no longer what the plan was made for.
    pub skipped: Vec<Skipped>,
    /// How many items stay because the plan says so.
    pub kept: usize,
    /// The bytes of disk that were freed.
    pub bytes_freed: u64,
    /// What could not be looked at or removed.
    pub problems: Vec<Error>,
}

/// An item that is gone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// Where it was.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// The bytes of disk that its removal has freed.
    pub bytes: u64,
}

/// An item that was to go and stays.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// Where it is.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Why it stays.
    pub reason: SkipReason,
}

/// Why something that was to go stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Somebody else has removed it.
    Gone,
    /// Something else has its name.
    Replaced,
    /// Somebody holds its lock.
    Locked,
    /// It was used or written to since the survey.
    Used,
    /// Something refers to it now.
    Referenced,
    /// A file system was mounted in it.
    Mounted,
    /// Another layer that stays was built upon it.
    ParentOf(String),
    /// A layer that stays does not say what it was built upon.
    MaybeParentOf(String),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Gone => f.write_str("it has gone meanwhile"),
            SkipReason::Replaced => f.write_str("it was replaced meanwhile"),
            SkipReason::Locked => f.write_str("it was locked meanwhile"),
            SkipReason::Used => f.write_str("it was used meanwhile"),
            SkipReason::Referenced => f.write_str("it is referenced now"),
            SkipReason::Mounted => f.write_str("a file system was mounted in it meanwhile"),
            SkipReason::ParentOf(child) => write!(f, "parent of {child}, which stays"),
            SkipReason::MaybeParentOf(child) => {
                write!(f, "may be a parent of {child}, which stays and whose description cannot be read")
            }
        }
    }
}

impl serde::Serialize for SkipReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl GcResult {
    fn skip(&mut self, item: &Item, reason: SkipReason) {
        self.skipped.push(Skipped { path: item.path.clone(), name: item.name.clone(), reason });
    }
}

/// What became of the attempt to take an item out of sight.
pub(crate) enum Claim {
    Retired(Retired),
    Skip(SkipReason),
}

/// An item that is out of sight.
struct Trash<'a> {
    item: &'a Item,
    /// Where it is now.
    path: PathBuf,
    /// Whether it had its name until now.
    is_renamed: bool,
}

/// Runs a collection of a folder while nobody else runs one. A plan that removes nothing changes nothing.
pub(crate) fn with_gc_lock<Tree>(
    plan: &Plan<Tree>,
    folder: &Path,
    collect: impl FnOnce(&[&Item]) -> Result<GcResult>,
) -> Result<GcResult> {
    let removals: Vec<&Item> = plan.removals().collect();
    let kept = plan.kept().count();
    if removals.is_empty() {
        return Ok(GcResult { kept, ..GcResult::default() });
    }
    let path = folder.join(GC_LOCK);
    let Some(lock) = Lock::try_acquire(&path)? else { return Err(Error::Busy { lock: path }) };
    let collected = collect(&removals);
    let unlocked = lock.remove();
    let mut result = collected?;
    result.kept = kept;
    result.problems.extend(unlocked.err().map(Error::from));
    Ok(result)
}

/// Takes every item out of sight, syncs, and only then deletes. Readers lose all of an item at once, and the time in
/// which a builder can be told that something is gone is short.
///
/// What is out of sight is measured meanwhile, for there is time until the device has answered, and then on all cores.
/// All of it is measured before any of it is deleted, so that what the deletion frees does not depend on who deletes
/// what first.
pub(crate) fn sweep(items: &[&Item], claim: impl FnMut(&Item, &mut Vec<Error>) -> Result<Claim>) -> GcResult {
    let mut result = GcResult::default();
    let (out_of_sight, to_measure) = mpsc::channel();
    let to_measure = Mutex::new(to_measure);
    let (trash, usages) = thread::scope(|scope| {
        let others = thread::available_parallelism().map_or(0, |cores| cores.get() - 1);
        let measure = || measure_each(&to_measure);
        let others: Vec<_> =
            (0..others).map_while(|_| thread::Builder::new().spawn_scoped(scope, measure).ok()).collect();
        let mut turns = 0..;
        let trash = hide(items, claim, &mut result, |path| {
            // It cannot fail: the other end is there until all of this is over.
            let _ = out_of_sight.send((turns.next().unwrap_or_default(), path.to_owned()));
        });
        drop(out_of_sight);
        let is_safe = sync_names(&trash, &mut result);
        let mut usages: Vec<Option<Usage>> = trash.iter().map(|_| None).collect();
        let measured = others.into_iter().flat_map(|other| other.join().unwrap_or_default());
        for (turn, usage) in measure().into_iter().chain(measured) {
            if let Some(place) = usages.get_mut(turn) {
                *place = usage;
            }
        }
        (if is_safe { trash } else { Vec::new() }, usages)
    });
    delete(&trash, usages, &mut result);
    result
}

/// Measures what comes, which is all in one folder, until no more does. Each has a number.
fn measure_each(to_measure: &Mutex<mpsc::Receiver<(usize, PathBuf)>>) -> Vec<(usize, Option<Usage>)> {
    let (mut folder, mut buffer) = (None, NamesBuffer::new());
    let mut measured = |path: &Path| -> Option<Usage> {
        if folder.is_none() {
            folder = OpenFolder::open(folder_of(path)).ok()?;
        }
        measure(folder.as_ref()?, path.file_name()?, &mut buffer).ok()
    };
    let next = || to_measure.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    std::iter::from_fn(next).map(|(number, path)| (number, measured(&path))).collect()
}

/// Takes items out of sight, as far as they may go, and returns where they are now.
fn hide<'a>(
    items: &[&'a Item],
    mut claim: impl FnMut(&Item, &mut Vec<Error>) -> Result<Claim>,
    result: &mut GcResult,
    mut hidden: impl FnMut(&Path),
) -> Vec<Trash<'a>> {
    let mut trash = Vec::new();
    // What stays although it was to go, by what it needs.
    let mut needed_by: HashMap<&str, &str> = HashMap::new();
    let mut needs_any: Option<&str> = None;
    let mut put = |item, path: PathBuf, is_renamed| {
        hidden(&path);
        trash.push(Trash { item, path, is_renamed });
    };
    for &item in items {
        if item.decision == Decision::Remove(RemoveReason::Interrupted) {
            match fs::symlink_metadata(&item.path) {
                Ok(_) => put(item, item.path.clone(), false),
                Err(_) => result.skip(item, SkipReason::Gone),
            }
            continue;
        }
        let claimed = match (needed_by.get(item.name.as_str()), needs_any) {
            (Some(child), _) => Ok(Claim::Skip(SkipReason::ParentOf((*child).to_owned()))),
            (None, Some(child)) => Ok(Claim::Skip(SkipReason::MaybeParentOf(child.to_owned()))),
            (None, None) => claim(item, &mut result.problems),
        };
        if !matches!(claimed, Ok(Claim::Retired(_) | Claim::Skip(SkipReason::Gone))) {
            needed_by.extend(item.needs.iter().map(|parent| (parent.as_str(), item.name.as_str())));
            needs_any = needs_any.or(item.secretive.then_some(item.name.as_str()));
        }
        match claimed {
            Ok(Claim::Retired(retired)) => put(item, retired.path().to_owned(), true),
            Ok(Claim::Skip(reason)) => result.skip(item, reason),
            Err(error) => result.problems.push(error),
        }
    }
    trash
}

/// Waits until the device knows that names are gone: a power cut must not bring one back after half of what it stands
/// for was deleted.
fn sync_names(trash: &[Trash<'_>], result: &mut GcResult) -> bool {
    let Some(last) = trash.iter().rfind(|trash| trash.is_renamed) else { return true };
    match sync_folder(folder_of(&last.item.path)) {
        Ok(()) => true,
        Err(error) => {
            result.problems.push(error.into());
            false
        }
    }
}

/// Deletes what is out of sight, on all cores, and tells what that freed: a file with several names is counted with
/// the last of them, in the order of the items.
fn delete(trash: &[Trash<'_>], usages: Vec<Option<Usage>>, result: &mut GcResult) {
    let paths: Vec<&Path> = trash.iter().map(|trash| trash.path.as_path()).collect();
    let mut freed = Freed::default();
    for ((Trash { item, .. }, usage), removed) in trash.iter().zip(usages).zip(remove_trees(&paths)) {
        if let Err(error) = removed {
            result.problems.push(error.into());
            continue;
        }
        let bytes = usage.map_or(item.bytes, |usage| freed.by_removing(&usage));
        result.bytes_freed += bytes;
        result.removed.push(Removed { path: item.path.clone(), name: item.name.clone(), bytes });
    }
}

/// Why an item is not what the plan was made for, if it is not.
pub(crate) fn look_again(mounts: &mut Mounts, item: &Item) -> Result<Option<SkipReason>> {
    let metadata = match fs::symlink_metadata(&item.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(SkipReason::Gone)),
        metadata => metadata.map_err(Error::io("look at", &item.path))?,
    };
    if !metadata.is_dir() || identity(&metadata) != item.identity {
        return Ok(Some(SkipReason::Replaced));
    }
    let name = item.path.file_name().unwrap_or_default();
    Ok(mounts.reach_into_now(name).then_some(SkipReason::Mounted))
}

fn identity(metadata: &Metadata) -> Identity {
    Identity(metadata.dev(), metadata.ino())
}

/// Takes an item out of sight. A publisher does not ask for the lock of what it replaces, so what was taken may be
/// newer than the last look; it is put back then.
pub(crate) fn take(item: &Item) -> Result<Claim> {
    let retired = match retire(&item.path) {
        Ok(Some(retired)) => retired,
        Ok(None) => return Ok(Claim::Skip(SkipReason::Gone)),
        Err(source) => {
            return Err(Error::Swap { operation: "take out of sight", path: item.path.clone(), source });
        }
    };
    let taken = fs::symlink_metadata(retired.path()).map_err(Error::io("look at", retired.path()))?;
    if identity(&taken) == item.identity {
        return Ok(Claim::Retired(retired));
    }
    put_back(retired.path(), &item.path)?;
    Ok(Claim::Skip(SkipReason::Replaced))
}

/// Renames a folder to the name that it had, if that is still free.
fn put_back(folder: &Path, place: &Path) -> Result<()> {
    match op::rename_to_free_name(folder, place) {
        // Where the system cannot ask and rename at once: a plain rename replaces no folder that has anything in it.
        Err(error)
            if matches!(error.kind(), Some(io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)) =>
        {
            Ok(op::rename(folder, place)?)
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use buildbook_fsio::faults::{Fault, inject};

    use super::*;
    use crate::RemoveReason;

    fn item(path: &Path, identity: Identity) -> Item {
        Item {
            path: path.to_owned(),
            name: "layer".to_owned(),
            bytes: 0,
            last_used: None,
            decision: Decision::Remove(RemoveReason::Unneeded(std::time::Duration::ZERO)),
            identity,
            needs: Vec::new(),
            incomplete: false,
            secretive: false,
        }
    }

    /// A publisher was quicker, and the file system has no rename that asks whether the name is free.
    #[test]
    fn what_was_taken_by_mistake_is_put_back_on_every_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let layer = folder.path().join("layer");
        op::create_folder(&layer).unwrap();
        op::create_folder(&layer.join("newer")).unwrap();
        for refusal in [nix::libc::EINVAL, nix::libc::EOPNOTSUPP] {
            let taken = inject(1, Fault::Fail(refusal), || take(&item(&layer, Identity(0, 0)))).unwrap();
            assert!(matches!(taken, Claim::Skip(SkipReason::Replaced)));
            assert!(layer.join("newer").is_dir());
        }
        let other = folder.path().join("other");
        op::create_folder(&other).unwrap();
        let refused = inject(0, Fault::Fail(nix::libc::EINVAL), || put_back(&other, &layer));
        assert!(refused.is_err() && other.is_dir() && layer.join("newer").is_dir(), "its name was taken");
    }
}
