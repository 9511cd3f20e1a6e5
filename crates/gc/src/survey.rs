//! Looking at the layers of a platform.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use buildbook_atomic_swap::Role;
use buildbook_fsio::{Facts, Kind as FileKind, NamesBuffer, OpenFolder, Probe, in_parallel_on, probe};
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
    /// What could not be looked at, by path. It stays.
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
    let Some((folder, mut names)) = list_in_no_order(tree.path())? else {
        return Ok(LayerSurvey { problems: Vec::new(), tree: tree.clone(), entries: Vec::new() });
    };
    // In this order, the system finds what it looks for close to what it found before.
    names.sort_unstable_by_key(|name| name.inode);
    let locks = names.iter().filter_map(|name| name.name.as_bytes().strip_suffix(b".lock"));
    let locks = locks.map(|name| OsStr::from_bytes(name).to_owned()).collect();
    let look = LookAtLayers { tree, locks, look: Look::at(folder) };
    let mut slots: Vec<Slot> = names.into_iter().map(Slot::Listed).collect();
    let problems = in_parallel_on(&mut slots, SHARE, |slots| {
        let (mut problems, mut scratch) = (Vec::new(), Scratch::default());
        for slot in slots {
            slot.look_at(&look, &mut scratch, &mut problems);
        }
        problems
    });
    let mut entries: Vec<Entry> = slots.into_iter().filter_map(Slot::entry).collect();
    entries.sort_unstable_by(|one, other| one.file_name.cmp(&other.file_name));
    let mut problems: Vec<Error> = problems.into_iter().flatten().collect();
    problems.sort_by(|one, other| one.path().cmp(other.path()));
    Ok(LayerSurvey { tree: tree.clone(), entries, problems })
}

/// A name, and what was seen when somebody had looked, in the same place: there can be a million of them.
enum Slot {
    Listed(Name),
    Seen(Option<Entry>),
}

impl Slot {
    fn look_at(&mut self, look: &LookAtLayers<'_>, scratch: &mut Scratch, problems: &mut Vec<Error>) {
        if let Slot::Listed(Name { name, kind, .. }) = std::mem::replace(self, Slot::Seen(None)) {
            *self = Slot::Seen(look.entry(name, kind, scratch, problems));
        }
    }

    fn entry(self) -> Option<Entry> {
        match self {
            Slot::Seen(entry) => entry,
            Slot::Listed(_) => None,
        }
    }
}

/// Memory that serves for one entry after another.
#[derive(Default)]
pub(crate) struct Scratch {
    names: NamesBuffer,
    description: Vec<u8>,
}

/// What is needed to look at the entries of a platform's folder.
struct LookAtLayers<'a> {
    tree: &'a PlatformTree,
    /// The names that have a lock beside them.
    locks: HashSet<OsString>,
    look: Look,
}

impl LookAtLayers<'_> {
    /// Looks at an entry; `None` for what is no concern of a collection.
    fn entry(
        &self,
        file_name: OsString,
        kind: FileKind,
        scratch: &mut Scratch,
        problems: &mut Vec<Error>,
    ) -> Option<Entry> {
        let layer = file_name.to_str().and_then(|name| name.parse::<LayerName>().ok());
        let kind = match (Role::of(&file_name), layer, kind == FileKind::Folder) {
            // The new contents of a file, or a link, are nothing that is collected.
            (Some(Role::Temporary), _, _) => return None,
            (Some(role), _, true) => {
                let layer = LayerTree::at(self.tree.path().join(&file_name));
                Kind::Leftover { role, parents: parents(Metadata::read(&layer), None).0 }
            }
            (None, Some(name), true) => return Some(self.layer(file_name, &name, scratch, problems)),
            (_, Some(name), false) => {
                Kind::NotAFolder { parents: parents_behind(&self.tree.layer(&name), problems) }
            }
            (None, None, true) if self.tree.path().join(&file_name) != self.tree.packages().path() => {
                Kind::Foreign
            }
            _ => return None,
        };
        Some(self.look.entry(file_name, kind, scratch, problems))
    }

    /// Looks at a layer. A lock that is not among the names that were listed is not asked for; a description is, because
    /// a name that is replaced meanwhile may be missing in a list. A file that is opened is not looked at once more.
    fn layer(
        &self,
        file_name: OsString,
        name: &LayerName,
        scratch: &mut Scratch,
        problems: &mut Vec<Error>,
    ) -> Entry {
        let Scratch { names, description } = scratch;
        let (mut metadata, mut touched) = (Metadata::Missing, None);
        let measured = measure_with(&self.look.folder, &file_name, names, |folder, name| {
            let is_description = name == self.look.description;
            let mut facts = None;
            if is_description {
                (metadata, facts) = Metadata::read_in(folder, name, description);
            }
            if facts.is_none() {
                facts = folder.facts_below(name)?;
            }
            if let Some(facts) = &facts
                && (is_description || name == self.look.last_used)
            {
                touched = touched.max(modified(facts));
            }
            Ok(facts)
        });
        let touched = match &measured {
            Ok((root, _)) if !matches!(metadata, Metadata::Missing) => {
                Ok(touched.max(root.as_ref().and_then(modified)))
            }
            _ => {
                metadata = Metadata::read(&self.tree.layer(name));
                last_touched(&self.tree.layer(name))
            }
        };
        let (parents, created) = parents(metadata, Some(problems));
        let lock = match self.locks.contains(&file_name) {
            true => lock_state(&self.tree.layer_lock(name), problems),
            false => LockState::Free,
        };
        let mut entry = self.look.measured(file_name, Kind::Layer { parents, lock }, measured, problems);
        entry.last_used = latest_use(&entry, created, touched, problems);
        entry
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
    folder: OpenFolder,
    mounts: Mounts,
    /// What layers call their description.
    description: OsString,
    /// What layers call the file that tells when they were last used.
    last_used: OsString,
}

impl Look {
    pub(crate) fn at(folder: OpenFolder) -> Look {
        let (mounts, layer) = (Mounts::below(folder.path()), LayerTree::at(""));
        Look { folder, mounts, description: layer.metadata().into(), last_used: layer.last_used().into() }
    }

    /// Looks at one entry. When it was last used is when anything in it was last written.
    pub(crate) fn entry(
        &self,
        file_name: OsString,
        kind: Kind,
        scratch: &mut Scratch,
        problems: &mut Vec<Error>,
    ) -> Entry {
        let facts = |folder: &OpenFolder, name: &OsStr| folder.facts_below(name);
        let measured = measure_with(&self.folder, &file_name, &mut scratch.names, facts);
        self.measured(file_name, kind, measured, problems)
    }

    fn measured(
        &self,
        file_name: OsString,
        kind: Kind,
        measured: Result<(Option<Facts>, Usage)>,
        problems: &mut Vec<Error>,
    ) -> Entry {
        let (root, usage) = match measured {
            Ok((root, usage)) => (root, Some(usage)),
            Err(error) => {
                problems.push(error);
                (None, None)
            }
        };
        let mounted = usage.as_ref().is_some_and(|usage| usage.crosses) || self.mounts.reach_into(&file_name);
        Entry {
            file_name,
            identity: root.as_ref().map_or(Identity(0, 0), identity),
            last_used: usage.as_ref().and_then(|usage| usage.newest),
            usage,
            mounted,
            kind,
        }
    }
}

/// What a layer was built upon, and when it says it was.
fn parents(metadata: Metadata, problems: Option<&mut Vec<Error>>) -> (Parents, Option<Timestamp>) {
    let (parents, problem) = match metadata {
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
fn parents_behind(layer: &LayerTree, problems: &mut Vec<Error>) -> Parents {
    match fs::metadata(layer.path()) {
        Ok(metadata) if metadata.is_dir() => parents(Metadata::read(layer), Some(problems)).0,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            problems.push(Error::io("follow the link", layer.path())(error));
            Parents::Unreadable
        }
        _ => Parents::NotYet,
    }
}

/// What a folder has, by name; `None` where there is no folder.
pub(crate) fn list(folder: &Path) -> Result<Option<(OpenFolder, Vec<Name>)>> {
    let mut listed = list_in_no_order(folder)?;
    if let Some((_, names)) = &mut listed {
        names.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(listed)
}

fn list_in_no_order(folder: &Path) -> Result<Option<(OpenFolder, Vec<Name>)>> {
    let Some(folder) = OpenFolder::open(folder)? else { return Ok(None) };
    let mut names = Vec::new();
    folder.each_name(&mut NamesBuffer::new(), |listed| {
        let kind = match listed.kind {
            Some(kind) => Some(kind),
            None => folder.facts_below(listed.name)?.map(|facts| facts.kind),
        };
        let name = |kind| Name { name: listed.name.to_owned(), kind, inode: listed.inode };
        names.extend(kind.map(name));
        Ok(())
    })?;
    Ok(Some((folder, names)))
}

/// A name in a folder.
pub(crate) struct Name {
    pub(crate) name: OsString,
    pub(crate) kind: FileKind,
    inode: u64,
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
