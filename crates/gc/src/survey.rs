//! Looking at the layers of a platform.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use buildbook_atomic_swap::{Role, find_leftovers};
use buildbook_fsio::{Probe, in_parallel_on, probe};
use buildbook_layout::{LayerName, LayerTree, PlatformTree, Timestamp};

use crate::item::Identity;
use crate::metadata::{Metadata, last_touched};
use crate::mounts::Mounts;
use crate::usage::{Usage, identity, measure_with, modified};
use crate::{Error, Result};

/// How many entries a thread looks at before it asks for more.
const SHARE: usize = 64;

/// What there is in a platform's folder, as it was when somebody looked.
#[derive(Debug)]
#[non_exhaustive]
pub struct LayerSurvey {
    /// What could not be looked at. It stays.
    pub problems: Vec<Error>,
    pub(crate) tree: PlatformTree,
    pub(crate) entries: Vec<Entry>,
}

/// One entry of a folder that is surveyed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) file_name: OsString,
    pub(crate) identity: Identity,
    /// `None` when it cannot be read.
    pub(crate) usage: Option<Usage>,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) mounted: bool,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Its name is that of the entry: see [`Entry::layer`].
    Layer {
        parents: Parents,
        lock: LockState,
    },
    Universe(buildbook_layout::Universe),
    Leftover {
        role: Role,
        parents: Parents,
    },
    Foreign,
    /// A link may lead to a layer that was moved elsewhere.
    NotAFolder {
        parents: Parents,
    },
}

/// What a layer was built upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parents {
    /// References, in any spelling.
    Known(Vec<String>),
    /// It says nothing yet.
    NotYet,
    /// What it says makes no sense.
    Corrupt,
    /// What it says cannot be read.
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockState {
    Free,
    Held,
    Unknown,
}

/// Looks at every layer of a platform: who holds it, what it was built upon, when it was last used, and how
/// much of the disk it takes. Nothing is changed. A folder that is missing has no layers.
///
/// # Errors
///
/// The system's answer when the folder cannot be read; what concerns one entry is in
/// [`LayerSurvey::problems`].
pub fn survey_layers(tree: &PlatformTree) -> Result<LayerSurvey> {
    let mut slots: Vec<Slot> = list(tree.path())?.into_iter().map(Slot::Listed).collect();
    let look = Look::at(tree.path())?;
    let locks = slots.iter().filter_map(Slot::lock).map(OsStr::to_owned).collect();
    let problems = in_parallel_on(&mut slots, SHARE, |slots| {
        let mut problems = Vec::new();
        for slot in slots {
            slot.look_at(tree, &look, &locks, &mut problems);
        }
        problems
    });
    let entries = slots.into_iter().filter_map(Slot::entry).collect();
    Ok(LayerSurvey { tree: tree.clone(), entries, problems: problems.into_iter().flatten().collect() })
}

/// A name, and what was seen when somebody had looked, in the same place: there can be a million of them.
enum Slot {
    Listed((OsString, FileType)),
    Seen(Option<Entry>),
}

impl Slot {
    /// The name, if it is that of a lock.
    fn lock(&self) -> Option<&OsStr> {
        match self {
            Slot::Listed((name, _)) if name.as_bytes().ends_with(b".lock") => Some(name),
            _ => None,
        }
    }

    fn look_at(
        &mut self,
        tree: &PlatformTree,
        look: &Look,
        locks: &HashSet<OsString>,
        problems: &mut Vec<Error>,
    ) {
        if let Slot::Listed((name, kind)) = std::mem::replace(self, Slot::Seen(None)) {
            *self = Slot::Seen(look_at(tree, look, locks, name, kind, problems));
        }
    }

    fn entry(self) -> Option<Entry> {
        match self {
            Slot::Seen(entry) => entry,
            Slot::Listed(_) => None,
        }
    }
}

/// Looks at an entry of a platform's folder; `None` for what is no concern of a collection.
fn look_at(
    tree: &PlatformTree,
    look: &Look,
    locks: &HashSet<OsString>,
    file_name: OsString,
    kind: FileType,
    problems: &mut Vec<Error>,
) -> Option<Entry> {
    let path = tree.path().join(&file_name);
    let role = look.leftover(&path);
    let layer = file_name.to_str().and_then(|name| name.parse::<LayerName>().ok());
    let kind = match (role, layer, kind.is_dir()) {
        // The new contents of a file, or a link, are nothing that is collected.
        (Some(Role::Temporary), _, _) => return None,
        (Some(role), _, true) => {
            Kind::Leftover { role, parents: look.parents(&LayerTree::at(&path), None).0 }
        }
        (None, Some(name), true) => {
            return Some(look_at_layer(tree, look, locks, file_name, &name, problems));
        }
        (_, Some(name), false) => {
            Kind::NotAFolder { parents: look.parents_behind(&tree.layer(&name), problems) }
        }
        (None, None, true) if path != tree.packages().path() => Kind::Foreign,
        _ => return None,
    };
    Some(look.entry(&path, file_name, kind, problems))
}

/// What is not among the names that were listed is not asked for: neither a lock nor a description.
fn look_at_layer(
    tree: &PlatformTree,
    look: &Look,
    locks: &HashSet<OsString>,
    file_name: OsString,
    name: &LayerName,
    problems: &mut Vec<Error>,
) -> Entry {
    let layer = tree.layer(name);
    let mut sight = Sight::default();
    let usage = measure_with(layer.path(), |name, metadata| sight.note(look, name, metadata));
    let (parents, created) = match &usage {
        Ok(_) if !sight.is_described => (Parents::NotYet, None),
        _ => look.parents(&layer, Some(problems)),
    };
    let lock = tree.layer_lock(name);
    let lock = match lock.file_name() {
        Some(name) if !locks.contains(name) => LockState::Free,
        _ => lock_state(&lock, problems),
    };
    let touched = if usage.is_ok() { Ok(sight.touched) } else { last_touched(&layer) };
    let kind = Kind::Layer { parents, lock };
    let mut entry = look.measured(file_name, kind, usage, &sight, problems);
    entry.last_used = latest_use(&entry, created, touched, problems);
    entry
}

/// What is seen of an entry itself, and of the files of a layer that tell of its use, while it is measured.
#[derive(Default)]
struct Sight {
    identity: Option<Identity>,
    is_described: bool,
    /// As [`last_touched`] has it.
    touched: Option<Timestamp>,
}

impl Sight {
    fn note(&mut self, look: &Look, name: &OsStr, metadata: &fs::Metadata) {
        if name.is_empty() {
            self.identity = Some(identity(metadata));
        } else if name == look.description {
            self.is_described = true;
        } else if name != look.last_used {
            return;
        }
        self.touched = self.touched.max(modified(metadata));
    }
}

/// A layer that says nothing of itself may be in the making, and then every file in it tells when.
fn latest_use(
    entry: &Entry,
    created: Option<Timestamp>,
    touched: Result<Option<Timestamp>>,
    problems: &mut Vec<Error>,
) -> Option<Timestamp> {
    let touched = touched.unwrap_or_else(|error| {
        problems.push(error);
        None
    })?;
    let in_the_making = entry.is_incomplete();
    let newest = entry.usage.as_ref().and_then(|usage| usage.newest).filter(|_| in_the_making);
    Some(touched).max(created).max(newest)
}

fn lock_state(lock: &Path, problems: &mut Vec<Error>) -> LockState {
    match probe(lock) {
        Ok(Probe::Held { .. }) => LockState::Held,
        Ok(_) => LockState::Free,
        Err(error) => {
            problems.push(error.into());
            LockState::Unknown
        }
    }
}

/// What is needed to look at the entries of one folder.
pub(crate) struct Look {
    mounts: Mounts,
    leftovers: HashMap<PathBuf, Role>,
    /// What layers call their description.
    description: OsString,
    /// What layers call the file that tells when they were last used.
    last_used: OsString,
}

impl Look {
    pub(crate) fn at(folder: &Path) -> Result<Look> {
        Ok(Look::with(Mounts::below(folder), leftovers(folder)?))
    }

    fn with(mounts: Mounts, leftovers: HashMap<PathBuf, Role>) -> Look {
        let layer = LayerTree::at("");
        Look { mounts, leftovers, description: layer.metadata().into(), last_used: layer.last_used().into() }
    }

    pub(crate) fn leftover(&self, path: &Path) -> Option<Role> {
        self.leftovers.get(path).copied()
    }

    /// Looks at one entry. When it was last used is when anything in it was last written.
    pub(crate) fn entry(
        &self,
        path: &Path,
        file_name: OsString,
        kind: Kind,
        problems: &mut Vec<Error>,
    ) -> Entry {
        let mut sight = Sight::default();
        let usage = measure_with(path, |name, metadata| sight.note(self, name, metadata));
        self.measured(file_name, kind, usage, &sight, problems)
    }

    fn measured(
        &self,
        file_name: OsString,
        kind: Kind,
        usage: Result<Usage>,
        sight: &Sight,
        problems: &mut Vec<Error>,
    ) -> Entry {
        let usage = usage.map_err(|error| problems.push(error)).ok();
        let mounted = usage.as_ref().is_some_and(|usage| usage.crosses) || self.mounts.reach_into(&file_name);
        Entry {
            file_name,
            identity: sight.identity.unwrap_or(Identity(0, 0)),
            last_used: usage.as_ref().and_then(|usage| usage.newest),
            usage,
            mounted,
            kind,
        }
    }

    /// What a layer was built upon, and when it says it was.
    fn parents(&self, layer: &LayerTree, problems: Option<&mut Vec<Error>>) -> (Parents, Option<Timestamp>) {
        let (parents, problem) = match Metadata::read(layer) {
            Metadata::Known(known) => return (Parents::Known(known.parents), known.created),
            Metadata::Missing => (Parents::NotYet, None),
            Metadata::Corrupt(error) => (Parents::Corrupt, Some(error)),
            Metadata::Unreadable(error) => (Parents::Unreadable, Some(error)),
        };
        if let Some(problems) = problems {
            problems.extend(problem);
        }
        (parents, None)
    }

    /// What the layer was built upon that a link leads to, if it leads to one.
    fn parents_behind(&self, layer: &LayerTree, problems: &mut Vec<Error>) -> Parents {
        match fs::metadata(layer.path()) {
            Ok(metadata) if metadata.is_dir() => self.parents(layer, Some(problems)).0,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                problems.push(Error::io("follow the link", layer.path())(error));
                Parents::Unreadable
            }
            _ => Parents::NotYet,
        }
    }
}

/// What writers that are at work, or died at it, have in a folder. There can be as many as there are layers.
pub(crate) fn leftovers(folder: &Path) -> Result<HashMap<PathBuf, Role>> {
    let swap = |source| Error::Swap { operation: "search", path: folder.to_owned(), source };
    let found = find_leftovers(folder).map_err(swap)?;
    Ok(found.into_iter().map(|leftover| (leftover.path, leftover.role)).collect())
}

/// The names in a folder and what they stand for, sorted; none of a folder that is missing.
pub(crate) fn list(folder: &Path) -> Result<Vec<(OsString, FileType)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("read the folder", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("read the folder", folder))?;
        match entry.file_type() {
            Ok(kind) => names.push((entry.file_name(), kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("look at", &entry.path())(error)),
        }
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

impl Entry {
    /// The name, as far as it is text.
    pub(crate) fn name(&self) -> String {
        self.file_name.to_string_lossy().into_owned()
    }

    /// The name of a layer. It is not kept beside the name of the entry, for there can be a million of them.
    pub(crate) fn layer(&self) -> Option<LayerName> {
        let is_layer = matches!(self.kind, Kind::Layer { .. });
        self.file_name.to_str().filter(|_| is_layer)?.parse().ok()
    }

    /// Whether it is a layer that nobody has finished.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self.kind, Kind::Layer { parents: Parents::NotYet, .. })
    }

    /// Whether it does not tell what it was built upon, so that it could be any layer.
    pub(crate) fn is_secretive(&self) -> bool {
        matches!(
            self.kind,
            Kind::Layer { parents: Parents::Corrupt | Parents::Unreadable, .. }
                | Kind::NotAFolder { parents: Parents::Corrupt | Parents::Unreadable }
                | Kind::Leftover { role: Role::Old, parents: Parents::Corrupt | Parents::Unreadable }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A collection that was killed while it deleted leaves as many as there were layers. A search through all of
    /// them for each would go on for hours.
    #[test]
    fn each_of_very_many_leftovers_is_found_at_once() {
        let path = |n: u32| PathBuf::from(format!("t/.build-{n:012x}.trash-bb{n:010}"));
        let leftovers = (0..300_000).map(|n| (path(n), Role::Trash)).collect();
        let look = Look::with(Mounts::default(), leftovers);
        assert!((0..300_000).all(|n| look.leftover(&path(n)) == Some(Role::Trash)));
        assert_eq!(look.leftover(Path::new("t/build-000000000001")), None);
    }
}
