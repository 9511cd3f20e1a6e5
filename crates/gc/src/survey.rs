//! Looking at the layers of a platform.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use buildbook_atomic_swap::{Role, find_leftovers};
use buildbook_fsio::{Probe, probe};
use buildbook_layout::{LayerName, LayerTree, PlatformTree, Timestamp};

use crate::item::Identity;
use crate::metadata::{Metadata, last_touched};
use crate::mounts::Mounts;
use crate::usage::{Usage, identity, measure};
use crate::{Error, Result};

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
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    /// `None` when it cannot be read.
    pub(crate) usage: Option<Usage>,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) mounted: bool,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Layer {
        name: LayerName,
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
    let mut survey = LayerSurvey { tree: tree.clone(), entries: Vec::new(), problems: Vec::new() };
    let histories = tree.packages();
    let look = Look::at(tree.path())?;
    for (file_name, kind) in list(tree.path())? {
        let path = tree.path().join(&file_name);
        let role = look.leftover(&path);
        let layer = file_name.to_str().and_then(|name| name.parse::<LayerName>().ok());
        let kind = match (role, layer, kind.is_dir()) {
            // The new contents of a file, or a link, are nothing that is collected.
            (Some(Role::Temporary), _, _) => continue,
            (Some(role), _, true) => {
                Kind::Leftover { role, parents: look.parents(&LayerTree::at(&path), None).0 }
            }
            (None, Some(name), true) => {
                let (parents, created) = look.parents(&tree.layer(&name), Some(&mut survey.problems));
                let lock = lock_state(tree, &name, &mut survey.problems);
                let mut entry = look.entry(&path, Kind::Layer { name, parents, lock }, &mut survey.problems);
                let touched = last_touched(&LayerTree::at(&path));
                entry.last_used = latest_use(&entry, created, touched, &mut survey.problems);
                survey.entries.push(entry);
                continue;
            }
            (_, Some(name), false) => {
                Kind::NotAFolder { parents: look.parents_behind(&tree.layer(&name), &mut survey.problems) }
            }
            (None, None, true) if path != histories.path() => Kind::Foreign,
            _ => continue,
        };
        survey.entries.push(look.entry(&path, kind, &mut survey.problems));
    }
    Ok(survey)
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

fn lock_state(tree: &PlatformTree, layer: &LayerName, problems: &mut Vec<Error>) -> LockState {
    match probe(&tree.layer_lock(layer)) {
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
    /// The folder without links in its path, as the table of mounts has it.
    real: PathBuf,
    mounts: Mounts,
    leftovers: HashMap<PathBuf, Role>,
}

impl Look {
    pub(crate) fn at(folder: &Path) -> Result<Look> {
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(Look { real, mounts: Mounts::now(), leftovers: leftovers(folder)? })
    }

    pub(crate) fn leftover(&self, path: &Path) -> Option<Role> {
        self.leftovers.get(path).copied()
    }

    /// Looks at one entry. When it was last used is when anything in it was last written.
    pub(crate) fn entry(&self, path: &Path, kind: Kind, problems: &mut Vec<Error>) -> Entry {
        let usage = measure(path).map_err(|error| problems.push(error)).ok();
        let file_name = path.file_name().unwrap_or_default();
        let mounted = usage.as_ref().is_some_and(|usage| usage.crosses)
            || self.mounts.reach_into(&self.real.join(file_name));
        Entry {
            name: file_name.to_string_lossy().into_owned(),
            identity: fs::symlink_metadata(path).map_or(Identity(0, 0), |metadata| identity(&metadata)),
            last_used: usage.as_ref().and_then(|usage| usage.newest),
            path: path.to_owned(),
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
        let look = Look { real: PathBuf::from("t"), mounts: Mounts::default(), leftovers };
        assert!((0..300_000).all(|n| look.leftover(&path(n)) == Some(Role::Trash)));
        assert_eq!(look.leftover(Path::new("t/build-000000000001")), None);
    }
}
